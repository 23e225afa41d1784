"""Your own data: one folder of pictures per tracklet, sorted by file name.

    <root>/train/<identity>/<camera>/<tracklet>/*.jpg
    <root>/query/…  <root>/gallery/…      optional; without them every test tracklet queries all
    <root>/test/…                         the others

A folder `test` makes every tracklet a query against all tracklets of other cameras. Names are
free; a name means the same person or camera wherever it stands.
"""

from pathlib import Path

from model.datasets.files import FrameFiles, folders, non_empty, pictures, require
from model.datasets.tracklets import Dataset, Protocol, TrackletSource
from model.errors import InvalidParameter

LAYOUT = "folders"


def read_folders(root: Path) -> Dataset:
    """Read the halves that are there. Raises `InvalidParameter` where there is none to use."""
    require(LAYOUT, root)
    halves = {name: root / name for name in ("train", "test", "query", "gallery")}
    found = {name: _tracklets(path) for name, path in halves.items() if path.is_dir()}
    if not found.keys() & {"train", "test", "query"}:
        raise InvalidParameter(f"{LAYOUT}: none of train, test, query is a folder of {root}")
    if ("query" in found) != ("gallery" in found):
        raise InvalidParameter(f"{LAYOUT}: {root} needs both query and gallery, or neither")
    numbers = _Numbers()
    tracklets = {name: tuple(map(numbers.label, half)) for name, half in found.items()}
    protocols = []
    if "query" in found:
        protocols.append(
            Protocol("query against gallery", tracklets["query"], tracklets["gallery"])
        )
    if "test" in found:
        protocols.append(Protocol("all against all", tracklets["test"], tracklets["test"]))
    return Dataset("folders", tracklets.get("train", ()), tuple(protocols))


class _Numbers:
    """Names of people and cameras -> numbers, in the order of their first use."""

    def __init__(self) -> None:
        self._people: dict[str, int] = {}
        self._cameras: dict[str, int] = {}

    def label(self, tracklet: tuple[str, str, FrameFiles]) -> TrackletSource:
        person, camera, frames = tracklet
        return TrackletSource(
            identity=self._people.setdefault(person, len(self._people)),
            camera=self._cameras.setdefault(camera, len(self._cameras)),
            frames=frames,
        )


def _tracklets(half: Path) -> list[tuple[str, str, FrameFiles]]:
    return [
        (person.name, camera.name, FrameFiles(non_empty(LAYOUT, folder, pictures(folder))))
        for person in folders(half)
        for camera in folders(person)
        for folder in folders(camera)
    ]
