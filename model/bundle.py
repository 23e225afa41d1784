"""The model bundle: a folder that holds all there is to know about an embedding.

    manifest.json       what the model is, what it takes and gives, how it was made and measured
    model.onnx          the network, preprocessing included
    golden.npz          expected embeddings of inputs that are made from a seed
    calibration.json    optional: cosine -> probability and thresholds

A bundle that does not match its manifest is refused: `open_bundle` checks digests and shapes, the
runtime then embeds the golden inputs (`model.runtime`). `model_id` names the *source weights*, so
that precisions of one model share a gallery; `sha256` names the very file.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from model.errors import BundleInvalid

MANIFEST = "manifest.json"
MODEL = "model.onnx"
GOLDEN = "golden.npz"
CALIBRATION = "calibration.json"

DEFAULT_BUNDLE = Path(__file__).parent / "bundles" / "default"
"""The bundle that ships with the project."""

MAX_MANIFEST_BYTES = 4 * 2**20

Precision = Literal["fp32", "fp16", "int8"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class TensorSpec(_Frozen):
    """One input or output of the graph; a string in `shape` is a dynamic axis ("B", "L")."""

    name: str
    dtype: str
    shape: tuple[str | int, ...]


class GoldenSpec(_Frozen):
    """Inputs of the self-test, made from a seed so that no pixels need to be stored."""

    seed: int
    lengths: tuple[int, ...] = Field(min_length=2)
    """Number of frames of each golden tracklet."""
    sha256: str
    """Digest of `golden.npz`, whose array `embeddings` is float32 [len(lengths), D]."""


class Metric(_Frozen):
    """One measured figure, never without the name of the protocol that made it."""

    name: str
    value: float
    protocol: str
    data: str
    low: float | None = None
    high: float | None = None
    """Bounds of the 95 % confidence interval, where one was computed."""


class ParityRow(_Frozen):
    """max |torch - ONNX| per output for one input shape."""

    batch: int
    length: int
    padded: bool
    differences: dict[str, float]
    cosine: float
    """The smallest cosine between the two embeddings over the batch."""


class Parity(_Frozen):
    """Result of comparing the exported graph with the network it came from."""

    tolerance: float
    """Allowed of any entry of the embedding."""
    attention_tolerance: float | None = None
    """Allowed of any entry of an attention map; None means the embedding's."""
    reference: str
    rows: tuple[ParityRow, ...]
    padding_cosine: float
    """The smallest cosine of a short tracklet alone against the same one padded in a batch."""


class Manifest(_Frozen):
    """`manifest.json`. Unknown fields are refused: a typo must not pass for an option."""

    format: Literal[1] = 1
    name: str
    version: str
    model_id: str = Field(pattern=r"^[0-9a-f]{16}$")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    precision: Precision
    storage: Literal["plain", "compact"] = "plain"
    embedding_width: int = Field(gt=0)
    frames_per_tracklet: int = Field(gt=0)
    frame_height: int = Field(gt=0)
    frame_width: int = Field(gt=0)
    attention_grid: tuple[int, int]
    """Rows and columns of the spatial and global attention maps."""
    colour_order: Literal["RGB"] = "RGB"
    resize: Literal["stretch: area when both sides shrink, else linear"] = (
        "stretch: area when both sides shrink, else linear"
    )
    opset: int
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    golden: GoldenSpec
    parity: Parity
    network: dict[str, Any]
    """The network's configuration, enough to rebuild it for further training."""
    training: dict[str, Any]
    """Provenance: data, seeds, steps, losses, machine; `{"trained": false}` where there is none."""
    metrics: tuple[Metric, ...] = ()
    licences: tuple[str, ...] = ()

    def save(self, folder: Path) -> None:
        text = self.model_dump_json(indent=2)
        (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a bundle's manifest. Raises `BundleInvalid` with what is wrong in which field."""
        path = folder / MANIFEST
        try:
            if path.stat().st_size > MAX_MANIFEST_BYTES:
                raise BundleInvalid(f"{path} is larger than {MAX_MANIFEST_BYTES} bytes")
            return cls.model_validate_json(path.read_bytes())
        except OSError as error:
            raise BundleInvalid(f"no model bundle at {folder}: {error.strerror}") from error
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"]) or "the file"
            raise BundleInvalid(f"{path}: {where}: {first['msg']}") from error


@dataclass(frozen=True)
class Bundle:
    """A bundle whose files agree with its manifest."""

    folder: Path
    manifest: Manifest
    golden: NDArray[np.float32]
    """Expected embeddings of the golden inputs, [len(golden.lengths), D]."""
    calibration: dict[str, Any] | None

    @property
    def model_path(self) -> Path:
        return self.folder / MODEL


def open_bundle(folder: Path) -> Bundle:
    """Read a bundle and check every file against the manifest.

    Raises `BundleInvalid` where a file is missing, has another digest, another shape, or belongs
    to another model.
    """
    manifest = Manifest.load(folder)
    _check_digest(folder / MODEL, manifest.sha256)
    _check_digest(folder / GOLDEN, manifest.golden.sha256)
    return Bundle(folder, manifest, _read_golden(folder, manifest), _read_calibration(folder))


def golden_inputs(manifest: Manifest) -> list[NDArray[np.uint8]]:
    """The self-test's tracklets, each uint8 [n, H, W, 3], made from the manifest's seed."""
    golden = manifest.golden
    return colour_tracklets(
        golden.seed, golden.lengths, manifest.frame_height, manifest.frame_width
    )


def colour_tracklets(
    seed: int, lengths: Sequence[int], height: int, width: int
) -> list[NDArray[np.uint8]]:
    """Tracklets of random colour fields, each uint8 [n, height, width, 3].

    They survive any precision, differ from one another, and change from frame to frame, so that
    attention has something to weigh.
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    return [_colour_fields(rng, n, height, width) for n in lengths]


def _colour_fields(rng: np.random.Generator, n: int, height: int, width: int) -> NDArray[np.uint8]:
    """n frames of one coarse colour grid that drifts, stretched by repetition (no resampling)."""
    rows, columns = 8, 4
    base = rng.integers(0, 256, (1, rows, columns, 3))
    drift = rng.integers(-40, 41, (n, rows, columns, 3))
    grid = np.clip(base + drift, 0, 255).astype(np.uint8)
    tall = grid.repeat(-(-height // rows), axis=1)[:, :height]
    return np.ascontiguousarray(tall.repeat(-(-width // columns), axis=2)[:, :, :width])


def file_sha256(path: Path) -> str:
    """Hex SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check_digest(path: Path, expected: str) -> None:
    try:
        found = file_sha256(path)
    except OSError as error:
        raise BundleInvalid(f"{path} cannot be read: {error.strerror}") from error
    if found != expected:
        raise BundleInvalid(
            f"{path} is not the file its manifest describes (SHA-256 {found[:16]}…)"
        )


def _read_golden(folder: Path, manifest: Manifest) -> NDArray[np.float32]:
    path = folder / GOLDEN
    try:
        # Opened here, because np.load leaves a file open that turns out to be no archive.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            golden: NDArray[np.float32] = arrays["embeddings"]
    except (OSError, EOFError, ValueError, KeyError, TypeError, BadZipFile) as error:
        raise BundleInvalid(f"{path} holds no golden embeddings") from error
    expected = (len(manifest.golden.lengths), manifest.embedding_width)
    if golden.shape != expected or golden.dtype != np.float32 or not np.isfinite(golden).all():
        raise BundleInvalid(f"{path}: golden embeddings must be finite float32 {expected}")
    return golden


def _read_calibration(folder: Path) -> dict[str, Any] | None:
    path = folder / CALIBRATION
    if not path.exists():
        return None
    try:
        calibration = json.loads(path.read_bytes())
    except ValueError as error:
        raise BundleInvalid(f"{path} is not JSON") from error
    if not isinstance(calibration, dict):
        raise BundleInvalid(f"{path} must be a JSON object")
    return calibration
