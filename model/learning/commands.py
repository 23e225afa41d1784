"""`sightline train`, `sightline ablate` and `sightline explain`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from model.errors import InvalidParameter
from model.learning.options import (
    DatasetOption,
    DeviceOption,
    LayoutOption,
    Recipe,
    RootOption,
    SplitOption,
    WorkersOption,
)
from model.terminal import console, failures_as_exit, output, print_json

if TYPE_CHECKING:
    from model.datasets.tracklets import Dataset, Protocol
    from model.learning.config import TrainingConfig

Row = Literal["cnn", "cnn-three-stages", "vanilla", "spatial", "temporal", "global"]


def train(
    dataset: DatasetOption,
    root: RootOption,
    out: Annotated[Path, typer.Option(help="Folder for checkpoints, logs and weights.")],
    preset: Annotated[Recipe, typer.Option(help="The recipe; see docs/training.md.")] = "cpu",
    row: Annotated[
        Row | None, typer.Option(help="One row of the paper's tables instead of all of it.")
    ] = None,
    init: Annotated[
        Path | None,
        typer.Option(help="Start from a checkpoint, a bundle, or ImageNet backbone weights."),
    ] = None,
    layout: LayoutOption = None,
    development: Annotated[
        Path | None,
        typer.Option(help="A synthetic world that chooses the best weights while training."),
    ] = None,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Train so many steps, divided over the stages.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of weights, batches and augmentation.")] = 0,
    split: SplitOption = None,
    workers: WorkersOption = None,
    device: DeviceOption = "auto",
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where a run in this folder stopped.")
    ] = False,
) -> None:
    """Train the network; stop it at any time and --resume.

    Example: sightline train --dataset synthetic --root worlds/k0 --preset cpu
    --init resnet50.npz --out runs/first

    Example: torchrun --nproc-per-node 2 --no-python sightline train --dataset mars --root MARS
    --preset paper --init runs/first/weights.safetensors --out runs/mars
    """
    from model.datasets.catalogue import open_dataset
    from model.learning import trainer
    from model.learning.evaluate import subset
    from model.learning.parallel import joined_processes
    from model.learning.precision import choose_device

    with failures_as_exit():
        config = _configured(preset, row, layout, steps, seed, workers)
        data = open_dataset(dataset, root, split=split)
        tested = _development_protocol(data, development)
        chosen = choose_device(device)
        with joined_processes(chosen) as processes:
            run = trainer.Run(
                config=config,
                dataset=data,
                development=None if tested is None else subset(tested, config.evaluation_tracklets),
                folder=out,
                device=chosen,
                processes=processes,
                source="random" if init is None else init.name,
            )
            weights = trainer.train(run, resume=resume, init=init)
        console.print(f"weights: {weights}", markup=False)


def _development_protocol(data: "Dataset", world: Path | None) -> "Protocol | None":
    """All people of another world, or the people that the data set holds out."""
    from model.datasets.catalogue import open_dataset

    if world is not None:
        return open_dataset("synthetic", world).protocols[-1]
    return data.protocols[0] if data.protocols else None


def _configured(
    preset: Recipe,
    row: Row | None,
    layout: Literal["torchvision", "caffe"] | None,
    steps: int | None,
    seed: int,
    workers: int | None,
) -> "TrainingConfig":
    """The recipe with what the command line changes."""
    from model.learning.presets import recipe, with_budget, with_layout
    from model.learning.variants import with_row

    config = recipe(preset)
    if row is not None:
        config = with_row(config, row)
    if layout is not None:
        config = with_layout(config, layout)
    if steps is not None:
        config = with_budget(config, steps)
    changes = {"seed": seed} | ({} if workers is None else {"workers": workers})
    return config.model_copy(update=changes)


def ablate(
    dataset: DatasetOption,
    root: RootOption,
    out: Annotated[Path, typer.Option(help="Folder for the runs and the report.")],
    pretrain: Annotated[
        Path | None, typer.Option(help="A synthetic world to pre-train every row on.")
    ] = None,
    row: Annotated[
        list[str] | None, typer.Option(help="A row of the paper's tables; repeat for several.")
    ] = None,
    preset: Annotated[Recipe, typer.Option(help="The recipe of every row.")] = "paper-small",
    init: Annotated[
        Path | None, typer.Option(help="ImageNet weights of the backbone that all rows start from.")
    ] = None,
    layout: LayoutOption = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Steps of each training.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of weights, batches and augmentation.")] = 0,
    split: SplitOption = None,
    frames: Annotated[int, typer.Option(min=1, max=32, help="Frames per test tracklet.")] = 32,
    workers: WorkersOption = None,
    device: DeviceOption = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Train and test the rows of the paper's tables alike; what is finished is not done again.

    Example: sightline ablate --dataset synthetic --root worlds/b --pretrain worlds/a
    --init resnet50.npz --layout caffe --out runs/ablation
    """
    from model.datasets.catalogue import open_dataset
    from model.learning.ablate import Experiment, ablation_table
    from model.learning.parallel import Processes
    from model.learning.precision import choose_device
    from model.learning.trainer import Run
    from model.learning.variants import ROWS, row_named
    from model.reports import write_json

    with failures_as_exit():
        rows = ROWS if row is None else tuple(row_named(name) for name in row)
        data = open_dataset(dataset, root, split=split)
        if not data.protocols:
            raise InvalidParameter(f"{data.name} has nothing to test on")
        base = Run(
            config=_configured(preset, None, layout, None, seed, workers),
            dataset=data,
            development=None,
            folder=out,
            device=choose_device(device),
            processes=Processes(),
            source="random" if init is None else init.name,
        )
        first = None if pretrain is None else open_dataset("synthetic", pretrain)
        experiment = Experiment(base, data.protocols[0], first, init, frames, steps)
        starts = (False,) if first is None else (False, True)
        cells = [experiment.cell(name, pretrained=start) for name in rows for start in starts]
        answer = {"dataset": data.name, "cells": [cell.as_json() for cell in cells]}
        write_json(out / "ablation.json", answer)
        if as_json:
            print_json(answer)
        else:
            output.print(ablation_table(cells))


def explain(
    model: Annotated[Path, typer.Option(help="A bundle or a checkpoint.")],
    tracklet: Annotated[Path, typer.Option(help="A folder with a tracklet's pictures.")],
    out: Annotated[Path, typer.Option(help="The picture to write (.png or .svg).")],
    against: Annotated[
        Path | None, typer.Option(help="A second model to compare with, such as the vanilla one.")
    ] = None,
    frames: Annotated[int, typer.Option(min=1, max=32, help="Frames to show.")] = 8,
    device: DeviceOption = "auto",
) -> None:
    """Draw where a model looks: spatial attention over each frame, temporal attention as bars.

    Example: sightline explain --model bundles/mine --tracklet crops/0001 --out looks.png
    """
    from model.datasets.files import FrameFiles, pictures, require
    from model.datasets.tracklets import TrackletSource
    from model.learning.explain import attend, draw_attention
    from model.learning.opening import open_embedder

    with failures_as_exit():
        paths = tuple(pictures(require("tracklet", tracklet)))
        if not paths:
            raise InvalidParameter(f"no pictures in {tracklet}")
        source = TrackletSource(0, 0, FrameFiles(paths))
        looks = [
            (path.name, attend(open_embedder(path, device), source, frames))
            for path in (model, against)
            if path is not None
        ]
        draw_attention(looks, out)
        console.print(f"wrote {out}", markup=False)
