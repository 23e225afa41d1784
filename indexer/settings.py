"""Settings that the command line and the service share; each default is stated here, once.

Every field is an environment variable with the prefix `SIGHTLINE_`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from model.bundle import DEFAULT_BUNDLE
from model.calibration import DEFAULT_PRIOR
from model.errors import InvalidParameter
from model.limits import DecodeLimits
from model.opencv import MAX_PIXELS

_LIMITS = DecodeLimits()
_MOST_BYTES = 2**30


def default_gallery() -> Path:
    """A folder under the user's data directory."""
    return Path.home() / ".local" / "share" / "sightline" / "gallery"


class GallerySettings(BaseSettings):
    """What opens a gallery and a model, and how large an upload may be."""

    model_config = SettingsConfigDict(
        env_prefix="SIGHTLINE_", extra="ignore", protected_namespaces=()
    )

    gallery: Path = Field(default_factory=default_gallery, description="Folder of the gallery.")
    model: Path = Field(default=DEFAULT_BUNDLE, description="Folder of the model bundle.")
    device: Literal["auto", "cpu", "cuda"] = Field(
        default="auto", description="Where model and index run; `cuda` fails where it is not there."
    )
    threads: int = Field(
        default=0, ge=0, le=1024, description="Threads for all that computes; 0: all cores."
    )
    keep_pictures: bool = Field(
        default=True, description="Keep the sampled frames, so that a new model can embed them."
    )
    retention_days: float | None = Field(
        default=None,
        gt=0,
        le=36_500,
        description="Age in days at which tracklets are erased; none: never.",
    )
    camera_normalisation: Literal["auto", "off"] = Field(
        default="auto",
        description="`auto` takes from embeddings what is their camera's, where enough is known.",
    )
    identity_scoring: Literal["best", "camera_mean", "template"] = Field(
        default="template",
        description="By what identities rank: their best tracklet, the mean of the best of each "
        "camera, or the direction of all their tracklets together.",
    )
    prior: float = Field(
        default=DEFAULT_PRIOR,
        gt=0,
        lt=1,
        description="Share of genuine pairs that `probability` assumes.",
    )
    max_frames: int = Field(
        default=_LIMITS.max_frames, gt=0, le=10_000, description="Frames of one upload."
    )
    max_frame_bytes: int = Field(
        default=_LIMITS.frame_bytes, gt=0, le=_MOST_BYTES, description="Of one frame."
    )
    max_frame_pixels: int = Field(
        default=_LIMITS.frame_pixels, gt=0, le=MAX_PIXELS, description="Of one frame."
    )
    max_upload_pixels: int = Field(
        default=_LIMITS.upload_pixels,
        gt=0,
        le=10_000 * MAX_PIXELS,
        description="Of all frames of one upload together.",
    )
    max_clip_seconds: float = Field(
        default=_LIMITS.clip_seconds, gt=0, le=86_400, description="Of a clip."
    )
    max_clip_frames: int = Field(
        default=_LIMITS.clip_frames, gt=0, le=1_000_000, description="Of a clip."
    )
    max_clip_pixels: int = Field(
        default=_LIMITS.clip_pixels, gt=0, le=MAX_PIXELS, description="Of one frame of a clip."
    )

    @property
    def decode_limits(self) -> DecodeLimits:
        return DecodeLimits(
            max_frames=self.max_frames,
            frame_bytes=self.max_frame_bytes,
            frame_pixels=self.max_frame_pixels,
            upload_pixels=self.max_upload_pixels,
            clip_seconds=self.max_clip_seconds,
            clip_frames=self.max_clip_frames,
            clip_pixels=self.max_clip_pixels,
        )


S = TypeVar("S", bound=GallerySettings)


def read_settings(kind: type[S], flags: Mapping[str, Any]) -> S:
    """Settings from the environment, overruled by a command's flags (None: not given).

    Raises `InvalidParameter`, which names the flag or the variable that has no usable value.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    try:
        return kind(**given)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = "_".join(str(part) for part in first["loc"])
        flag, variable = f"--{name.replace('_', '-')}", f"SIGHTLINE_{name.upper()}"
        place = f"{flag if name in given else variable}: " if name else ""
        raise InvalidParameter(place + first["msg"].removeprefix("Value error, ")) from error
