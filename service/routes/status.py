"""What is running here: the model, the gallery's size, the limits, the caller's own role."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from fastapi import APIRouter
from pydantic import Field

from indexer.answers import Answer, AppliedScoring
from indexer.calibration import Decisions
from indexer.gallery import LocalGallery
from indexer.keys import Role
from indexer.records import Stats
from model.calibration import Rate
from service.auth import needs
from service.parts import CallerOf, PartsOf
from service.responses import problems
from service.settings import Limits

router = APIRouter(tags=["status"])


class CalibrationSummary(Answer):
    """What decisions and probabilities rest on."""

    data: Literal["synthetic", "real", "gallery"]
    prior: float = Field(description="Share of genuine pairs that `probability` assumes.")
    rates: Sequence[Rate] = Field(
        description="Cosine per false-accept rate of one pair; null without support."
    )
    stale: bool = Field(
        description="Whether the gallery's camera statistics have moved on since it was calibrated."
    )

    @classmethod
    def of(cls, decisions: Decisions | None) -> "CalibrationSummary | None":
        if decisions is None:
            return None
        return cls.model_validate(decisions, from_attributes=True)


class Model(Answer):
    """The model in use."""

    model_id: str = Field(examples=["0123456789abcdef"])
    provider: str = Field(description="Execution provider in effect.", examples=["cpu"])
    precision: str = Field(examples=["fp32"])
    calibration: CalibrationSummary | None
    manifest: Mapping[str, Any] = Field(description="The bundle's manifest as it is.")


class GallerySize(Answer):
    tracklets: int
    identities: int
    cameras: int
    pictures: int
    bytes_on_disk: int
    generation: int
    scoring: AppliedScoring = Field(description="How a query is scored now.")
    refresh_pending: bool = Field(
        description="Whether the statistics of the cameras have moved on and the index is about to "
        "follow them."
    )


class Status(Answer):
    gallery: GallerySize
    queue_depth: int = Field(description="Tracklets admitted and not yet answered.")
    limits: Limits
    role: Role = Field(description="What the caller may do.")
    device: str = Field(description="Where the model runs.", examples=["cpu"])
    index_device: str = Field(description="Where the search index lives.", examples=["cpu"])
    precision: str = Field(examples=["fp32"])
    model_id: str = Field(examples=["0123456789abcdef"])
    calibration: CalibrationSummary | None
    keys_required: bool = Field(description="Whether callers need a key.")


@router.get(
    "/model", summary="The model in use", responses=problems(), openapi_extra=needs("query")
)
def read_model(parts: PartsOf) -> Model:
    manifest = parts.embedder.manifest
    return Model(
        model_id=manifest.model_id,
        provider=parts.embedder.provider,
        precision=manifest.precision,
        calibration=CalibrationSummary.of(parts.decisions(parts.gallery.scoring)),
        manifest=manifest.model_dump(mode="json"),
    )


@router.get(
    "/status",
    summary="Sizes, limits and the caller's role",
    responses=problems(),
    openapi_extra=needs("query"),
)
def read_status(parts: PartsOf, caller: CallerOf) -> Status:
    stats = parts.gallery.stats()
    manifest = parts.embedder.manifest
    return Status(
        gallery=_size(parts.gallery, stats),
        queue_depth=parts.batcher.depth,
        limits=parts.settings.limits(),
        role=caller.role,
        device=parts.embedder.provider,
        index_device=stats.index_device,
        precision=manifest.precision,
        model_id=manifest.model_id,
        calibration=CalibrationSummary.of(parts.decisions(parts.gallery.scoring)),
        keys_required=parts.door.keyed,
    )


def _size(gallery: LocalGallery, stats: Stats) -> GallerySize:
    return GallerySize(
        tracklets=stats.tracklets,
        identities=stats.identities,
        cameras=stats.cameras,
        pictures=stats.pictures,
        bytes_on_disk=stats.bytes_on_disk,
        generation=stats.generation,
        scoring=AppliedScoring.model_validate(gallery.scoring, from_attributes=True),
        refresh_pending=gallery.refresh_pending,
    )
