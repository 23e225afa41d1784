"""The command `sightline synth`."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from model.errors import InvalidParameter, SightlineError
from model.synthetic.config import PRESETS, Kind, WorldConfig, preset
from model.terminal import ProgressLine, console, failures_as_exit, output, print_json

_PRESETS = ", ".join(PRESETS)


def synth(
    out: Annotated[Path, typer.Option(help="Folder for the world; a cut-off run goes on there.")],
    preset_name: Annotated[
        str, typer.Option("--preset", help=f"How much to render: {_PRESETS}.")
    ] = "small",
    workers: Annotated[int, typer.Option(min=1, help="Processes; the bytes stay the same.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Another seed is another world.")] = 0,
    kind: Annotated[Kind, typer.Option(help="Kind of world: k0 trains, k1 chooses ...")] = Kind.K0,
    sheet: Annotated[
        Path | None, typer.Option(help="Also write a contact sheet here (.png or .jpg).")
    ] = None,
    archive: Annotated[
        Path | None, typer.Option(help="Also write a camera archive (folders of pictures) here.")
    ] = None,
    identities: Annotated[
        int | None, typer.Option(min=1, help="People, instead of the preset's number.")
    ] = None,
    tracklets: Annotated[
        int | None, typer.Option(min=1, help="Tracklets per person, likewise.")
    ] = None,
    frames: Annotated[
        int | None, typer.Option(min=1, help="Frames per tracklet, likewise.")
    ] = None,
    environments: Annotated[
        int | None, typer.Option(min=1, help="Places with cameras of their own, likewise.")
    ] = None,
    height: Annotated[
        int | None, typer.Option(min=32, help="Height of a frame in pixels; its width is half.")
    ] = None,
    probe: Annotated[
        bool, typer.Option("--probe", help="Also report how far colours alone go.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Synthesise tracklets of people who do not exist, to train and to try things on.

    Examples:

        sightline synth --preset tiny --out /tmp/tiny --sheet /tmp/tiny.png

        sightline synth --preset campaign --out runs/world --workers 8 --seed 3

        sightline synth --preset campaign --identities 3000 --environments 60 --height 256
        --out runs/large --workers 8
    """
    with failures_as_exit():
        config = preset(preset_name, seed=seed, kind=kind)
        config = _changed(
            config,
            identities=identities,
            tracklets_per_identity=tracklets,
            frames_per_tracklet=frames,
            environments=environments,
            frame_height=height,
            frame_width=None if height is None else height // 2,
        )
        if sheet is not None and sheet.suffix.lower() not in {".png", ".jpg", ".jpeg"}:
            raise InvalidParameter("--sheet must name a .png or a .jpg file")
        try:
            answer = _run(config, out, workers, sheet, archive, probe)
        except OSError as error:
            # A full or vanished disk is no fault of the program's; what is whole stays.
            raise SightlineError(f"cannot go on: {error}") from error
    if as_json:
        print_json(answer)
    else:
        _print(answer)


def _changed(config: WorldConfig, **changes: int | None) -> WorldConfig:
    """The configuration with the fields that were given."""
    given: dict[str, Any] = {name: one for name, one in changes.items() if one is not None}
    return replace(config, **given)


def _run(
    config: WorldConfig,
    out: Path,
    workers: int,
    sheet: Path | None,
    archive: Path | None,
    probe: bool,
) -> dict[str, Any]:
    # Numba takes a second to import; `--help` should not wait for it.
    from model.synthetic.archive import export_archive
    from model.synthetic.probe import FEWEST_PEOPLE, colour_probe
    from model.synthetic.reader import open_world
    from model.synthetic.shards import synthesise
    from model.synthetic.sheet import write_sheet

    if probe and config.identities < FEWEST_PEOPLE:
        raise InvalidParameter(f"--probe needs at least {FEWEST_PEOPLE} people")
    with ProgressLine("synth", config.frames, "frames") as line:
        reached = 0

        def progress(done: int, _: int) -> None:
            nonlocal reached
            line.advance(done - reached)
            reached = done

        answer = synthesise(config, out, workers, progress).as_json()
    world = open_world(out)
    if sheet is not None:
        write_sheet(world, sheet)
        console.print(f"contact sheet: {sheet}", markup=False)
    if archive is not None:
        export_archive(world, archive)
        console.print(f"archive: {archive}", markup=False)
    if probe:
        found = asdict(colour_probe(world))
        answer["colour_probe"] = {name: round(value, 4) for name, value in found.items()}
    return answer


def _print(answer: dict[str, Any]) -> None:
    speed = f"{answer['frames_per_second']} frames/s" if answer["rendered"] else "all there before"
    output.print(
        f"{answer['frames']} synthetic frames of {answer['identities']} people in "
        f"{answer['tracklets']} tracklets, {answer['bytes'] / 2**20:.1f} MiB, {speed}"
    )
    output.print(
        f"mean visible {answer['mean_visible']:.2f}, "
        f"{100 * answer['mostly_hidden']:.0f} % of frames mostly hidden"
    )
    if "colour_probe" in answer:
        found = answer["colour_probe"]
        output.print(f"colours alone: rank-1 {found['rank1']:.3f}, mAP {found['mean_ap']:.3f}")
