"""`sightline export`: weights in, a checked model bundle out."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.table import Table

from model.bundle import MODEL, Manifest, Metric, Parity
from model.errors import InvalidParameter
from model.terminal import console, failures_as_exit, output, print_json

if TYPE_CHECKING:
    from export.source import Source


def export(
    out: Annotated[Path, typer.Option(help="Folder to make; it must not exist.")],
    checkpoint: Annotated[
        Path | None, typer.Option(help="A checkpoint file, or the folder of a bundle.")
    ] = None,
    untrained: Annotated[
        Literal["paper", "full", "tiny"] | None,
        typer.Option(help="Instead of a checkpoint: an untrained network of this preset."),
    ] = None,
    backbone: Annotated[
        Path | None, typer.Option(help="With --untrained: ImageNet weights for the backbone.")
    ] = None,
    seed: Annotated[int, typer.Option(help="With --untrained: seed of its weights.")] = 0,
    precision: Annotated[
        Literal["fp32", "fp16", "int8"],
        typer.Option(help="What the graph computes in; fp16 is meant for GPUs."),
    ] = "fp32",
    storage: Annotated[
        Literal["plain", "compact"],
        typer.Option(help="compact: an fp32 graph in a third of the bytes."),
    ] = "plain",
    frames: Annotated[
        Path | None,
        typer.Option(help="With int8: a folder of person crops whose activations set its ranges."),
    ] = None,
    name: Annotated[str, typer.Option(help="The bundle's name.")] = "sightline-stt-gt",
    version: Annotated[str, typer.Option(help="The bundle's version.")] = "0.1.0",
    metrics: Annotated[
        Path | None, typer.Option(help="JSON list of metrics, each with its protocol and data.")
    ] = None,
    licence: Annotated[
        list[str] | None, typer.Option(help="A licence that the weights are under; repeatable.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the manifest as JSON.")] = False,
) -> None:
    """Export weights to an ONNX bundle and check it against PyTorch.

    Example: sightline export --checkpoint runs/full/weights.safetensors --out bundles/mine

    Example: sightline export --checkpoint model/bundles/default --out bundles/gpu --precision fp16
    """
    from export.pictures import folder_tracklets
    from export.writer import Label, write_bundle

    with failures_as_exit():
        label = Label(name, version, _read_metrics(metrics), tuple(licence or ()))
        source = _source(checkpoint, untrained, backbone, seed)
        config = source.network.config
        typical = folder_tracklets(frames, config.height, config.width) if frames else ()
        manifest = write_bundle(source, out, label, precision, storage, typical)
        if as_json:
            print_json(manifest.model_dump(mode="json"))
        else:
            _report(manifest, out)


def _source(
    checkpoint: Path | None,
    untrained: Literal["paper", "full", "tiny"] | None,
    backbone: Path | None,
    seed: int,
) -> "Source":
    from export.source import read_source, untrained_source

    if untrained is not None and checkpoint is None:
        return untrained_source(untrained, backbone, seed)
    if checkpoint is None or untrained is not None:
        raise InvalidParameter("give either --checkpoint or --untrained")
    if backbone is not None:
        raise InvalidParameter("--backbone goes with --untrained: a checkpoint has its own")
    return read_source(checkpoint)


def _read_metrics(path: Path | None) -> tuple[Metric, ...]:
    from pydantic import TypeAdapter, ValidationError

    if path is None:
        return ()
    try:
        return TypeAdapter(tuple[Metric, ...]).validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise InvalidParameter(f"{path} holds no list of metrics: {error}") from error


def _report(manifest: Manifest, out: Path) -> None:
    output.print(parity_table(manifest.parity))
    megabytes = (out / MODEL).stat().st_size / 1e6
    console.print(
        f"{out}: model {manifest.model_id}, {manifest.precision} ({manifest.storage}), "
        f"{megabytes:.1f} MB",
        markup=False,
    )


def parity_table(parity: Parity) -> Table:
    """The parity report for a person: one row per input shape."""
    table = Table(
        title=f"largest difference from {parity.reference} (tolerance {parity.tolerance:g})",
        caption=f"padded against alone: cosine {parity.padding_cosine:.6f}",
    )
    names = list(parity.rows[0].differences)
    outputs = [name.removesuffix("_attention") for name in names]
    for heading in ("B", "L", *outputs, "cosine"):
        table.add_column(heading, justify="right")
    for row in parity.rows:
        length = f"{row.length} padded" if row.padded else str(row.length)
        figures = [f"{row.differences[name]:.1e}" for name in names]
        table.add_row(str(row.batch), length, *figures, f"{row.cosine:.6f}")
    return table
