"""`sightline index`: bring an archive into a gallery."""

import json
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from indexer.commands.options import Device, gallery_settings
from model.errors import InvalidParameter
from model.names import clean_name
from model.terminal import console, failures_as_exit, output, print_json
from model.times import parse_time

if TYPE_CHECKING:
    from indexer.archive.report import Report

Layout = Literal["auto", "tracklets", "mot", "video", "mars"]
Engine = Literal["local", "ray"]


def index(
    archive: Annotated[Path, typer.Argument(metavar="ARCHIVE", help="Folder to be indexed.")],
    gallery: Annotated[
        Path | None, typer.Option(help="Folder of the gallery; made where it does not exist.")
    ] = None,
    model: Annotated[Path | None, typer.Option(help="Folder of the model bundle.")] = None,
    layout: Annotated[
        Layout, typer.Option(envvar="SIGHTLINE_LAYOUT", help="How the archive lies on disk.")
    ] = "auto",
    detector: Annotated[
        Path | None,
        typer.Option(
            envvar="SIGHTLINE_DETECTOR",
            help="Person detector (ONNX, YOLOX layout) for videos without boxes.",
        ),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(envvar="SIGHTLINE_START", help="Time of the videos' first frames (RFC 3339)."),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(
            envvar="SIGHTLINE_NAME", help="The archive's name in ids, if not its folder's."
        ),
    ] = None,
    engine: Annotated[
        Engine, typer.Option(envvar="SIGHTLINE_ENGINE", help="Local processes, or a Ray cluster.")
    ] = "local",
    device: Annotated[Device | None, typer.Option(help="Where the model runs.")] = None,
    include_erased: Annotated[
        bool,
        typer.Option(
            "--include-erased",
            envvar="SIGHTLINE_INCLUDE_ERASED",
            help="Bring back what was erased from the gallery, too.",
        ),
    ] = False,
    report: Annotated[
        Path | None,
        typer.Option(envvar="SIGHTLINE_REPORT", help="Write the report to this file as JSON."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Bring an archive of tracklets or videos into a gallery.

    Layouts: folders of crops (CAMERA/TRACKLET/*.jpg, with an optional tracklets.jsonl), videos
    with MOTChallenge boxes (CAMERA.mp4 and CAMERA.txt), videos alone (with --detector), and the
    data sets MARS and LS-VID. What cannot be read is reported and passed over. The same command
    again indexes only what is missing, also after it was killed.

    \b
    Examples:
      sightline index examples/archive --gallery ./gallery
      sightline index /footage --detector yolox_nano.onnx --start 2024-05-01T08:00:00Z
      sightline index /data/MARS --layout mars --device cuda --report report.json
    """
    with failures_as_exit():
        if engine == "ray" and find_spec("ray") is None:
            raise InvalidParameter("--engine ray needs the extra 'ray', which is not installed")
        if report is not None and not report.absolute().parent.is_dir():
            raise InvalidParameter(f"--report: no folder {report.parent}")
        from indexer.archive.job import IndexJob, index_archive

        job = IndexJob(
            folder=archive,
            layout=layout,
            settings=gallery_settings(gallery=gallery, model=model, device=device),
            name=clean_name(name, "--name"),
            detector=detector,
            start=parse_time(start, "--start"),
            include_erased=include_erased,
            engine=engine,
        )
        _tell(index_archive(job), report, as_json=as_json)


def _tell(done: "Report", file: Path | None, *, as_json: bool) -> None:
    """Print and write the report; fails where there was something and nothing came of it."""
    if file is not None:
        file.write_text(json.dumps(done.as_json(), indent=2, ensure_ascii=False) + "\n", "utf-8")
    for line in done.problem_lines():
        console.print(line, markup=False)
    if as_json:
        print_json(done.as_json())
    else:
        output.print(done.as_table())
    if done.problems and not done.indexed and not done.skipped:
        raise typer.Exit(1)
