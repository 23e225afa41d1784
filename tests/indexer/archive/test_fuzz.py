"""Archives of nonsense: every source ends as a tracklet or a refusal, never as an exception."""

import json
import tempfile
from contextlib import suppress
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.archive.files import Unreadable
from indexer.archive.layouts import scan
from indexer.archive.sources import Archive, Footage, Pictures, Refusal
from indexer.archive.tracks import read_mot
from model.boxes import parse_boxes
from model.bundle import Manifest
from model.errors import BundleInvalid, InvalidParameter

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
FIELDS = ("tracklet", "identity", "camera", "captured_at", "attributes", "x")
LINES = st.dictionaries(st.sampled_from(FIELDS), JSON).map(json.dumps)
NUMBERS = st.integers(-5, 2000) | st.floats() | st.sampled_from(["", "nan", "1e999", "x", "-1"])
MOT = st.lists(NUMBERS, max_size=11).map(lambda row: ",".join(map(str, row)))


@settings(max_examples=60, deadline=None)
@given(lines=st.lists(LINES | st.text(max_size=30), max_size=5), raw=st.binary(max_size=40))
def test_any_sidecar_of_tracklets(lines: list[str], raw: bytes) -> None:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        (root / "c1" / "t1").mkdir(parents=True)
        (root / "c1" / "t1" / "1.jpg").write_bytes(raw)
        text = "\n".join(lines).encode("utf-8", "surrogatepass")
        (root / "tracklets.jsonl").write_bytes(text + raw)

        found = list(scan(Archive(root, "archive"), "tracklets", None))

    assert all(isinstance(one, Pictures | Refusal) for one in found)


@settings(max_examples=60, deadline=None)
@given(sidecar=JSON, raw=st.binary(max_size=20))
def test_any_sidecar_of_a_video(sidecar: object, raw: bytes) -> None:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        for content, file in ((raw, "c1.mp4"), (b"1,1,1,1,5,5,1", "c1.txt")):
            (root / file).write_bytes(content)
        (root / "c1.json").write_bytes(json.dumps(sidecar).encode() + raw)

        found = list(scan(Archive(root, "archive"), "mot", None))

    assert all(isinstance(one, Footage | Refusal) for one in found)


@settings(max_examples=150, deadline=None)
@given(lines=st.lists(MOT | st.text(max_size=20), max_size=6), raw=st.binary(max_size=10))
def test_any_file_of_boxes(lines: list[str], raw: bytes) -> None:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "c1.txt"
        path.write_bytes("\n".join(lines).encode("utf-8", "surrogatepass") + raw)
        with suppress(Unreadable):
            read_mot(path)


@settings(max_examples=150, deadline=None)
@given(text=st.text(max_size=40) | JSON.map(json.dumps))
def test_any_boxes_of_an_upload(text: str) -> None:
    with suppress(InvalidParameter):
        parse_boxes(text)


@settings(max_examples=60, deadline=None)
@given(content=st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_manifest(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "manifest.json").write_bytes(content)
        with suppress(BundleInvalid):
            Manifest.load(Path(name))
