"""A bundle whose files do not agree with its manifest is refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from model.bundle import (
    CALIBRATION,
    GOLDEN,
    MANIFEST,
    MAX_MANIFEST_BYTES,
    MODEL,
    Manifest,
    file_sha256,
    golden_inputs,
    open_bundle,
)
from model.errors import BundleInvalid
from tests.support.fake_bundle import edit_manifest, make_bundle


def replace_golden(folder: Path, embeddings: np.ndarray) -> None:
    """Other golden embeddings with a digest that fits them."""
    np.savez(folder / GOLDEN, embeddings=embeddings)
    golden = json.loads((folder / MANIFEST).read_bytes())["golden"]
    edit_manifest(folder, golden={**golden, "sha256": file_sha256(folder / GOLDEN)})


def test_a_whole_bundle_opens(fake_bundle: Path) -> None:
    bundle = open_bundle(fake_bundle)

    assert bundle.golden.shape == (2, bundle.manifest.embedding_width)
    assert bundle.calibration is None
    assert bundle.model_path.is_file()


def test_a_manifest_survives_saving(fake_bundle: Path, tmp_path: Path) -> None:
    manifest = Manifest.load(fake_bundle)

    manifest.save(tmp_path)

    assert Manifest.load(tmp_path) == manifest


@pytest.mark.parametrize("name", [MANIFEST, MODEL, GOLDEN])
def test_a_missing_file_is_named(bundle: Path, name: str) -> None:
    (bundle / name).unlink()

    with pytest.raises(BundleInvalid, match=str(bundle)):
        open_bundle(bundle)


@pytest.mark.parametrize("name", [MODEL, GOLDEN])
def test_one_flipped_bit_is_found(bundle: Path, name: str) -> None:
    data = bytearray((bundle / name).read_bytes())
    data[len(data) // 2] ^= 1
    (bundle / name).write_bytes(data)

    with pytest.raises(BundleInvalid, match="not the file its manifest describes"):
        open_bundle(bundle)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"format": 2}, "format"),
        ({"model_id": "short"}, "model_id"),
        ({"embedding_width": 0}, "embedding_width"),
        ({"precison": "fp32"}, "precison"),
        ({"colour_order": "BGR"}, "colour_order"),
        ({"resize": "pad"}, "resize"),
        ({"golden": {"seed": 1, "lengths": [1], "sha256": ""}}, "golden.lengths"),
    ],
)
def test_a_manifest_with_a_wrong_field_is_refused(
    bundle: Path, changes: dict[str, Any], field: str
) -> None:
    edit_manifest(bundle, **changes)

    with pytest.raises(BundleInvalid, match=field):
        open_bundle(bundle)


@pytest.mark.parametrize("text", ["", "[]", "{", "null", "\x00"])
def test_a_manifest_that_is_no_json_object_is_refused(bundle: Path, text: str) -> None:
    (bundle / MANIFEST).write_text(text)

    with pytest.raises(BundleInvalid, match=MANIFEST):
        open_bundle(bundle)


def test_an_endless_manifest_is_not_read(bundle: Path) -> None:
    with (bundle / MANIFEST).open("wb") as file:
        file.truncate(MAX_MANIFEST_BYTES + 1)

    with pytest.raises(BundleInvalid, match="larger than"):
        open_bundle(bundle)


@pytest.mark.parametrize(
    "embeddings",
    [
        np.zeros((2, 31), dtype=np.float32),
        np.zeros((3, 32), dtype=np.float32),
        np.zeros((2, 32), dtype=np.float64),
        np.full((2, 32), np.nan, dtype=np.float32),
    ],
)
def test_golden_embeddings_of_another_kind_are_refused(
    bundle: Path, embeddings: np.ndarray
) -> None:
    replace_golden(bundle, embeddings)

    with pytest.raises(BundleInvalid, match="golden embeddings must be finite float32"):
        open_bundle(bundle)


def test_a_pickle_in_the_golden_file_is_never_loaded(bundle: Path, tmp_path: Path) -> None:
    replace_golden(bundle, np.array([Bomb(tmp_path / "exploded")], dtype=object))

    with pytest.raises(BundleInvalid, match="no golden embeddings"):
        open_bundle(bundle)

    assert not (tmp_path / "exploded").exists()


class Bomb:
    """An object whose unpickling leaves a mark."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.mark,)


@pytest.mark.parametrize("data", [b"PK\x03\x04 not really", b"", b"\x93NUMPY\x01\x00", b"{}"])
def test_golden_bytes_that_are_no_archive_are_refused(bundle: Path, data: bytes) -> None:
    (bundle / GOLDEN).write_bytes(data)
    golden = json.loads((bundle / MANIFEST).read_bytes())["golden"]
    edit_manifest(bundle, golden={**golden, "sha256": file_sha256(bundle / GOLDEN)})

    with pytest.raises(BundleInvalid, match="no golden embeddings"):
        open_bundle(bundle)


def test_a_bare_array_is_no_archive(bundle: Path) -> None:
    with (bundle / GOLDEN).open("wb") as file:
        np.save(file, np.zeros((2, 32), dtype=np.float32))
    golden = json.loads((bundle / MANIFEST).read_bytes())["golden"]
    edit_manifest(bundle, golden={**golden, "sha256": file_sha256(bundle / GOLDEN)})

    with pytest.raises(BundleInvalid, match="no golden embeddings"):
        open_bundle(bundle)


def test_a_calibration_comes_along_and_must_be_an_object(bundle: Path) -> None:
    (bundle / CALIBRATION).write_text('{"data": "synthetic"}')
    assert open_bundle(bundle).calibration == {"data": "synthetic"}

    for broken in ("[]", "{", "\udcff".encode("utf-8", "surrogateescape").decode("latin-1")):
        (bundle / CALIBRATION).write_text(broken)
        with pytest.raises(BundleInvalid, match=CALIBRATION):
            open_bundle(bundle)


def test_golden_inputs_come_from_the_seed_and_differ(fake_bundle: Path) -> None:
    manifest = Manifest.load(fake_bundle)

    once, again = golden_inputs(manifest), golden_inputs(manifest)

    assert [len(tracklet) for tracklet in once] == list(manifest.golden.lengths)
    for first, second in zip(once, again, strict=True):
        np.testing.assert_array_equal(first, second)
        assert first.shape[1:] == (manifest.frame_height, manifest.frame_width, 3)
    assert (once[0][0] != once[1][0]).any()
    assert (once[1][0] != once[1][1]).any()


def test_precisions_share_the_model_id_and_seeds_do_not(tmp_path: Path) -> None:
    fp32 = open_bundle(make_bundle(tmp_path / "fp32", seed=3)).manifest
    fp16 = open_bundle(make_bundle(tmp_path / "fp16", seed=3, precision="fp16")).manifest
    other = open_bundle(make_bundle(tmp_path / "other", seed=4)).manifest

    assert fp32.model_id == fp16.model_id != other.model_id
    assert fp32.sha256 != fp16.sha256
