"""`sightline train` and `sightline explain`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from model.errors import InvalidParameter
from model.learning.options import (
    DatasetOption,
    DeviceOption,
    LayoutOption,
    Recipe,
    SplitOption,
    WorkersOption,
)
from model.learning.rows import Row
from model.terminal import console, failures_as_exit

if TYPE_CHECKING:
    from model.datasets.tracklets import Dataset, Protocol
    from model.learning.config import TrainingConfig


def train(
    dataset: DatasetOption,
    root: Annotated[
        list[Path], typer.Option(help="The data set's folder; repeat it to train on several.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for checkpoints, logs and weights.")],
    preset: Annotated[Recipe, typer.Option(help="The recipe; see docs/training.md.")] = "cpu",
    row: Annotated[
        Row | None, typer.Option(help="One row of the ablation instead of the whole recipe.")
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
    from model.datasets.tracklets import joined
    from model.learning import trainer
    from model.learning.evaluate import subset
    from model.learning.parallel import joined_processes
    from model.learning.precision import choose_device
    from model.learning.stages import describe_initial

    with failures_as_exit():
        config = _configured(preset, row, layout, steps, seed, workers)
        data = joined([open_dataset(dataset, one, split=split) for one in root])
        tested = _development_protocol(data, development)
        chosen = choose_device(device)
        source, before = describe_initial(init)
        with joined_processes(chosen) as processes:
            run = trainer.Run(
                config=config,
                dataset=data,
                development=None if tested is None else subset(tested, config.evaluation_tracklets),
                folder=out,
                device=chosen,
                processes=processes,
                source=source,
                before=before,
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
