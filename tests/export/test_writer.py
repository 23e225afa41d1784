"""A bundle is complete, checked and loadable, or it is not there."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from export import writer
from export.parity import SHAPES
from export.source import Source, read_source
from export.writer import write_bundle
from model.bundle import CALIBRATION, MODEL, Metric, open_bundle
from model.errors import BundleInvalid, InvalidParameter
from model.network.rebuild import weights_from_bundle
from model.runtime import TrackletEmbedding, load_embedder
from tests.export.conftest import LABEL, Exported
from tests.support.networks import mask_of, pictures


@pytest.mark.parametrize("variant", ["plain", "compact", "half", "int8"])
def test_every_variant_loads_and_passes_its_own_golden_test(
    variant: str, source: Source, request: pytest.FixtureRequest
) -> None:
    exported: Exported = request.getfixturevalue(variant)
    embedder = load_embedder(exported.folder, "cpu", 1)
    frames = pictures(1, 5)

    answer = embedder.embed([frames[0].numpy()])[0]

    assert isinstance(answer, TrackletEmbedding)
    with torch.inference_mode():
        expected = source.network(frames).embedding[0].numpy()
    assert answer.embedding @ expected > (0.9 if variant == "int8" else 0.999)
    assert answer.global_attention.shape == (5, 4, 2)


def test_the_manifest_says_what_the_graph_is(plain: Exported, source: Source) -> None:
    manifest = plain.manifest

    assert (manifest.name, manifest.version) == ("test", "1.2.3")
    assert manifest.model_id == source.model_id
    assert (manifest.frame_height, manifest.frame_width) == (64, 32)
    assert (manifest.embedding_width, manifest.attention_grid) == (96, (4, 2))
    assert {spec.name: (spec.dtype, spec.shape) for spec in manifest.inputs} == {
        "frames": ("uint8", ("B", "L", 64, 32, 3)),
        "mask": ("bool", ("B", "L")),
    }
    assert {spec.name: (spec.dtype, spec.shape) for spec in manifest.outputs} == {
        "embedding": ("float32", ("B", 96)),
        "temporal_attention": ("float32", ("B", "L")),
        "spatial_attention": ("float32", ("B", "L", 4, 2)),
        "global_attention": ("float32", ("B", "L", 4, 2)),
    }
    assert manifest.training == {"data": "none", "seed": 1}
    assert manifest.network["token_width"] == 48
    assert open_bundle(plain.folder).manifest == manifest


def test_the_parity_report_covers_every_shape(plain: Exported) -> None:
    parity = plain.manifest.parity

    assert tuple((row.batch, row.length, row.padded) for row in parity.rows) == SHAPES
    assert parity.tolerance == 1e-4
    assert all(row.differences["embedding"] <= 1e-4 for row in parity.rows)
    assert all(max(row.differences.values()) <= 1e-3 for row in parity.rows)
    assert parity.padding_cosine >= 0.9999


def test_the_file_tells_nothing_about_the_machine_that_made_it(plain: Exported) -> None:
    content = (plain.folder / MODEL).read_bytes()

    assert onnx.load(plain.folder / MODEL).opset_import[0].version == 20
    assert b"stack_trace" not in content
    assert b"site-packages" not in content
    assert str(Path(__file__).parents[2]).encode() not in content


def test_storage_and_half_precision_keep_the_model_id(
    plain: Exported, compact: Exported, half: Exported
) -> None:
    assert compact.manifest.model_id == half.manifest.model_id == plain.manifest.model_id
    assert compact.manifest.storage == "compact"
    assert half.manifest.precision == "fp16"
    sizes = [(bundle.folder / MODEL).stat().st_size for bundle in (compact, half, plain)]
    assert sizes == sorted(sizes)
    assert {spec.dtype for spec in half.manifest.outputs} == {"float32"}


def test_int8_is_another_model_where_it_is_too_far(int8: Exported, plain: Exported) -> None:
    cosine = min(row.cosine for row in int8.manifest.parity.rows)

    assert (int8.manifest.model_id == plain.manifest.model_id) == (cosine >= 0.999)
    with pytest.raises(InvalidParameter, match="int8"):
        weights_from_bundle(int8.folder)


@pytest.mark.parametrize(("variant", "difference"), [("plain", 1e-5), ("compact", 0.02)])
def test_a_bundle_gives_its_network_back(
    variant: str, difference: float, source: Source, request: pytest.FixtureRequest
) -> None:
    exported: Exported = request.getfixturevalue(variant)
    frames, mask = pictures(2, 4), mask_of(4, 2)

    network = weights_from_bundle(exported.folder)

    with torch.inference_mode():
        found, expected = network(frames, mask), source.network(frames, mask)
    assert (found.embedding - expected.embedding).abs().max() < difference
    assert (found.temporal.frames - expected.temporal.frames).abs().max() < 50 * difference
    assert network.config.identities == 0


def test_a_bundle_becomes_another_precision_of_the_same_model(
    compact: Exported, tmp_path: Path
) -> None:
    """Golden embeddings, calibration and metrics go along: they belong to the weights."""
    folder = tmp_path / "calibrated"
    folder.mkdir()
    for file in compact.folder.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    metric = Metric(name="mAP", value=0.5, protocol="test", data="none")
    compact.manifest.model_copy(update={"metrics": (metric,)}).save(folder)
    (folder / CALIBRATION).write_text(json.dumps({"model_id": compact.manifest.model_id}))

    manifest = write_bundle(read_source(folder), tmp_path / "half", LABEL, "fp16")

    bundle = open_bundle(tmp_path / "half")
    assert manifest.model_id == compact.manifest.model_id
    assert manifest.metrics == (metric,)
    assert bundle.calibration == {"model_id": manifest.model_id}
    assert np.array_equal(bundle.golden, open_bundle(compact.folder).golden)


def test_a_graph_that_computes_something_else_leaves_nothing(
    source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    faithful = writer.convert

    def unfaithful(*arguments: object) -> onnx.ModelProto:
        model = faithful(*arguments)
        for tensor in model.graph.initializer:
            if tensor.name == "patch.bias":
                # Reversed: the same shift everywhere would vanish in the first LayerNorm.
                wrong = np.ascontiguousarray(onnx.numpy_helper.to_array(tensor)[::-1])
                tensor.CopyFrom(onnx.numpy_helper.from_array(wrong, tensor.name))
        return model

    monkeypatch.setattr(writer, "convert", unfaithful)

    with pytest.raises(BundleInvalid, match="is allowed"):
        write_bundle(source, tmp_path / "out", LABEL, "fp32")
    assert list(tmp_path.iterdir()) == []


def test_never_overwrites(plain: Exported, source: Source) -> None:
    with pytest.raises(InvalidParameter, match="exists already"):
        write_bundle(source, plain.folder, LABEL, "fp32")


def test_compact_storage_is_for_fp32(source: Source, tmp_path: Path) -> None:
    with pytest.raises(InvalidParameter, match="compact"):
        write_bundle(source, tmp_path / "out", LABEL, "fp16", "compact")
