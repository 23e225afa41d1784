"""ONNX Runtime: the device that was asked for, or none; the graph of the manifest, or none."""

import warnings
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest

from model import session as session_module
from model.bundle import MODEL, file_sha256, open_bundle
from model.errors import BundleInvalid, DeviceUnavailable
from model.runtime import load_embedder
from model.session import OutOfMemory, SessionFailed, open_session
from tests.support.fake_bundle import edit_manifest, person


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("CUDA failure 2: out of memory ; GPU=0", OutOfMemory),
        (
            "BFCArena::AllocateRawInternal Failed to allocate memory for requested buffer",
            OutOfMemory,
        ),
        ("CUBLAS failure 3: CUBLAS_STATUS_ALLOC_FAILED", OutOfMemory),
        ("CUDA failure 700: an illegal memory access was encountered", SessionFailed),
        ("Got invalid dimensions for input", SessionFailed),
    ],
)
def test_errors_of_onnx_runtime_are_told_apart(
    fake_bundle: Path, monkeypatch: pytest.MonkeyPatch, text: str, kind: type[Exception]
) -> None:
    session = open_session(open_bundle(fake_bundle), "cpu", threads=1)

    def fail(*_: Any) -> None:
        raise RuntimeError(text)

    monkeypatch.setattr(session._session, "run", fail)

    with pytest.raises(kind, match=r"fail|alloc|dimensions"):
        session.run(person(1, 1)[None], np.ones((1, 1), dtype=np.bool_))


def test_cuda_is_refused_where_there_is_none(
    fake_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ort, "get_available_providers", lambda: ["CPUExecutionProvider"])

    with pytest.raises(DeviceUnavailable):
        load_embedder(fake_bundle, "cuda")
    assert load_embedder(fake_bundle, "auto", threads=1).provider == "cpu"


def test_a_runtime_that_lists_cuda_and_falls_back_is_found_out(
    fake_bundle: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As on a machine with the GPU package and no GPU: listed, asked for, and not in effect."""
    monkeypatch.setattr(
        ort, "get_available_providers", lambda: ["CUDAExecutionProvider", "CPUExecutionProvider"]
    )
    monkeypatch.setattr(ort, "preload_dlls", lambda: None)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Specified provider")

        with pytest.raises(DeviceUnavailable):
            load_embedder(fake_bundle, "cuda")
        chosen = load_embedder(fake_bundle, "auto", threads=1)

    assert chosen.provider == "cpu"
    assert "the model runs on the CPU" in caplog.text


def test_a_cuda_that_cannot_start_is_refused_with_its_reason(
    fake_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("CUDA driver version is insufficient")

    monkeypatch.setattr(ort, "get_available_providers", lambda: ["CUDAExecutionProvider"])
    monkeypatch.setattr(ort, "preload_dlls", lambda: None)
    monkeypatch.setattr(ort, "InferenceSession", fail)

    with pytest.raises(DeviceUnavailable, match="driver version"):
        open_session(open_bundle(fake_bundle), "cuda", threads=1)


def test_two_runtimes_in_one_environment_are_refused(
    fake_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metadata, "version", lambda package: "1.30")

    with pytest.raises(DeviceUnavailable, match="both installed"):
        load_embedder(fake_bundle)


@pytest.mark.parametrize(
    "changes",
    [
        {"attention_grid": [4, 2]},
        {"frame_height": 32},
        {"inputs": []},
        {"outputs": [{"name": "embedding", "dtype": "float32", "shape": ["B", 32]}]},
    ],
)
def test_a_manifest_that_describes_another_graph_is_refused(
    bundle: Path, changes: dict[str, Any]
) -> None:
    edit_manifest(bundle, **changes)

    with pytest.raises(BundleInvalid, match=r"expected|exactly the tensors"):
        load_embedder(bundle)


def rewrite_graph(folder: Path, change: Callable[[onnx.ModelProto], None]) -> None:
    graph = onnx.load(folder / MODEL)
    change(graph)
    onnx.save(graph, folder / MODEL)
    edit_manifest(folder, sha256=file_sha256(folder / MODEL))


def fix_batch(graph: onnx.ModelProto) -> None:
    graph.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1


def drop_output(graph: onnx.ModelProto) -> None:
    del graph.graph.output[-1]


def change_type(graph: onnx.ModelProto) -> None:
    graph.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.INT8


@pytest.mark.parametrize("change", [fix_batch, drop_output, change_type])
def test_a_graph_other_than_the_contract_is_refused(
    bundle: Path, change: Callable[[onnx.ModelProto], None]
) -> None:
    rewrite_graph(bundle, change)

    with pytest.raises(BundleInvalid):
        load_embedder(bundle)


def test_a_file_that_is_no_graph_is_refused(bundle: Path) -> None:
    (bundle / MODEL).write_bytes(b"not a model")
    edit_manifest(bundle, sha256=file_sha256(bundle / MODEL))

    with pytest.raises(BundleInvalid, match="cannot be loaded"):
        load_embedder(bundle)


def test_compact_storage_is_unfolded_at_load_and_int8_is_not(fake_bundle: Path) -> None:
    entry = "session.disable_quant_qdq"
    manifest = open_bundle(fake_bundle).manifest
    compact = manifest.model_copy(update={"storage": "compact"})
    int8 = manifest.model_copy(update={"precision": "int8"})

    assert session_module._options(compact, 1).get_session_config_entry(entry) == "1"
    for plain in (manifest, int8):
        with pytest.raises(RuntimeError):
            session_module._options(plain, 1).get_session_config_entry(entry)
