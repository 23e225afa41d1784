"""Videos in, frames out, through a child process that may not harm anyone."""

import os
import struct
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import model.clip
from model.boxes import Box, parse_boxes
from model.clip import decode_clip, read_clip_frames
from model.decode import DecodedTracklet
from model.errors import ClipTooLarge, InputRefused, InvalidParameter, UndecodableClip
from model.limits import DecodeLimits
from model.sampling import central_indices
from tests.support.media import write_video

LIMITS = DecodeLimits()
ROOT = Path(__file__).parents[2]
KINDS = [("mp4", "mp4v"), ("mkv", "MJPG"), ("webm", "VP80"), ("webm", "VP90"), ("avi", "MJPG")]


def decode(
    path: Path, boxes: tuple[Box, ...] | None = None, limits: DecodeLimits = LIMITS
) -> DecodedTracklet:
    return decode_clip(path, boxes, 32, 64, 32, limits)


@pytest.fixture(scope="session")
def avi(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 frames of 48 x 96 pixels, 25 a second; frame k is grey of level 5 k."""
    return write_video(tmp_path_factory.mktemp("video") / "clip.avi")


@pytest.mark.parametrize(("extension", "codec"), KINDS)
def test_every_container_decodes(tmp_path: Path, extension: str, codec: str) -> None:
    path = write_video(tmp_path / f"clip.{extension}", codec=codec)

    tracklet = decode(path.rename(tmp_path / "any.name"))

    assert tracklet.received == 40
    assert list(tracklet.sampled) == central_indices(40, 32).tolist()
    assert tracklet.frames.shape == (32, 64, 32, 3)
    assert tracklet.crops_wider_than_high == 0
    levels = tracklet.frames.mean(axis=(1, 2, 3))
    assert np.abs(levels - 5 * np.array(tracklet.sampled)).max() < 5


def test_a_short_clip_gives_all_its_frames(tmp_path: Path) -> None:
    assert decode(write_video(tmp_path / "clip.avi", frames=3)).sampled == (0, 1, 2)


def test_a_wide_clip_looks_uncropped(tmp_path: Path) -> None:
    tracklet = decode(write_video(tmp_path / "clip.avi", frames=3, size=(48, 96)))

    assert tracklet.crops_wider_than_high == 3
    assert tracklet.looks_uncropped


def test_a_turned_video_is_shown_upright(tmp_path: Path) -> None:
    path = write_video(tmp_path / "clip.mp4", codec="mp4v", size=(48, 96))
    data = bytearray(path.read_bytes())
    matrix = data.index(b"tkhd") + 44
    quarter_turn = (0, 0x10000, 0, -0x10000, 0, 0, 0, 0, 0x40000000)
    data[matrix : matrix + 36] = struct.pack(">9i", *quarter_turn)
    path.write_bytes(data)

    assert next(iter(read_clip_frames(path, LIMITS))).rgb.shape == (96, 48, 3)
    assert not decode(path).looks_uncropped


def test_boxes_crop_the_person_out(avi: Path) -> None:
    boxes = parse_boxes("[[30, 0, 0, 48, 96], [4, -20, 10.5, 40, 30], [9, 40, 0, 400, 20]]")

    tracklet = decode(avi, boxes)

    assert tracklet.received == 3
    assert tracklet.sampled == (0, 1, 2)
    assert np.abs(tracklet.frames.mean(axis=(1, 2, 3)) - [20, 45, 150]).max() < 3
    assert tracklet.crops_wider_than_high == 2


def test_more_boxes_than_the_model_takes_are_sampled(avi: Path) -> None:
    boxes = tuple(Box(place, 0, 0, 20, 40) for place in range(40))

    tracklet = decode(avi, boxes)

    assert list(tracklet.sampled) == central_indices(40, 32).tolist()
    assert len(tracklet.frames) == 32


def test_nothing_after_the_last_box_is_decoded(avi: Path) -> None:
    tracklet = decode(avi, (Box(5, 0, 0, 20, 40),), DecodeLimits(clip_frames=6))

    assert tracklet.received == 1


@pytest.mark.parametrize(
    ("box", "message"),
    [
        (Box(40, 0, 0, 20, 40), "no frame 40"),
        (Box(3, 48, 0, 20, 40), "outside the 48 x 96 picture"),
    ],
)
def test_a_box_outside_the_clip_is_an_invalid_parameter(avi: Path, box: Box, message: str) -> None:
    with pytest.raises(InvalidParameter, match=message):
        decode(avi, (Box(0, 0, 0, 20, 40), box))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not a video",
        b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
        b"RIFF\x00\x00\x00\x00AVI #EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
        b"\x00\x00\x00\x18ftypmp42" + bytes(100),
        b"\x1a\x45\xdf\xa3" + bytes(100),
        b"GIF89a" + bytes(100),
    ],
)
def test_what_is_no_video_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "clip.avi"
    path.write_bytes(data)

    with pytest.raises(UndecodableClip):
        decode(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UndecodableClip, match="cannot be opened"):
        decode(tmp_path / "absent.mp4")


def test_one_container_inside_the_name_of_another_is_not_followed(
    avi: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FFmpeg is told the one format that was recognised and may not guess another."""
    monkeypatch.setattr(model.clip, "_container_format", lambda _: "matroska")

    with pytest.raises(UndecodableClip):
        decode(avi)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_a_mutated_video_is_decoded_or_refused(
    tmp_path_factory: pytest.TempPathFactory, avi: Path, draw: st.DataObject
) -> None:
    data = bytearray(avi.read_bytes())
    for place in draw.draw(st.lists(st.integers(0, len(data) - 1), min_size=1, max_size=20)):
        data[place] = draw.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("mutated") / "clip.avi"
    path.write_bytes(data[: draw.draw(st.integers(0, len(data)))])

    try:
        tracklet = decode(path)
    except InputRefused:
        return
    assert 1 <= len(tracklet.frames) <= 32


@pytest.mark.parametrize("claimed", [0, 1, 39, 41, 2**31 - 1])
def test_a_lying_number_of_frames_changes_nothing(tmp_path: Path, avi: Path, claimed: int) -> None:
    data = bytearray(avi.read_bytes())
    total = data.index(b"avih") + 8 + 16
    length = data.index(b"strh") + 8 + 32
    for place in (total, length):
        data[place : place + 4] = struct.pack("<I", claimed)
    path = tmp_path / "clip.avi"
    path.write_bytes(data)

    lying, honest = decode(path), decode(avi)

    assert lying.received == 40
    assert lying.sampled == honest.sampled
    np.testing.assert_array_equal(lying.frames, honest.frames)


def test_large_frames_are_refused(tmp_path: Path) -> None:
    path = write_video(tmp_path / "large.avi", frames=1, size=(2_400, 4_000))

    with pytest.raises(ClipTooLarge, match="4000 x 2400"):
        decode(path)


def test_a_header_that_claims_huge_frames_is_refused(tmp_path: Path) -> None:
    path = write_video(tmp_path / "clip.avi", codec="FFV1")
    data = bytearray(path.read_bytes())
    sides = data.index(b"strf") + 8 + 4
    data[sides : sides + 8] = struct.pack("<ii", 10_000, 10_000)
    path.write_bytes(data)

    with pytest.raises(ClipTooLarge, match="10000 x 10000"):
        decode(path)


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (DecodeLimits(clip_frames=39), "more than 39 frames"),
        (DecodeLimits(clip_seconds=1.5), "more than 1.5 seconds"),
        (DecodeLimits(clip_pixels=96 * 48 - 1), "48 x 96 pixels"),
    ],
)
def test_a_clip_has_limits(avi: Path, limits: DecodeLimits, message: str) -> None:
    with pytest.raises(ClipTooLarge, match=message):
        decode(avi, limits=limits)


def test_the_limits_themselves_are_allowed(avi: Path) -> None:
    limits = DecodeLimits(clip_frames=40, clip_seconds=1.56, clip_pixels=96 * 48)

    assert decode(avi, limits=limits).received == 40


def test_too_little_memory_refuses_the_clip(avi: Path) -> None:
    with pytest.raises((ClipTooLarge, UndecodableClip)):
        decode(avi, limits=DecodeLimits(clip_memory_bytes=64 * 2**20))


def test_time_runs_out(avi: Path) -> None:
    with pytest.raises(UndecodableClip, match="in time"):
        decode(avi, limits=DecodeLimits(clip_wall_seconds=0.001))


@pytest.mark.parametrize(
    ("greed", "seconds", "end"),
    [
        ("while True: pass", 1, ""),
        ("bytearray(2**31)", 60, "MemoryError"),
        ("open('here', 'wb', buffering=0).write(b'x')", 60, "File too large"),
    ],
    ids=["time", "memory", "files"],
)
def test_the_child_cannot_have_more_than_its_limits(
    greed: str, seconds: int, end: str, tmp_path: Path
) -> None:
    script = (
        "from model.clip_child import limit_self\n"
        "from model.limits import DecodeLimits\n"
        f"limit_self(DecodeLimits(clip_cpu_seconds={seconds}), has_time_limit=True)\n"
        f"{greed}\n"
        "print('had it')\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        timeout=30,
        check=False,
    )

    assert done.returncode != 0
    assert b"had it" not in done.stdout
    assert done.stderr.decode().strip().endswith(end)


CHILDREN = {
    "dies": "import os; os.abort()",
    "says nothing": "pass",
    "hangs": "import time; time.sleep(60)",
    "never ends its line": "import sys\nwhile True: sys.stdout.write('x' * 4096)",
    "is no JSON": "print('hello')",
    "is no object": "print('[1]')",
    "is too deep": "print('[' * 60000)",
    "has no fields": "print('{}')",
    "has wrong fields": """print('{"tracklet": {"received": [], "wide": 0, "sampled": 7}}')""",
    "has no frame": """print('{"tracklet": {"received": 1, "wide": 0, "sampled": []}}')""",
    "has a huge frame": """print('{"frame": 0, "seconds": 0, "shape": [100000, 100000, 3]}')""",
    "stops in a frame": """print('{"tracklet": {"received":1,"wide":0,"sampled":[0]}}\\nabc')""",
    "has an unknown refusal": """print('{"refused": "__class__", "detail": "boo"}')""",
}


@pytest.mark.parametrize("script", CHILDREN.values(), ids=list(CHILDREN))
def test_a_child_that_misbehaves_only_refuses_its_video(
    avi: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    before = children()
    monkeypatch.setattr(model.clip, "command", lambda: [sys.executable, "-I", "-c", script])
    limits = DecodeLimits(clip_wall_seconds=0.5)

    with pytest.raises(UndecodableClip):
        decode(avi, limits=limits)
    with pytest.raises(UndecodableClip):
        list(read_clip_frames(avi, limits))

    assert children() == before


def children() -> set[str]:
    """Processes that this one has started and that still exist; other tests may have left some."""
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())


def test_boxes_longer_than_a_pipe_reach_the_child(avi: Path) -> None:
    boxes = tuple(Box(place, 0.123456789, 0.123456789, 30, 60) for place in range(5_000))

    with pytest.raises(InvalidParameter, match="no frame 40"):
        decode(avi, boxes)


def test_a_whole_video_streams_in_order(avi: Path) -> None:
    frames = list(read_clip_frames(avi, DecodeLimits(clip_frames=1, clip_seconds=0.01)))

    assert [frame.index for frame in frames] == list(range(40))
    assert np.allclose([frame.seconds for frame in frames], np.arange(40) / 25)
    assert {frame.rgb.shape for frame in frames} == {(96, 48, 3)}
    assert np.abs([frame.rgb.mean() - 5 * frame.index for frame in frames]).max() < 5


def test_a_stream_that_is_left_early_leaves_no_child_behind(avi: Path) -> None:
    before = children()
    stream = read_clip_frames(avi, LIMITS)
    next(iter(stream))
    assert children() > before

    stream.close()

    assert children() == before


def test_a_reader_may_be_slower_than_the_deadline(avi: Path) -> None:
    stream = read_clip_frames(avi, DecodeLimits(clip_wall_seconds=2))
    next(iter(stream))
    time.sleep(2.1)

    assert len(list(stream)) == 39


def test_a_broken_video_does_not_stream(tmp_path: Path, avi: Path) -> None:
    path = tmp_path / "short.avi"
    path.write_bytes(avi.read_bytes()[:200])

    with pytest.raises(UndecodableClip):
        list(read_clip_frames(path, LIMITS))
    with pytest.raises(ClipTooLarge):
        list(read_clip_frames(avi, DecodeLimits(clip_pixels=100)))


def test_the_child_imports_neither_torch_nor_the_service() -> None:
    script = (
        "import sys, model.clip_child\n"
        "print({'torch', 'onnxruntime', 'pydantic', 'fastapi', 'indexer'} & set(sys.modules))"
    )

    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, timeout=60, check=True
    )

    assert done.stdout.strip() == b"set()"
