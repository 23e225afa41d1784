"""`sightline evaluate`: models and baselines on data sets, in one run on the same tracklets; with
`--serving` through the gallery itself."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from model.errors import InvalidParameter
from model.learning.options import DeviceOption, SplitOption
from model.terminal import ProgressLine, console, failures_as_exit, output, print_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model.datasets.tracklets import Dataset, Protocol
    from model.learning.embed import ClipEmbedder
    from model.learning.evaluate import Embedded
    from model.learning.reporting import Report

TEST_FRAMES = 32


def evaluate(
    dataset: Annotated[list[str], typer.Option(help="Layout; repeat for several sets.")],
    root: Annotated[list[Path], typer.Option(help="Its folder, in the same order.")],
    model: Annotated[
        list[Path], typer.Option(help="A bundle or a checkpoint; repeat for several models.")
    ],
    baseline: Annotated[
        list[str] | None,
        typer.Option(
            help="`colour-stripes`, or `imagenet-gap=FILE` with the backbone's ImageNet weights; "
            "repeat for both."
        ),
    ] = None,
    protocol: Annotated[
        str | None, typer.Option(help="One protocol by name; otherwise all of the set.")
    ] = None,
    split: SplitOption = None,
    frames: Annotated[
        list[int] | None,
        typer.Option(min=1, max=32, help="Frames per tracklet (32); repeat for several numbers."),
    ] = None,
    rerank: Annotated[
        bool, typer.Option("--rerank", help="Also re-rank each query by itself (k-reciprocal).")
    ] = False,
    serving: Annotated[
        bool,
        typer.Option(
            "--serving",
            help="Through a gallery, with normalisation, re-ranking and identity scoring on and "
            "off.",
        ),
    ] = False,
    queries: Annotated[
        int | None, typer.Option(min=1, help="With --serving: so many queries, drawn at random.")
    ] = None,
    attention: Annotated[
        int,
        typer.Option(min=0, help="Measure attention on so many tracklets of a synthetic world."),
    ] = 0,
    against: Annotated[
        Path | None,
        typer.Option(help="An earlier report of the same set: intervals of the difference."),
    ] = None,
    pictures: Annotated[
        Path | None,
        typer.Option(help="Folder for pictures of the worst rankings, and of attention."),
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Write the JSON report here too.")] = None,
    device: DeviceOption = "auto",
    workers: Annotated[int, typer.Option(min=0, help="Processes that decode.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Measure models on data sets: CMC, mAP, mINP, TPR at FPR, each with its protocol's name.

    Example: sightline evaluate --dataset mars --root MARS --model bundles/mine --json

    Example: sightline evaluate --dataset synthetic --root worlds/k1 --model a.safetensors
    --report after.json --against before.json

    Example: sightline evaluate --serving --dataset mars --root MARS --model bundles/mine

    Example: sightline evaluate --dataset synthetic --root worlds/k3 --model bundles/mine
    --baseline colour-stripes --baseline imagenet-gap=resnet50.npz --frames 1 --frames 8
    --frames 32 --attention 300 --report evaluation.json
    """
    from model.benchmark import describe_machine
    from model.datasets.catalogue import open_dataset
    from model.learning.reporting import Report as Row
    from model.learning.reporting import compare, differences_to_baselines
    from model.reports import write_json
    from service.serving_evaluation import choose_protocol

    began = time.monotonic()
    with failures_as_exit():
        if len(dataset) != len(root):
            raise InvalidParameter("every --dataset needs its --root")
        embedders = _embedders(model, baseline or [], device)
        rows: list[Row] = []
        watched: list[dict[str, Any]] = []
        served: list[dict[str, Any]] = []
        for name, folder in zip(dataset, root, strict=True):
            data = open_dataset(name, folder, split=split)
            chosen = data.protocols if protocol is None else (data.protocol(protocol),)
            if serving:
                chosen = (choose_protocol(chosen, protocol),)
            for label, embedder in embedders.items():
                for number in _frame_counts(chosen, frames):
                    embedded = _embedded(
                        chosen, embedder, number, workers, f"{label} on {data.name}"
                    )
                    reports = tuple(half.report(rerank=rerank) for half in embedded)
                    rows.append(Row(label, data.name, number, reports))
                    if serving:
                        served.append(_served(label, data.name, number, embedded[0], queries))
                    if pictures is not None:
                        _draw_rankings(rows[-1], embedded[0], embedder.size, pictures)
            watched += [
                _attention(data, str(path), embedders[str(path)], attention, pictures)
                for path in model
                if attention
            ]
        machine = describe_machine(0.1)
        answer: dict[str, Any] = {
            "reports": [row.as_json() for row in rows],
            "differences_to_baselines": differences_to_baselines(rows, baseline or []),
            "attention": watched,
            "machine": machine.processor,
            "cores": machine.cores,
            "seconds": round(time.monotonic() - began, 1),
        }
        if serving:
            answer["serving"] = served
        if against is not None:
            answer["difference"] = compare(rows, against)
        if report is not None:
            write_json(report, answer)
        if as_json:
            print_json(answer)
        else:
            _print_tables(rows, answer)


def _embedders(models: list[Path], baselines: list[str], device: Any) -> "dict[str, ClipEmbedder]":
    """Everything that embeds, by what a report calls it."""
    from model.learning.baselines import open_baseline
    from model.learning.opening import open_embedder
    from model.learning.precision import choose_device

    found = {str(path): open_embedder(path, device) for path in models}
    return found | dict(open_baseline(text, choose_device(device)) for text in baselines)


def _frame_counts(protocols: "tuple[Protocol, ...]", wanted: list[int] | None) -> list[int]:
    """The numbers asked for, without those that no tracklet is long enough to tell apart."""
    from model.learning.evaluate import all_tracklets

    longest = max(len(tracklet.frames) for tracklet in all_tracklets(protocols))
    counts: dict[int, int] = {}
    for number in sorted(set(wanted or [TEST_FRAMES])):
        counts.setdefault(min(number, longest), number)
    for number in set(wanted or []) - set(counts.values()):
        console.print(f"no tracklet has more than {longest} frames: {number} is left out")
    return list(counts.values())


def _embedded(
    protocols: "tuple[Protocol, ...]",
    embedder: "ClipEmbedder",
    frames: int,
    workers: int,
    label: str,
) -> "list[Embedded]":
    """The protocols' vectors, with a progress line."""
    from model.learning.evaluate import all_tracklets, embed_protocols

    with ProgressLine(label, len(all_tracklets(protocols)), "tracklets") as line:
        return embed_protocols(
            protocols, embedder, frames=frames, workers=workers, advance=line.advance
        )


def _served(
    label: str, dataset: str, frames: int, embedded: "Embedded", queries: int | None
) -> dict[str, Any]:
    """All ways of scoring, through a gallery."""
    from service.serving_evaluation import WAYS, evaluate_serving, report

    asked = min(queries or len(embedded.query), len(embedded.query))
    with ProgressLine(f"{label} in a gallery", asked * len(WAYS), "queries") as line:
        results = evaluate_serving(embedded, most=queries, advance=line.advance)
    named = {"model": label, "dataset": dataset, "frames_per_tracklet": frames}
    return named | report(embedded, results)


def _draw_rankings(
    row: "Report", embedded: "Embedded", size: tuple[int, int], pictures: Path
) -> None:
    from model.learning.explain import draw_rankings

    folder = pictures / f"{Path(row.model).name}-{row.frames}"
    paths = draw_rankings(embedded, row.protocols[0].retrieval, size, folder)
    console.print(f"wrote {len(paths)} rankings to {folder}", markup=False)


def _attention(
    data: "Dataset", name: str, embedder: "ClipEmbedder", most: int, pictures: Path | None
) -> dict[str, Any]:
    """What the model attends to in the set's own test people, without and with a stranger."""
    from model.learning.attention import attention_report, watch
    from model.learning.evaluate import all_tracklets
    from model.learning.explain import draw_watched

    tracklets = all_tracklets(data.protocols)
    with ProgressLine(f"attention of {name}", min(most, len(tracklets)), "tracklets") as line:
        watched = watch(tracklets, embedder, frames=TEST_FRAMES, most=most, advance=line.advance)
    if pictures is not None:
        pictures.mkdir(parents=True, exist_ok=True)
        path = pictures / f"attention-{Path(name).name}-{data.name}.png"
        draw_watched(watched, TEST_FRAMES, embedder.size, path)
        console.print(f"wrote {path}", markup=False)
    return {"model": name, "dataset": data.name} | attention_report(watched)


def _print_tables(rows: "Sequence[Report]", answer: dict[str, Any]) -> None:
    from model.learning.reporting import (
        attention_table,
        cross_domain_table,
        difference_table,
        protocol_table,
    )
    from service.serving_table import serving_table

    for row in rows:
        output.print(protocol_table(row))
    if len(rows) > 1:
        output.print(cross_domain_table(rows))
    for watched in answer["attention"]:
        output.print(attention_table(watched))
    for one in answer.get("serving", ()):
        output.print(serving_table(one))
    if "difference" in answer:
        output.print(difference_table(answer["difference"]))
