"""`sightline bench embed`: tracklets per second of a bundle, and how that compares with PyTorch.

The other side of the ratio is the same inference graph, with the same weights, run eagerly by
PyTorch in the same minutes. Without PyTorch, or for arithmetic that it cannot run, there is no
ratio.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from rich.table import Table

from model.benchmark import REPEATS, Machine, Timing, describe_machine, interleave
from model.bundle import DEFAULT_BUNDLE, Bundle, colour_tracklets, open_bundle
from model.errors import BundleInvalid, InvalidParameter
from model.session import Device, open_session
from model.terminal import console, failures_as_exit, output, print_json
from model.threads import thread_budget

Batch = tuple[NDArray[np.uint8], NDArray[np.bool_]]


@dataclass(frozen=True)
class Case:
    """One combination that is measured."""

    batch: int
    threads: int

    @property
    def name(self) -> str:
        return f"batch {self.batch}, threads {self.threads}"


@dataclass(frozen=True)
class Row:
    """The speed of one case."""

    batch: int
    threads: int
    tracklets_per_second: float
    median_seconds: float
    fastest_seconds: float
    slowest_seconds: float
    eager_tracklets_per_second: float | None
    to_eager: float | None
    """How many times as fast as PyTorch."""


@dataclass(frozen=True)
class Report:
    """What was measured where."""

    machine: Machine
    model: str
    model_id: str
    precision: str
    provider: str
    frames: int
    repeats: int
    rows: tuple[Row, ...]


def bench_embed(
    model: Annotated[Path, typer.Option(help="Model bundle.")] = DEFAULT_BUNDLE,
    device: Annotated[Device, typer.Option(help="Where the model runs.")] = "auto",
    batch: Annotated[list[int] | None, typer.Option(help="Tracklets at once; repeat it.")] = None,
    threads: Annotated[
        list[int] | None, typer.Option(help="Threads, 0 for all cores; repeat it.")
    ] = None,
    frames: Annotated[int, typer.Option(help="Frames per tracklet.")] = 32,
    repeats: Annotated[int, typer.Option(help="Timed runs of each side.")] = REPEATS,
    force: Annotated[bool, typer.Option("--force", help="Measure on a busy machine.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Answer as JSON.")] = False,
) -> None:
    """Measure the embedding: tracklets per second, and the ratio to PyTorch where it is installed.

    Examples:

      sightline bench embed

      sightline bench embed --model ./bundle --threads 1 --threads 4 --json
    """
    with failures_as_exit():
        machine = _idle_machine(force)
        cases = [
            Case(size, thread_budget(count).model)
            for size in batch or [1]
            for count in threads or [0]
        ]
        report = measure(machine, open_bundle(model), device, cases, frames, repeats)
    if as_json:
        print_json(asdict(report))
    else:
        output.print(_table(report))


def measure(
    machine: Machine,
    bundle: Bundle,
    device: Device,
    cases: list[Case],
    frames: int,
    repeats: int,
) -> Report:
    """Time a bundle's graph, and its eager twin where there is one, in turns."""
    _check(cases, frames, bundle)
    sessions = {
        count: open_session(bundle, device, count) for count in {case.threads for case in cases}
    }
    provider = next(iter(sessions.values())).provider
    twin = _eager_twin(bundle, provider)
    sides: dict[str, Callable[[], object]] = {}
    for case in cases:
        inputs = _inputs(bundle, case.batch, frames)
        sides[f"onnx {case.name}"] = partial(sessions[case.threads].run, *inputs)
        if twin is not None:
            sides[f"eager {case.name}"] = partial(twin, inputs, case.threads)
    timings = interleave(sides, repeats)
    manifest = bundle.manifest
    return Report(
        machine=machine,
        model=f"{manifest.name} {manifest.version}",
        model_id=manifest.model_id,
        precision=manifest.precision,
        provider=provider,
        frames=frames,
        repeats=repeats,
        rows=tuple(
            _row(case, timings[f"onnx {case.name}"], timings.get(f"eager {case.name}"))
            for case in cases
        ),
    )


def _idle_machine(force: bool) -> Machine:
    machine = describe_machine()
    if machine.is_idle:
        return machine
    busy = f"{machine.busy_cores:.1f} of {machine.cores} cores are busy with something else"
    if not force:
        console.print(f"error: {busy}; a figure from now would mislead (--force measures anyway)")
        raise typer.Exit(1)
    console.print(f"warning: {busy}; these figures mislead", style="yellow")
    return machine


def _check(cases: list[Case], frames: int, bundle: Bundle) -> None:
    if not 1 <= frames <= bundle.manifest.frames_per_tracklet:
        raise InvalidParameter(f"--frames is 1 to {bundle.manifest.frames_per_tracklet}")
    if any(case.batch < 1 for case in cases):
        raise InvalidParameter("--batch is 1 or more")


def _inputs(bundle: Bundle, batch: int, frames: int) -> Batch:
    manifest = bundle.manifest
    tracklets = colour_tracklets(0, [frames] * batch, manifest.frame_height, manifest.frame_width)
    return np.stack(tracklets), np.ones((batch, frames), dtype=np.bool_)


def _eager_twin(bundle: Bundle, provider: str) -> Callable[[Batch, int], object] | None:
    """The bundle's graph in eager PyTorch on the same device; None, with the reason, without it."""
    if find_spec("torch") is None or find_spec("onnx") is None:
        console.print("no ratio to PyTorch: the extra `export` is not installed")
        return None
    import torch

    from export.graph import InferenceGraph
    from model.network.rebuild import weights_from_bundle

    if provider == "cuda" and not torch.cuda.is_available():
        console.print("no ratio to PyTorch: it was installed without CUDA")
        return None
    try:
        graph = InferenceGraph(weights_from_bundle(bundle.folder)).eval().to(provider)
    except (BundleInvalid, InvalidParameter) as error:
        console.print(f"no ratio to PyTorch: {error.detail}", markup=False)
        return None

    def run(inputs: Batch, threads: int) -> object:
        usual = torch.get_num_threads()
        torch.set_num_threads(threads)
        try:
            with torch.inference_mode():
                frames, mask = (torch.from_numpy(array).to(provider) for array in inputs)
                return [tensor.cpu() for tensor in graph(frames, mask)]
        finally:
            torch.set_num_threads(usual)

    return run


def _row(case: Case, onnx: Timing, eager: Timing | None) -> Row:
    return Row(
        batch=case.batch,
        threads=case.threads,
        tracklets_per_second=case.batch / onnx.median,
        median_seconds=onnx.median,
        fastest_seconds=min(onnx.seconds),
        slowest_seconds=max(onnx.seconds),
        eager_tracklets_per_second=case.batch / eager.median if eager else None,
        to_eager=eager.median / onnx.median if eager else None,
    )


def _table(report: Report) -> Table:
    machine = report.machine
    table = Table(
        title=f"{report.model}, {report.precision} on {report.provider}, {report.frames} frames",
        caption=f"{machine.processor}, {machine.cores} cores, {' '.join(machine.flags)}; "
        f"load {machine.load:.1f}; medians of {report.repeats}",
    )
    for heading in ("batch", "threads", "tracklets/s", "PyTorch eager", "ratio"):
        table.add_column(heading, justify="right")
    for row in report.rows:
        eager = row.eager_tracklets_per_second
        table.add_row(
            str(row.batch),
            str(row.threads),
            f"{row.tracklets_per_second:.2f}",
            f"{eager:.2f}" if eager else "-",
            f"{row.to_eager:.2f}" if row.to_eager else "-",
        )
    return table
