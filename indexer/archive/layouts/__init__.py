"""How archives lie on disk: one module per layout, and the look that tells them apart."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Literal

from indexer.archive.files import PICTURES, VIDEOS, files, folders, is_regular
from indexer.archive.layouts import footage, lsvid, mars, tracklets
from indexer.archive.sources import Archive, Source
from model.errors import InvalidParameter

Layout = Literal["auto", "tracklets", "mot", "video", "mars"]
Found = Literal["tracklets", "mot", "video", "mars"]


def detect(archive: Archive) -> Found:
    """Which layout an archive has. Raises `InvalidParameter` where it has none, or two."""
    if mars.is_here(archive) or lsvid.is_here(archive):
        return "mars"
    videos = list(files(archive, archive.root, VIDEOS, _pass_over))
    tracked = sum(is_regular(video.with_suffix(".txt")) for video in videos)
    if 0 < tracked < len(videos):
        raise InvalidParameter(
            f"{tracked} of {len(videos)} videos have a .txt with boxes beside them: "
            "say --layout mot or --layout video"
        )
    pictured = _holds_tracklets(archive)
    if videos and pictured:
        raise InvalidParameter(
            "the archive holds videos and folders of tracklets: "
            "say --layout mot, video or tracklets"
        )
    if videos:
        return "mot" if tracked else "video"
    if pictured:
        return "tracklets"
    raise InvalidParameter(
        "no known layout: neither <camera>/<tracklet>/*.jpg, nor <camera>.mp4 with or without "
        "<camera>.txt, nor bbox_test with info (MARS), nor list_sequence (LS-VID)"
    )


def scan(archive: Archive, layout: Found, start: datetime | None) -> Iterator[Source]:
    """Everything a layout finds, in a stable order. Raises `InvalidParameter`."""
    if start is not None and layout not in ("mot", "video"):
        raise InvalidParameter("--start is for the layouts mot and video")
    if layout == "mars":
        return lsvid.scan(archive) if lsvid.is_here(archive) else mars.scan(archive)
    if layout == "tracklets":
        return tracklets.scan(archive)
    return footage.scan(archive, start, boxed=layout == "mot")


def _holds_tracklets(archive: Archive) -> bool:
    """Whether any folder two levels down holds a picture; looks no further than the first."""
    look: Callable[[object], None] = _pass_over
    return any(
        next(files(archive, folder, PICTURES, look), None)
        for camera in folders(archive, archive.root, look)
        for folder in folders(archive, camera, look)
    )


def _pass_over(_: object) -> None:
    """Refusals are for the scan to report, not for the look."""
