"""`sightline ablate`: the paper's tables, our controls and our additions under one budget."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from model.errors import InvalidParameter
from model.learning.options import (
    DatasetOption,
    DeviceOption,
    LayoutOption,
    RootOption,
    SplitOption,
    WorkersOption,
)
from model.terminal import console, failures_as_exit, output, print_json

if TYPE_CHECKING:
    from model.datasets.tracklets import Dataset, Protocol
    from model.learning.config import TrainingConfig
    from model.learning.experiment import Experiment, Trial

Budget = Literal["ablation", "paper", "paper-small", "tiny"]


def ablate(
    dataset: DatasetOption,
    root: RootOption,
    out: Annotated[Path, typer.Option(help="Folder for the runs and the report.")],
    pretrain: Annotated[
        Path | None, typer.Option(help="A synthetic world to pre-train on; needed by three rows.")
    ] = None,
    transfer: Annotated[
        list[Path] | None,
        typer.Option(help="A synthetic world to test on without fine-tuning."),
    ] = None,
    row: Annotated[
        list[str] | None, typer.Option(help="One row by name; repeat for several.")
    ] = None,
    preset: Annotated[Budget, typer.Option(help="The recipe of every row.")] = "ablation",
    init: Annotated[
        Path | None, typer.Option(help="ImageNet weights of the backbone that all rows start from.")
    ] = None,
    layout: LayoutOption = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Steps of each training.")] = None,
    pretraining_steps: Annotated[
        int | None, typer.Option(min=1, help="Steps of each pre-training; otherwise the same.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Trainings of each row, from seed 0 on.")] = 3,
    held_out: Annotated[
        float,
        typer.Option(min=0.05, max=0.95, help="Share of a synthetic world's people to test on."),
    ] = 0.5,
    split: SplitOption = None,
    frames: Annotated[int, typer.Option(min=1, max=32, help="Frames per test tracklet.")] = 32,
    table: Annotated[
        Path | None, typer.Option(help="Also write the tables into this Markdown page.")
    ] = None,
    workers: WorkersOption = None,
    device: DeviceOption = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Train and test the rows of the paper's tables alike; what is finished is not done again.

    Example: sightline ablate --dataset synthetic --root worlds/b --pretrain worlds/a
    --init resnet50.npz --layout caffe --out runs/ablation --table docs/ablation.md
    """
    from model.benchmark import describe_machine
    from model.learning.ablation_table import markdown, summarise, write_page
    from model.learning.experiment import Experiment
    from model.learning.parallel import Processes
    from model.learning.precision import choose_device
    from model.learning.trainer import Run
    from model.learning.variants import row_named
    from model.reports import write_json

    with failures_as_exit():
        rows = None if row is None else [row_named(name) for name in row]
        data = _data(dataset, root, split, held_out)
        base = Run(
            config=_recipe(preset, layout, workers),
            dataset=data,
            development=None,
            folder=out,
            device=choose_device(device),
            processes=Processes(),
            source="random" if init is None else init.name,
        )
        experiment = Experiment(
            base=base,
            protocols=(data.protocols[0], *_transfers(transfer or [])),
            pretraining=None if pretrain is None else _data("synthetic", pretrain, None, None),
            init=init,
            frames=frames,
            steps=steps,
            pretraining_steps=pretraining_steps,
        )
        trials = experiment.run(experiment.cells(rows), seeds, _tell)
        machine = describe_machine(0.1)
        answer = {
            "setup": _setup(experiment, seeds)
            | {"machine": machine.processor, "cores": machine.cores},
            "cells": summarise(trials),
        }
        write_json(out / "ablation.json", answer)
        if table is not None:
            write_page(table, answer)
            console.print(f"wrote {table}", markup=False)
        if as_json:
            print_json(answer)
        else:
            output.print(markdown(answer), markup=False)


def _recipe(
    name: Budget, layout: Literal["torchvision", "caffe"] | None, workers: int | None
) -> "TrainingConfig":
    from model.learning.ablation_recipe import ablation_recipe
    from model.learning.presets import recipe, with_layout

    config = ablation_recipe() if name == "ablation" else recipe(name)
    if layout is not None:
        config = with_layout(config, layout)
    return config if workers is None else config.model_copy(update={"workers": workers})


def _data(name: str, root: Path, split: int | None, held_out: float | None) -> "Dataset":
    """Raises `InvalidParameter` where there is nobody to test on."""
    from model.datasets.catalogue import open_dataset
    from model.datasets.synthetic import read_synthetic

    if name == "synthetic" and held_out is not None:
        return read_synthetic(root, held_out)
    data = open_dataset(name, root, split=split)
    if not data.protocols:
        raise InvalidParameter(f"{data.name} has nothing to test on")
    return data


def _transfers(roots: list[Path]) -> "list[Protocol]":
    return [_data("synthetic", root, None, None).protocols[-1] for root in roots]


def _tell(trial: "Trial") -> None:
    report = trial.report
    scores = " | ".join(
        f"rank-1 {100 * one['scores']['rank-1']:.1f}, mAP {100 * one['scores']['mAP']:.1f}"
        for one in report["protocols"]
    )
    console.print(f"{trial.cell.name}, seed {trial.seed}: {scores}", markup=False)


def _is_baseline_initialised(config: "TrainingConfig", init: Path | None) -> bool:
    """Whether the initial weights reach the stage that only the CNN baseline has."""
    from model.learning.variants import with_row
    from model.network.variants import build_network
    from model.network.weights import load_backbone

    if init is None or init.is_dir():
        return False
    backbone = build_network(with_row(config, "cnn").stages[0].network).backbone
    return not load_backbone(backbone, init)


def _setup(experiment: "Experiment", seeds: int) -> dict[str, Any]:
    """What the budget was, for the page."""
    from model.learning.experiment import frames_seen
    from model.learning.presets import with_budget

    run, before = experiment.base, experiment.pretraining
    config = run.config
    if experiment.steps is not None:
        config = with_budget(config, experiment.steps)
    last = config.stages[-1]
    steps = experiment.steps or last.steps or 0
    return {
        "recipe": config.preset,
        "height": last.network.height,
        "width": last.network.width,
        "steps": steps,
        "frames_per_step": round(
            frames_seen(config.model_copy(update={"stages": (last,)})) / max(last.steps or 1, 1)
        ),
        "seeds": seeds,
        "initial_weights": run.source,
        "baseline_initialised": _is_baseline_initialised(config, experiment.init),
        "dataset": run.dataset.name,
        "train_people": len({one.identity for one in run.dataset.train}),
        "train_tracklets": len(run.dataset.train),
        "frames_per_test_tracklet": experiment.frames,
        "pretraining": None
        if before is None
        else {
            "dataset": before.name,
            "people": len({one.identity for one in before.train}),
            "tracklets": len(before.train),
            "steps": experiment.pretraining_steps or steps,
        },
    }
