"""Source -> bundle on disk: export, convert, check, describe; all of it or nothing.

The folder is written beside its destination and renamed when every check has passed.
"""

import hashlib
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray

from export import onnx as exporter
from export.graph import InferenceGraph
from export.parity import (
    MIN_COSINE,
    ExportedModel,
    Storage,
    check_parity,
    cosines,
    limits,
    padded_batch,
)
from export.pictures import mixed_tracklets
from export.precision import compact, int8
from export.source import Golden, Source
from model.bundle import (
    CALIBRATION,
    GOLDEN,
    MODEL,
    GoldenSpec,
    Manifest,
    Metric,
    Parity,
    Precision,
    file_sha256,
)
from model.errors import BundleInvalid, InvalidParameter

INT8_SEED = 7
INT8_LENGTHS = (2,) * 8


@dataclass(frozen=True)
class Label:
    """What a person calls this bundle, what was measured on it, and whose work is in it."""

    name: str
    version: str
    metrics: tuple[Metric, ...] = ()
    licences: tuple[str, ...] = ()


def write_bundle(
    source: Source,
    out: Path,
    label: Label,
    precision: Precision,
    storage: Storage = "plain",
    typical: Sequence[NDArray[np.uint8]] = (),
) -> Manifest:
    """Write the bundle `out` and return its manifest.

    `typical` are tracklets of one length whose activations set the ranges of int8; without them
    seeded pictures do.

    Raises `InvalidParameter` where `out` exists or the combination makes no sense, `BundleInvalid`
    where the exported file does not compute what the source does; then nothing is left at `out`.
    """
    if out.exists():
        raise InvalidParameter(f"{out} exists already")
    if storage == "compact" and precision != "fp32":
        raise InvalidParameter("compact storage is a way to store fp32 models")
    out.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        model = convert(source, precision, storage, typical)
        onnx.save(model, folder / MODEL)
        manifest = _check_and_describe(source, folder, model, label, precision, storage)
        manifest.save(folder)
        folder.chmod(0o755)
        folder.rename(out)
    except BaseException:  # an interrupted export leaves as little behind as a failed one
        shutil.rmtree(folder)
        raise
    return manifest


def convert(
    source: Source, precision: Precision, storage: Storage, typical: Sequence[NDArray[np.uint8]]
) -> onnx.ModelProto:
    """The source's inference graph as an ONNX model of this precision and storage."""
    graph = InferenceGraph(source.network)
    if precision == "fp16":
        return exporter.to_onnx(graph.in_half_precision())
    model = exporter.to_onnx(graph)
    if precision == "int8":
        config = source.network.config
        size = (config.height, config.width)
        return int8(model, typical or mixed_tracklets(INT8_SEED, INT8_LENGTHS, *size))
    return compact(model) if storage == "compact" else model


def _check_and_describe(
    source: Source,
    folder: Path,
    model: onnx.ModelProto,
    label: Label,
    precision: Precision,
    storage: Storage,
) -> Manifest:
    exported = ExportedModel(folder / MODEL, storage)
    allowed = limits(precision, storage)
    parity = check_parity(source.network, exported, allowed, source.described)
    found = _embed(exported, source.golden_tracklets())
    worst = float(cosines(source.golden.embeddings, found).min())
    if not worst >= allowed.cosine:
        raise BundleInvalid(f"golden embeddings: cosine {worst:.6f}, {allowed.cosine} is needed")
    sha256 = file_sha256(folder / MODEL)
    if worst < MIN_COSINE or any(row.cosine < MIN_COSINE for row in parity.rows):
        source = _as_another_model(source, sha256, found)
    if source.calibration is not None:
        (folder / CALIBRATION).write_bytes(source.calibration)
    return _manifest(
        source, model, label, precision, storage, parity, sha256, _write_golden(source, folder)
    )


def _as_another_model(source: Source, sha256: str, embeddings: NDArray[np.float32]) -> Source:
    """A variant too far from its source to share galleries: own id, own golden embeddings.

    What was measured on the source's embeddings (metrics, calibration) does not hold for it.
    """
    other = hashlib.sha256(f"{source.model_id} {sha256}".encode()).hexdigest()[:16]
    golden = Golden(source.golden.seed, source.golden.lengths, embeddings)
    return replace(source, model_id=other, golden=golden, metrics=(), calibration=None)


def _write_golden(source: Source, folder: Path) -> GoldenSpec:
    np.savez(folder / GOLDEN, embeddings=source.golden.embeddings.astype(np.float32))
    golden = source.golden
    digest = file_sha256(folder / GOLDEN)
    return GoldenSpec(seed=golden.seed, lengths=golden.lengths, sha256=digest)


def _manifest(
    source: Source,
    model: onnx.ModelProto,
    label: Label,
    precision: Precision,
    storage: Storage,
    parity: Parity,
    sha256: str,
    golden: GoldenSpec,
) -> Manifest:
    config = source.network.config
    return Manifest(
        name=label.name,
        version=label.version,
        model_id=source.model_id,
        sha256=sha256,
        precision=precision,
        storage=storage,
        embedding_width=config.embedding_width,
        frames_per_tracklet=source.frames_per_tracklet,
        frame_height=config.height,
        frame_width=config.width,
        attention_grid=config.grid,
        opset=exporter.OPSET,
        inputs=exporter.tensor_specs(list(model.graph.input)),
        outputs=exporter.tensor_specs(list(model.graph.output)),
        golden=golden,
        parity=parity,
        network=config.model_copy(update={"identities": 0}).model_dump(mode="json"),
        training=source.training,
        metrics=label.metrics or source.metrics,
        licences=label.licences or source.licences,
    )


def _embed(exported: ExportedModel, tracklets: list[NDArray[np.uint8]]) -> NDArray[np.float32]:
    alone = [padded_batch([frames], len(frames)) for frames in tracklets]
    return np.concatenate([exported.run(*pair)["embedding"] for pair in alone])
