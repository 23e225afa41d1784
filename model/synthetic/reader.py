"""Typed access to a world on disk."""

import mmap
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from model.errors import InvalidParameter
from model.synthetic.config import WorldConfig, config_from_json
from model.synthetic.shards import read_manifest, shard_name

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class SyntheticTracklet:
    """One tracklet; `frames` are places in the world's list of frames."""

    index: int
    identity: int
    family: int
    camera: int
    environment: int
    night: bool
    outfit_changed: bool
    frames: range


class SyntheticWorld:
    """All shards of a world, memory-mapped; frames are numbered in tracklet order.

    The per-frame arrays hold F frames: `visible` float32 [F], `jump` bool [F], `mask` bool
    [F, 16, 8], `box` float32 [F, 4], `identity`, `camera`, `environment`, `family` and `tracklet`
    int32 [F].
    """

    def __init__(self, path: Path) -> None:
        manifest = read_manifest(path)
        self.path = path
        self.manifest: dict[str, Any] = manifest
        self.config: WorldConfig = config_from_json(manifest["config"])
        columns = self._load()
        self._offset, self._length = columns["offset"], columns["length"]
        self.identity: NDArray[np.int32] = columns["identity"]
        self.family: NDArray[np.int32] = columns["family"]
        self.camera: NDArray[np.int32] = columns["camera"]
        self.environment: NDArray[np.int32] = columns["environment"]
        self.tracklet: NDArray[np.int32] = columns["tracklet"]
        self.visible: NDArray[np.float32] = columns["visible"]
        self.jump: NDArray[np.bool_] = columns["jump"]
        self.box: NDArray[np.float32] = columns["box"]
        self.mask: NDArray[np.bool_] = (
            np.unpackbits(columns["mask"], axis=1).reshape(-1, 16, 8).astype(bool)
        )
        self._night, self._changed = columns["night"], columns["changed"]
        self.tracklets = self._tracklets()
        self._maps: dict[int, mmap.mmap] = {}

    def __len__(self) -> int:
        """Frames in the world."""
        return len(self.visible)

    def __getstate__(self) -> dict[str, Any]:
        # Memory maps do not travel to other processes; they are opened there again.
        return {**self.__dict__, "_maps": {}}

    def jpeg(self, frame: int) -> bytes:
        """One frame's JPEG file. Raises `IndexError` for a frame that is not there."""
        if not 0 <= frame < len(self):
            raise IndexError(f"frame {frame} of {len(self)}")
        per_shard = self.config.tracklets_per_shard * self.config.frames_per_tracklet
        start = int(self._offset[frame])
        return self._map(frame // per_shard)[start : start + int(self._length[frame])]

    def _map(self, shard: int) -> mmap.mmap:
        if shard not in self._maps:
            with (self.path / f"{shard_name(shard)}.bin").open("rb") as file:
                self._maps[shard] = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        return self._maps[shard]

    def _load(self) -> dict[str, Any]:
        parts: list[dict[str, Any]] = []
        for shard in range(self.config.shards):
            path = self.path / f"{shard_name(shard)}.npz"
            if not path.exists():
                raise InvalidParameter(f"{self.path} is not complete: {path.name} is missing")
            with np.load(path) as columns:
                parts.append({name: columns[name] for name in columns.files})
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _tracklets(self) -> tuple[SyntheticTracklet, ...]:
        n = self.config.frames_per_tracklet
        return tuple(
            SyntheticTracklet(
                index=int(self.tracklet[start]),
                identity=int(self.identity[start]),
                family=int(self.family[start]),
                camera=int(self.camera[start]),
                environment=int(self.environment[start]),
                night=bool(self._night[start]),
                outfit_changed=bool(self._changed[start]),
                frames=range(start, start + n),
            )
            for start in range(0, len(self.visible), n)
        )


def open_world(path: Path) -> SyntheticWorld:
    """Open a world that `synthesise` finished. Raises `InvalidParameter` where there is none."""
    return SyntheticWorld(path)
