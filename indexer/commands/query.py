"""`sightline query`: rank the identities that look like a tracklet."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from indexer.commands.options import Device, gallery_settings
from model.errors import InvalidParameter
from model.names import clean_name
from model.terminal import console, failures_as_exit, output, print_json
from model.times import parse_time

if TYPE_CHECKING:
    from indexer.answers import QueryAnswer
    from indexer.asking import Subject, Wanted
    from indexer.settings import GallerySettings

KEY_VARIABLE = "SIGHTLINE_KEY"
SERVER_VARIABLE = "SIGHTLINE_SERVER"


def query(
    subject: Annotated[
        str,
        typer.Argument(metavar="INPUT", help="A folder of frames, a clip, or tracklet:ID."),
    ],
    gallery: Annotated[Path | None, typer.Option(help="Folder of the gallery.")] = None,
    server: Annotated[
        str | None,
        typer.Option(help=f"URL of a running service to ask instead, or {SERVER_VARIABLE}."),
    ] = None,
    model: Annotated[Path | None, typer.Option(help="Folder of the model bundle.")] = None,
    device: Annotated[Device | None, typer.Option(help="Where the model runs.")] = None,
    top_k: Annotated[int, typer.Option(min=1, max=100, help="Identities wanted.")] = 10,
    tracklets_per_identity: Annotated[
        int, typer.Option(min=1, max=50, help="Best tracklets under each identity.")
    ] = 5,
    taken_by: Annotated[
        str | None, typer.Option(help="The camera that took INPUT, where it is known.")
    ] = None,
    camera: Annotated[
        list[str] | None, typer.Option(help="Only tracklets of this camera; repeatable.")
    ] = None,
    exclude_camera: Annotated[
        list[str] | None, typer.Option(help="No tracklets of this camera; repeatable.")
    ] = None,
    captured_after: Annotated[
        str | None, typer.Option(help="Earliest time (RFC 3339), inclusive.")
    ] = None,
    captured_before: Annotated[
        str | None, typer.Option(help="Latest time (RFC 3339), exclusive.")
    ] = None,
    min_score: Annotated[
        float | None, typer.Option(min=-1, max=1, help="Least cosine of a result.")
    ] = None,
    far: Annotated[
        float,
        typer.Option(min=1e-4, max=1e-1, help="False-accept rate of one pair, for `match`."),
    ] = 1e-4,
    rerank: Annotated[
        bool, typer.Option("--rerank", help="Re-rank by the gallery's neighbour graph.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False,
) -> None:
    """Rank the identities of a gallery that look like one person's tracklet.

    INPUT is a folder of crops in temporal order, a clip of the person, or tracklet:ID for one that
    is enrolled (it is left out of its own results). With --server a running service is asked, with
    the key in SIGHTLINE_KEY; otherwise the gallery's folder is searched directly.

    \b
    Examples:
      sightline query ./crops --gallery ./gallery --top-k 5
      sightline query tracklet:archive:cam1:0001:3f2a90c1b7de --exclude-camera cam1
      SIGHTLINE_KEY=... sightline query walk.mp4 --server https://reid.example --json
    """
    with failures_as_exit():
        if server is not None and gallery is not None:
            raise InvalidParameter("give --gallery or --server, not both")
        if gallery is None and server is None:
            server = os.environ.get(SERVER_VARIABLE)
        from indexer.asking import Wanted, read_subject

        asked = read_subject(subject)
        wanted = Wanted(
            camera=clean_name(taken_by, "--taken-by"),
            top_k=top_k,
            tracklets_per_identity=tracklets_per_identity,
            far=far,
            cameras=_names(camera, "--camera"),
            exclude_cameras=_names(exclude_camera, "--exclude-camera"),
            captured_after=parse_time(captured_after, "--captured-after"),
            captured_before=parse_time(captured_before, "--captured-before"),
            min_score=min_score,
            rerank=rerank,
        )
        if server is not None:
            _ask_service(server, asked, wanted, as_json=as_json)
        else:
            settings = gallery_settings(gallery=gallery, model=model, device=device)
            _ask_gallery(settings, asked, wanted, as_json=as_json)


def _ask_service(url: str, asked: "Subject", wanted: "Wanted", *, as_json: bool) -> None:
    from indexer.remote_query import ask_service

    told = ask_service(url, asked, wanted, os.environ.get(KEY_VARIABLE))
    if as_json:
        print_json(told.body)
    else:
        _show(told.answer, told.calibration)


def _ask_gallery(
    settings: "GallerySettings", asked: "Subject", wanted: "Wanted", *, as_json: bool
) -> None:
    from indexer.local_query import ask_gallery

    found = ask_gallery(asked, wanted, settings)
    if as_json:
        print_json(found.answer.model_dump(mode="json", exclude_unset=True))
    else:
        _show(found.answer, None if found.decisions is None else found.decisions.data)


def _show(answer: "QueryAnswer", calibration: str | None) -> None:
    from indexer.commands.ranking_table import ranking_table

    output.print(ranking_table(answer))
    if "looks_uncropped" in answer.warnings:
        console.print("most frames are wider than high: are they crops of one person?")
    if calibration == "synthetic":
        console.print("matches rest on a calibration made with synthetic people")


def _names(texts: list[str] | None, flag: str) -> tuple[str, ...]:
    names = [clean_name(text, flag) for text in texts or []]
    return tuple(name for name in names if name is not None)
