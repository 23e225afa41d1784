"""What the service answers: the shapes of OpenAPI, built from the gallery's records."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, Self

from pydantic import Field

from indexer import records
from indexer.answers import Answer, Caution, Frames


class Problem(Answer):
    """An RFC 9457 problem. `code` is stable; `detail` is for people."""

    type: str = Field(examples=["urn:sightline:undecodable_frame"])
    title: str = Field(examples=["Input refused"])
    status: int = Field(examples=[422])
    detail: str = Field(examples=["the picture cannot be decoded"])
    code: str = Field(examples=["undecodable_frame"])
    frame: int | None = Field(
        default=None, description="0-based place in the upload, of an error about a frame."
    )


class Tracklet(Answer):
    """An enrolled tracklet."""

    tracklet_id: str = Field(examples=["c3-000128"])
    identity: str | None = Field(examples=["p-017"])
    camera: str | None = Field(examples=["c3"])
    captured_at: datetime | None
    captured_until: datetime | None
    attributes: Mapping[str, Any] = Field(examples=[{"track": 128}])
    frames: Frames
    temporal_attention: Sequence[float] = Field(
        description="One weight per sampled frame; they sum to 1.", examples=[[0.6, 0.4]]
    )
    effective_frames: float = Field(
        description="exp(entropy of the attention): over how many frames it is spread.",
        examples=[1.96],
    )
    model_id: str = Field(examples=["0123456789abcdef"])
    created_at: datetime

    @classmethod
    def of(cls, record: records.Tracklet, **more: Any) -> Self:
        return cls(
            tracklet_id=record.tracklet_id,
            identity=record.identity,
            camera=record.camera,
            captured_at=record.captured_at,
            captured_until=record.captured_until,
            attributes=record.attributes,
            frames=Frames(received=record.received, sampled=record.sampled),
            temporal_attention=record.temporal_attention,
            effective_frames=record.effective_frames,
            model_id=record.model_id,
            created_at=record.created_at,
            **more,
        )


class EnrolledTracklet(Tracklet):
    """An enrolled tracklet, and what looked odd about the upload."""

    warnings: Sequence[Caution] = Field(examples=[["looks_uncropped"]])


class TrackletPage(Answer):
    items: Sequence[Tracklet]
    next_cursor: str | None = Field(description="null at the end.")

    @classmethod
    def of(cls, page: records.Page[records.Tracklet]) -> Self:
        items = [Tracklet.of(record) for record in page.items]
        return cls(items=items, next_cursor=page.next_cursor)


class Identity(Answer):
    identity: str = Field(examples=["p-017"])
    tracklets: int = Field(examples=[12])
    cameras: Sequence[str] = Field(examples=[["c1", "c3"]])
    first_seen: datetime | None
    last_seen: datetime | None

    @classmethod
    def of(cls, record: records.IdentitySummary, **more: Any) -> Self:
        return cls(
            identity=record.identity,
            tracklets=record.tracklets,
            cameras=record.cameras,
            first_seen=record.first_seen,
            last_seen=record.last_seen,
            **more,
        )


class IdentityPage(Answer):
    items: Sequence[Identity]
    next_cursor: str | None = Field(description="null at the end.")


class IdentityPath(Identity):
    """An identity with a page of its tracklets in time order: its path through the cameras."""

    items: Sequence[Tracklet]
    next_cursor: str | None = Field(description="null at the end.")


class Merged(Answer):
    """What a merge or its undoing did."""

    moved: int = Field(description="Tracklets that changed their identity.", examples=[7])
    merge_id: str


class Receipt(Answer):
    """Proof of an erasure; the erased id stands in it only as a keyed hash."""

    receipt_id: str
    erased_at: datetime
    actor: str = Field(description="Name of the key that asked.", examples=["front desk"])
    tracklets: int
    pictures: int
    subject_hash: str
    generation: int
    physical: Literal["done", "pending"] = Field(description="Whether the bytes are gone.")

    @classmethod
    def of(cls, record: records.Receipt) -> Self:
        return cls.model_validate(record, from_attributes=True)


class Erased(Answer):
    erased_tracklets: int = Field(examples=[12])
    receipt: Receipt


class Camera(Answer):
    camera: str = Field(examples=["c3"])
    tracklets: int = Field(examples=[640])
    first_seen: datetime | None
    last_seen: datetime | None


class CameraList(Answer):
    items: Sequence[Camera]
    next_cursor: None = None


class AuditEntry(Answer):
    entry: int
    at: datetime
    actor: str = Field(examples=["front desk"])
    action: str = Field(examples=["search"])
    subject_hash: str | None
    details: Mapping[str, Any]


class AuditPage(Answer):
    items: Sequence[AuditEntry]
    next_cursor: str | None = Field(description="null at the end.")


class Ready(Answer):
    ready: Literal[True] = True
    model_id: str
    provider: str = Field(examples=["cpu"])
    precision: str = Field(examples=["fp32"])
    index: str = Field(description="Where the search index lives.", examples=["cpu"])


class Alive(Answer):
    alive: Literal[True] = True
