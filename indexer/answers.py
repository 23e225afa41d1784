"""The answer to a query in the one shape that service and command line give it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from indexer.calibration import Decisions, identity_rate
from indexer.records import Hit, IdentityScoring, RankedIdentity, Ranking

Caution = Literal["looks_uncropped"]


class Answer(BaseModel):
    model_config = ConfigDict(frozen=True, protected_namespaces=())


class Frames(Answer):
    """How many frames came in, and which of them the model saw."""

    received: int = Field(examples=[57])
    sampled: Sequence[int] = Field(examples=[[0, 2]])


class QueryTracklet(Answer):
    """What was asked about. The last two only with `explain`."""

    frames: Frames
    temporal_attention: Sequence[float] = Field(examples=[[0.6, 0.4]])
    effective_frames: float = Field(examples=[1.96])
    spatial_attention: Sequence[Sequence[Sequence[float]]] | None = Field(
        default=None,
        description="One map of 8 rows and 4 columns per sampled frame; null where a stored "
        "tracklet's pictures are not kept.",
    )
    pictures: Sequence[str] | None = Field(
        default=None, description="The sampled frames as base64 JPEG; null where not kept."
    )


class FoundTracklet(Answer):
    """One of an identity's best tracklets."""

    tracklet_id: str
    camera: str | None
    captured_at: datetime | None
    score: float = Field(examples=[0.83])
    temporal_attention: Sequence[float]
    frames: Frames

    @classmethod
    def of(cls, hit: Hit) -> "FoundTracklet":
        found = hit.tracklet
        return cls(
            tracklet_id=found.tracklet_id,
            camera=found.camera,
            captured_at=found.captured_at,
            score=hit.score,
            temporal_attention=found.temporal_attention,
            frames=Frames(received=found.received, sampled=found.sampled),
        )


class Result(Answer):
    """One place of the ranking; an unlabelled tracklet ranks on its own, `identity` null."""

    rank: int = Field(examples=[1])
    identity: str | None = Field(examples=["p-017"])
    score: float = Field(
        description="Cosine of the best tracklet, mean of the best of each camera, or cosine of "
        "the identity's template: see `gallery.scoring`.",
        examples=[0.83],
    )
    comparisons: int = Field(
        description="Tracklets of the identity that the query was compared with.", examples=[5]
    )
    probability: float | None = Field(
        description="Of the best tracklet; null without a calibration.", examples=[0.97]
    )
    match: bool | None = Field(
        description="Whether the best tracklet passes the threshold of `far`; null without support."
    )
    false_match_rate: float | None = Field(
        description="1 - (1 - `far`)^`comparisons`: how often an identity of somebody else with as "
        "many tracklets would match; null without support.",
        examples=[0.0005],
    )
    tracklets: Sequence[FoundTracklet]

    @classmethod
    def of(
        cls,
        place: RankedIdentity,
        decisions: Decisions | None,
        threshold: float | None,
        far: float,
        frames: int,
    ) -> "Result":
        """`far` is the rate of one pair; a pair is the query and the best tracklet."""
        best = place.tracklets[0]
        frames = min(frames, len(best.tracklet.sampled))
        return cls(
            rank=place.rank,
            identity=place.identity,
            score=place.score,
            comparisons=place.compared,
            probability=decisions.probability(best.score, frames) if decisions else None,
            match=best.score >= threshold if threshold is not None else None,
            false_match_rate=None if threshold is None else identity_rate(far, place.compared),
            tracklets=[FoundTracklet.of(hit) for hit in place.tracklets],
        )


class AppliedScoring(Answer):
    """How scores and order came about."""

    camera_normalised: bool = Field(
        description="Whether the part of each camera was taken from the embeddings first."
    )
    rerank: bool = Field(description="Whether k-reciprocal neighbours decided the order.")
    identity: IdentityScoring = Field(description="What ranked the identities.")


class SearchedGallery(Answer):
    tracklets: int = Field(examples=[1234])
    identities: int = Field(examples=[98])
    searched: int = Field(description="Tracklets that passed the filters.", examples=[1200])
    exact: bool
    scoring: AppliedScoring
    expected_false_matches: float | None = Field(
        description="`far` x searched: strangers to expect above the threshold.", examples=[0.12]
    )


class Timing(Answer):
    """Milliseconds."""

    decode: float = Field(examples=[9.1])
    queue: float = Field(examples=[0.4])
    embed: float = Field(examples=[402.0])
    search: float = Field(examples=[1.2])
    total: float = Field(examples=[414.0])


class QueryAnswer(Answer):
    """Ranked identities, best first."""

    query: QueryTracklet
    results: Sequence[Result]
    gallery: SearchedGallery
    warnings: Sequence[Caution]
    model_id: str
    timing_ms: Timing


def results_of(
    ranking: Ranking, decisions: Decisions | None, far: float, frames: int
) -> tuple[list[Result], SearchedGallery]:
    """A ranking with its scores made into decisions, as far as a calibration supports them.

    `frames` is how many the query has.
    """
    threshold = decisions.threshold(far) if decisions else None
    gallery = SearchedGallery(
        tracklets=ranking.tracklets,
        identities=ranking.labelled_identities,
        searched=ranking.searched,
        exact=ranking.exact,
        scoring=AppliedScoring.model_validate(ranking.scoring, from_attributes=True),
        expected_false_matches=far * ranking.searched if threshold is not None else None,
    )
    results = [Result.of(place, decisions, threshold, far, frames) for place in ranking.identities]
    return results, gallery
