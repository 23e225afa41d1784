"""What a synthetic world is made of: one frozen configuration and the presets by name."""

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from model.errors import InvalidParameter


class Kind(StrEnum):
    """Worlds that differ in kind: in garments, bodies, scenes, camera chain and boxes.

    K0 trains, K1 chooses between models, K2 calibrates, K3 is the final test. What exactly they
    have apart and in common stands in `kinds`.
    """

    K0 = "k0"
    K1 = "k1"
    K2 = "k2"
    K3 = "k3"


@dataclass(frozen=True)
class WorldConfig:
    """Everything a world depends on; equal configurations give equal bytes on one machine type.

    Rates are probabilities. Sizes are pixels. `distractors[k]` is the chance of k other people
    who walk near the target.
    """

    kind: Kind = Kind.K0
    seed: int = 0
    identities: int = 200
    tracklets_per_identity: int = 8
    frames_per_tracklet: int = 8
    environments: int = 4
    cameras_per_environment: int = 6
    lightings_per_camera: int = 2
    view_height: int = 540
    frame_height: int = 256
    frame_width: int = 128
    second_environment_rate: float = 1 / 3
    family_rate: float = 0.4
    outfit_change_rate: float = 0.05
    night_rate: float = 0.04
    distractors: tuple[float, ...] = (0.3, 0.3, 0.25, 0.15)
    hidden_rate: float = 0.5
    min_mean_visible: float = 0.35
    jump_rate: float = 0.035
    difficulty: float = 1.0
    tracklets_per_shard: int = 64
    jpeg_quality: int = 90

    def __post_init__(self) -> None:
        """Raises `InvalidParameter` where no world can be made."""
        for name in (
            "identities",
            "tracklets_per_identity",
            "frames_per_tracklet",
            "environments",
            "cameras_per_environment",
            "lightings_per_camera",
            "tracklets_per_shard",
        ):
            if getattr(self, name) < 1:
                raise InvalidParameter(f"{name} must be at least 1")
        if self.seed < 0:
            raise InvalidParameter("seed must not be negative")
        if self.frame_height < 32 or self.frame_width < 16 or self.view_height < 180:
            raise InvalidParameter("frames must be at least 32x16 and views 180 pixels high")
        if abs(sum(self.distractors) - 1) > 1e-6:
            raise InvalidParameter("the chances of 0, 1, 2 ... distractors must add up to 1")

    @property
    def tracklets(self) -> int:
        return self.identities * self.tracklets_per_identity

    @property
    def frames(self) -> int:
        return self.tracklets * self.frames_per_tracklet

    @property
    def shards(self) -> int:
        return -(-self.tracklets // self.tracklets_per_shard)

    @property
    def view_width(self) -> int:
        return self.view_height * 16 // 9

    @property
    def root_seed(self) -> int:
        """Seed of every stream: worlds of two kinds share nobody, whatever their seeds."""
        return self.seed + (list(Kind).index(self.kind) << 64)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def digest(self) -> str:
        """First 16 hex digits of a SHA-256 over the configuration and the generator's version."""
        text = json.dumps({"generator": GENERATOR, **self.as_json()}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


GENERATOR = 5
"""Raised whenever the same configuration would give other pictures than before."""

PRESETS: dict[str, WorldConfig] = {
    "tiny": WorldConfig(
        identities=8,
        tracklets_per_identity=3,
        frames_per_tracklet=4,
        environments=1,
        cameras_per_environment=3,
        lightings_per_camera=1,
        view_height=270,
        frame_height=128,
        frame_width=64,
        tracklets_per_shard=6,
    ),
    "small": WorldConfig(),
    "paper": WorldConfig(
        identities=2808,
        tracklets_per_identity=32,
        environments=4,
        cameras_per_environment=8,
        lightings_per_camera=3,
        view_height=720,
    ),
    "campaign": WorldConfig(
        identities=8000,
        tracklets_per_identity=5,
        frames_per_tracklet=6,
        environments=64,
        lightings_per_camera=1,
        frame_height=128,
        frame_width=64,
    ),
}


def preset(name: str, **changes: Any) -> WorldConfig:
    """The preset of that name with some fields changed; `InvalidParameter` for unknown names."""
    if name not in PRESETS:
        raise InvalidParameter(f"no preset {name!r}; there are {', '.join(PRESETS)}")
    return replace(PRESETS[name], **changes)


def config_from_json(fields: dict[str, Any]) -> WorldConfig:
    """The inverse of `WorldConfig.as_json`."""
    known = dict(fields)
    known["kind"] = Kind(known["kind"])
    known["distractors"] = tuple(known["distractors"])
    return WorldConfig(**known)
