"""`sightline gallery …`: look after a gallery."""

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from indexer.commands.options import gallery_settings
from indexer.commands.printing import (
    counted,
    in_words,
    print_cursor,
    print_done,
    print_pairs,
    print_rows,
)
from model.names import clean_name
from model.terminal import console, failures_as_exit, output, print_json
from model.times import format_time, parse_time

if TYPE_CHECKING:
    from datetime import datetime

    from indexer.gallery import LocalGallery
    from indexer.records import Tracklet

ACTOR = "command line"

gallery = typer.Typer(
    no_args_is_help=True,
    help="Look after a gallery.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

Folder = Annotated[Path | None, typer.Option("--gallery", help="Folder of the gallery.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]
Limit = Annotated[int, typer.Option(min=1, max=500, help="Entries on a page.")]
Cursor = Annotated[str | None, typer.Option(help="Where the page before ended.")]


@gallery.command()
def stats(folder: Folder = None, as_json: AsJson = False) -> None:
    """Count what a gallery holds.

    \b
    Example:
      sightline gallery stats --gallery ./gallery --json
    """
    with failures_as_exit(), opened(folder) as opened_gallery:
        figures = asdict(opened_gallery.stats())
        if as_json:
            print_json(figures)
        else:
            print_pairs(figures)


@gallery.command(name="list")
def list_tracklets(
    folder: Folder = None,
    camera: Annotated[str | None, typer.Option(help="Only of this camera.")] = None,
    identity: Annotated[str | None, typer.Option(help="Only of this identity.")] = None,
    captured_after: Annotated[
        str | None, typer.Option(help="Earliest time (RFC 3339), inclusive.")
    ] = None,
    captured_before: Annotated[
        str | None, typer.Option(help="Latest time (RFC 3339), exclusive.")
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    as_json: AsJson = False,
) -> None:
    """List tracklets in the order of their enrolment.

    \b
    Examples:
      sightline gallery list --gallery ./gallery --camera cam1
      sightline gallery list --identity p-017 --limit 500 --json
    """
    with failures_as_exit(), opened(folder) as opened_gallery:
        from indexer.records import Filter

        name = clean_name(camera, "--camera")
        wanted = Filter(
            cameras=frozenset() if name is None else frozenset([name]),
            identity=clean_name(identity, "--identity"),
            captured_after=parse_time(captured_after, "--captured-after"),
            captured_before=parse_time(captured_before, "--captured-before"),
        )
        page = opened_gallery.list(wanted, limit=limit, cursor=cursor)
        if as_json:
            items = [_as_json(tracklet) for tracklet in page.items]
            print_json({"items": items, "next_cursor": page.next_cursor})
        else:
            _print_tracklets(page.items, page.next_cursor)


@gallery.command()
def verify(folder: Folder = None, as_json: AsJson = False) -> None:
    """Check every checksum, every tie between tables, and the index; exit 1 where one fails.

    \b
    Example:
      sightline gallery verify --gallery ./gallery
    """
    with failures_as_exit(), opened(folder) as opened_gallery:
        found = opened_gallery.verify()
        if as_json:
            findings = [asdict(finding) for finding in found.findings]
            print_json({"ok": found.ok, "checked": found.checked, "findings": findings})
        else:
            for finding in found.findings:
                text = f"{finding.kind}: {finding.subject}: {finding.detail}"
                note = " (rebuild mends it)" if finding.mendable else ""
                console.print(text + note, style="red", markup=False)
            checked = counted(found.checked, "tracklet")
            output.print(f"{checked} checked, {counted(len(found.findings), 'finding')}")
        if not found.ok:
            raise typer.Exit(1)


@gallery.command()
def rebuild(folder: Folder = None, as_json: AsJson = False) -> None:
    """Mend what can be mended and build the index anew; nobody else may have the gallery open.

    \b
    Example:
      sightline gallery rebuild --gallery ./gallery
    """
    with failures_as_exit(), opened(folder) as opened_gallery:
        figures = asdict(opened_gallery.rebuild())
        if as_json:
            print_json(figures)
        else:
            print_pairs(figures)


@gallery.command()
def erase(
    tracklet: Annotated[
        list[str] | None, typer.Option(help="Id of a tracklet to erase; repeatable.")
    ] = None,
    identity: Annotated[
        list[str] | None, typer.Option(help="Identity to erase with all its tracklets; repeatable.")
    ] = None,
    older_than: Annotated[
        str | None, typer.Option(help="Erase what was enrolled longer ago, such as 90d.")
    ] = None,
    folder: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Erase rows, vectors and pictures down to the bytes, and print the receipts.

    What cannot be erased is named, the rest is erased all the same; exit 1 then.

    \b
    Examples:
      sightline gallery erase --tracklet cam1:0001 --gallery ./gallery
      sightline gallery erase --identity p-017 --json
      sightline gallery erase --older-than 90d
    """
    with failures_as_exit():
        from indexer.commands.erasing import read_wanted

        wanted = read_wanted(tracklet or [], identity or [], older_than)
        with opened(folder) as opened_gallery:
            done = wanted.erase_from(opened_gallery, ACTOR)
        if as_json:
            print_json(done.as_json())
        else:
            done.show()
        if done.failures:
            raise typer.Exit(1)


@gallery.command()
def backup(
    to: Annotated[Path, typer.Option(help="Folder for the copy; must hold no gallery yet.")],
    folder: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Copy a gallery, also while it is in use.

    Backups hold what is erased later: delete them in time.

    \b
    Example:
      sightline gallery backup --gallery ./gallery --to /backups/monday
    """
    with failures_as_exit(), opened(folder) as opened_gallery:
        opened_gallery.backup(to)
    print_done({"backup": str(to)}, f"copied to {to}", as_json=as_json)


@gallery.command()
def restore(
    source: Annotated[Path, typer.Option("--from", help="Folder of the backup.")],
    folder: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Put a backup in a gallery's place; nobody may have the gallery open.

    What the present gallery knows to be erased is erased from the backup's copy again.

    \b
    Example:
      sightline gallery restore --from /backups/monday --gallery ./gallery
    """
    with failures_as_exit():
        from indexer.backup import restore as put_back

        target = gallery_settings(gallery=folder).gallery
        put_back(source, target)
    print_done({"restored": str(target)}, f"{target} restored from {source}", as_json=as_json)


@gallery.command()
def audit(
    folder: Folder = None, limit: Limit = 50, cursor: Cursor = None, as_json: AsJson = False
) -> None:
    """Show who did what, newest first; ids and names only as keyed hashes.

    \b
    Example:
      sightline gallery audit --gallery ./gallery --limit 500 --json
    """
    with failures_as_exit(), opened(folder) as opened_gallery:
        page = opened_gallery.audit(limit=limit, cursor=cursor)
        if as_json:
            entries = [asdict(entry) | {"at": format_time(entry.at)} for entry in page.items]
            print_json({"items": entries, "next_cursor": page.next_cursor})
            return
        print_rows(
            ("entry", "at", "actor", "action", "subject", "details"),
            (
                (
                    entry.entry,
                    format_time(entry.at),
                    entry.actor,
                    entry.action,
                    entry.subject_hash,
                    in_words(entry.details),
                )
                for entry in page.items
            ),
            nothing="nothing has happened yet",
        )
        print_cursor(page.next_cursor)


def opened(folder: Path | None) -> "LocalGallery":
    """The gallery that the flag or the settings name. Raises `GalleryMissing`."""
    from indexer.gallery import open_gallery

    settings = gallery_settings(gallery=folder)
    return open_gallery(
        settings.gallery,
        model_id=None,
        width=None,
        create=False,
        threads=settings.threads,
        fill=False,
    )


def _as_json(tracklet: "Tracklet") -> dict[str, Any]:
    return {
        "tracklet_id": tracklet.tracklet_id,
        "identity": tracklet.identity,
        "camera": tracklet.camera,
        "captured_at": _time(tracklet.captured_at),
        "captured_until": _time(tracklet.captured_until),
        "attributes": dict(tracklet.attributes),
        "frames": {"received": tracklet.received, "sampled": list(tracklet.sampled)},
        "temporal_attention": list(tracklet.temporal_attention),
        "effective_frames": tracklet.effective_frames,
        "model_id": tracklet.model_id,
        "created_at": format_time(tracklet.created_at),
    }


def _time(time: "datetime | None") -> str | None:
    return None if time is None else format_time(time)


def _print_tracklets(tracklets: Iterable["Tracklet"], next_cursor: str | None) -> None:
    print_rows(
        ("tracklet", "identity", "camera", "captured at", "frames"),
        (
            (one.tracklet_id, one.identity, one.camera, _time(one.captured_at), one.received)
            for one in tracklets
        ),
        nothing="no tracklets",
    )
    print_cursor(next_cursor)
