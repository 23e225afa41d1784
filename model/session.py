"""The one file that knows ONNX Runtime: opens a bundle's graph on a device and runs it.

ONNX Runtime falls back in silence: it lists CUDA as available on machines without a GPU, and gives
a session on the CPU where CUDA fails to load. So the provider that is in effect is read back from
the session and compared with what was asked for.
"""

import logging
import sys
from contextlib import redirect_stdout
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from model.bundle import Bundle, Manifest, TensorSpec
from model.errors import BundleInvalid, DeviceUnavailable

Device = Literal["auto", "cpu", "cuda"]

OUTPUTS = ("embedding", "temporal_attention", "spatial_attention", "global_attention")

_DTYPES = {"tensor(uint8)": "uint8", "tensor(bool)": "bool", "tensor(float)": "float32"}
_log = logging.getLogger(__name__)
_CUDA = "CUDAExecutionProvider"
_CPU = "CPUExecutionProvider"


@dataclass(frozen=True)
class Outputs:
    """What the graph gives for a padded batch."""

    embedding: NDArray[np.float32]
    """[B, D]"""
    temporal_attention: NDArray[np.float32]
    """[B, L]"""
    spatial_attention: NDArray[np.float32]
    """[B, L, rows, columns]"""
    global_attention: NDArray[np.float32]
    """[B, L, rows, columns]"""


class OutOfMemory(Exception):
    """The device has no room for a batch of this size; a smaller one may fit."""


class SessionFailed(Exception):
    """ONNX Runtime could not compute a batch, for another reason than memory."""


class Session(Protocol):
    """A loaded graph."""

    @property
    def provider(self) -> Literal["cpu", "cuda"]:
        """Where it really runs."""

    def run(self, frames: NDArray[np.uint8], mask: NDArray[np.bool_]) -> Outputs:
        """Frames [B, L, H, W, 3], mask [B, L]. Raises `OutOfMemory`, `SessionFailed`."""


class OnnxSession:
    """A bundle's graph in ONNX Runtime."""

    def __init__(self, session: ort.InferenceSession) -> None:
        self._session = session

    @property
    def provider(self) -> Literal["cpu", "cuda"]:
        return "cuda" if self._session.get_providers()[0] == _CUDA else "cpu"

    def run(self, frames: NDArray[np.uint8], mask: NDArray[np.bool_]) -> Outputs:
        try:
            arrays = self._session.run(list(OUTPUTS), {"frames": frames, "mask": mask})
        except Exception as error:  # ONNX Runtime's errors share no base class
            raise _translated(error) from error
        return Outputs(*arrays)


def open_session(bundle: Bundle, device: Device, threads: int) -> OnnxSession:
    """Load a bundle's graph; `threads` is the budget of one call on the CPU.

    Raises `DeviceUnavailable` where `device` is "cuda" and the session would run elsewhere, and
    `BundleInvalid` where the graph cannot be loaded or is not the one that the manifest describes.
    """
    options = _options(bundle.manifest, threads)
    session = _open_on(device, bundle.model_path, options)
    _check_graph(session, bundle.manifest)
    return OnnxSession(session)


def open_graph(path: Path, device: Device, threads: int) -> ort.InferenceSession:
    """Load a graph that is no bundle's: a detector that the user brings. Raises the same."""
    return _open_on(device, path, _plain_options(threads))


def refuse_two_runtimes() -> None:
    """Raise `DeviceUnavailable` where the CPU and the GPU package are installed together.

    Both own the same files: whichever came last wins, and the other's providers half work.
    """
    found = [name for name in ("onnxruntime", "onnxruntime-gpu") if _installed(name)]
    if len(found) > 1:
        raise DeviceUnavailable(
            "onnxruntime and onnxruntime-gpu are both installed and overwrite each other's files: "
            "uninstall both, then install one of Sightline's extras `cpu` and `gpu`"
        )


def _installed(package: str) -> bool:
    try:
        metadata.version(package)
    except metadata.PackageNotFoundError:
        return False
    return True


def _options(manifest: Manifest, threads: int) -> ort.SessionOptions:
    options = _plain_options(threads)
    if manifest.storage == "compact":
        # Weights are stored as int8 or fp16 but meant as fp32: without this entry the casts stay
        # in the graph and run on every call.
        options.add_session_config_entry("session.disable_quant_qdq", "1")
    return options


def _plain_options(threads: int) -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # its complaints come as exceptions or as another provider
    return options


def _open_on(device: Device, path: Path, options: ort.SessionOptions) -> ort.InferenceSession:
    refuse_two_runtimes()
    if device != "cpu" and (device == "cuda" or _CUDA in ort.get_available_providers()):
        try:
            return _open_on_cuda(path, options)
        except DeviceUnavailable as error:
            if device == "cuda":
                raise
            _log.warning("%s; the model runs on the CPU", error.detail)
    try:
        return ort.InferenceSession(path, options, providers=[_CPU])
    except Exception as error:  # ONNX Runtime's errors share no base class
        raise BundleInvalid(f"{path} cannot be loaded: {error}") from error


def _open_on_cuda(path: Path, options: ort.SessionOptions) -> ort.InferenceSession:
    """A session that really runs on CUDA. Raises `DeviceUnavailable`."""
    if _CUDA not in ort.get_available_providers():
        raise DeviceUnavailable("this ONNX Runtime has no CUDA: install Sightline's extra `gpu`")
    with redirect_stdout(sys.stderr):  # a script reads the standard output
        ort.preload_dlls()  # finds the CUDA libraries that pip installed beside it
    # Trying every convolution algorithm for every new shape takes seconds per shape.
    providers: list[Any] = [(_CUDA, {"cudnn_conv_algo_search": "HEURISTIC"}), _CPU]
    try:
        # Its own fallback to the CPU would print to the standard output of a script.
        session = ort.InferenceSession(path, options, providers=providers, enable_fallback=0)
    except Exception as error:  # ONNX Runtime's errors share no base class
        raise DeviceUnavailable(f"CUDA cannot be used: {error}") from error
    if session.get_providers()[0] != _CUDA:
        raise DeviceUnavailable("ONNX Runtime lists CUDA but gave a session without it")
    return session


def _check_graph(session: ort.InferenceSession, manifest: Manifest) -> None:
    """Raise `BundleInvalid` unless graph, manifest and contract name the same tensors."""
    rows_columns = manifest.attention_grid
    picture = (manifest.frame_height, manifest.frame_width, 3)
    contract = {
        "frames": ("uint8", ("B", "L", *picture)),
        "mask": ("bool", ("B", "L")),
        "embedding": ("float32", ("B", manifest.embedding_width)),
        "temporal_attention": ("float32", ("B", "L")),
        "spatial_attention": ("float32", ("B", "L", *rows_columns)),
        "global_attention": ("float32", ("B", "L", *rows_columns)),
    }
    graph = [
        TensorSpec(name=node.name, dtype=_DTYPES.get(node.type, node.type), shape=_shape(node))
        for node in (*session.get_inputs(), *session.get_outputs())
    ]
    for where, specs in (
        ("the graph", graph),
        ("the manifest", [*manifest.inputs, *manifest.outputs]),
    ):
        if sorted(spec.name for spec in specs) != sorted(contract):
            raise BundleInvalid(f"{where} must have exactly the tensors {', '.join(contract)}")
        for spec in specs:
            dtype, shape = contract[spec.name]
            if spec.dtype != dtype or not _fits(spec.shape, shape):
                raise BundleInvalid(
                    f"{where}: {spec.name} is {spec.dtype} {list(spec.shape)}, "
                    f"expected {dtype} {list(shape)}"
                )


def _shape(node: Any) -> tuple[str | int, ...]:
    """A graph tensor's shape; an axis without a name counts as dynamic."""
    return tuple(axis if isinstance(axis, int) else str(axis) for axis in node.shape)


def _fits(found: tuple[str | int, ...], expected: tuple[str | int, ...]) -> bool:
    """Same rank, dynamic axes dynamic, and no fixed size contradicted."""
    if len(found) != len(expected):
        return False
    return all(
        isinstance(size, str)
        if isinstance(wanted, str)
        else size == wanted or isinstance(size, str)
        for size, wanted in zip(found, expected, strict=True)
    )


_NO_ROOM = ("out of memory", "failed to allocate", "alloc_failed", "bad allocation", "bad_alloc")


def _translated(error: Exception) -> OutOfMemory | SessionFailed:
    text = str(error)
    if any(sign in text.lower() for sign in _NO_ROOM):
        return OutOfMemory(text)
    return SessionFailed(text)
