"""The values that go into the gallery and come out of it. Plain data: no SQL, no FAISS, no HTTP."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")


def effective_frames(attention: Sequence[float] | NDArray[np.float32]) -> float:
    """exp(entropy) of a temporal attention [n]: over how many frames the weight is spread.

    Between 1 and n; rounding in float32 would otherwise let it pass n.
    """
    weights = np.asarray(attention, dtype=np.float64)
    weights = weights[weights > 0] / weights.sum()
    return float(min(np.exp(-(weights * np.log(weights)).sum()), len(attention)))


@dataclass(frozen=True)
class NewTracklet:
    """An embedded tracklet on its way into the gallery. Times are aware and in UTC."""

    tracklet_id: str | None
    """The client's id, which makes enrolment idempotent; the gallery makes a UUIDv7 for None."""
    content_sha256: bytes
    """Over the uploaded files in order and the boxes; see `indexer.content`."""
    model_id: str
    embedding: NDArray[np.float32]
    """Unit length, [D]."""
    temporal_attention: Sequence[float]
    """One weight per sampled frame; they sum to 1."""
    received: int
    """Frames in the upload."""
    sampled: Sequence[int]
    """Indices of the frames that the model saw, strictly increasing."""
    pictures: Sequence[bytes] = ()
    """The sampled frames as JPEG, or nothing where pictures are not to be kept."""
    identity: str | None = None
    camera: str | None = None
    captured_at: datetime | None = None
    captured_until: datetime | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Tracklet:
    """An enrolled tracklet, without its vector and pictures."""

    tracklet_id: str
    identity: str | None
    camera: str | None
    captured_at: datetime | None
    captured_until: datetime | None
    attributes: Mapping[str, Any]
    received: int
    sampled: tuple[int, ...]
    temporal_attention: tuple[float, ...]
    model_id: str
    created_at: datetime
    pictures: int
    """How many of the sampled frames are kept as pictures."""

    @property
    def effective_frames(self) -> float:
        """Over how many frames the model spread its weight."""
        return effective_frames(self.temporal_attention)


@dataclass(frozen=True)
class Enrolled:
    """What an enrolment did: `created` is False where the same content was there already."""

    tracklet: Tracklet
    created: bool


class Unchanged:
    """Marks a field that a patch leaves alone (None would clear it)."""


UNCHANGED = Unchanged()


@dataclass(frozen=True)
class TrackletPatch:
    """Changes to a tracklet; None clears a field."""

    identity: str | Unchanged | None = UNCHANGED
    camera: str | Unchanged | None = UNCHANGED
    captured_at: datetime | Unchanged | None = UNCHANGED
    captured_until: datetime | Unchanged | None = UNCHANGED
    attributes: Mapping[str, Any] | Unchanged | None = UNCHANGED


@dataclass(frozen=True)
class Filter:
    """Which tracklets may be listed or found. All conditions hold at once, exactly.

    `captured_after` is inclusive, `captured_before` exclusive, and a tracklet without a time
    passes no time filter; a tracklet without a camera passes no `cameras`, and every
    `exclude_cameras`.
    """

    cameras: frozenset[str] = frozenset()
    exclude_cameras: frozenset[str] = frozenset()
    identity: str | None = None
    captured_after: datetime | None = None
    captured_before: datetime | None = None
    exclude_tracklet: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether every tracklet passes."""
        return self == Filter()


@dataclass(frozen=True)
class Search:
    """What a query asks of the gallery."""

    camera: str | None = None
    """The query's own camera, whose part is taken from its embedding where it is known."""
    top_k: int = 10
    """Distinct identities wanted."""
    tracklets_per_identity: int = 5
    min_score: float | None = None
    filter: Filter = field(default_factory=Filter)
    rerank: bool = False


@dataclass(frozen=True)
class Hit:
    """One found tracklet and its cosine to the query."""

    tracklet: Tracklet
    score: float


@dataclass(frozen=True)
class RankedIdentity:
    """One place of the ranking. An unlabelled tracklet ranks on its own with `identity` None."""

    rank: int
    identity: str | None
    score: float
    """Cosine of the best tracklet; mean of the cameras' best, or that of the template, where
    identities are scored so."""
    compared: int
    """Tracklets of the identity that passed the filter."""
    tracklets: tuple[Hit, ...]
    """Best first, at most `Search.tracklets_per_identity`."""


IdentityScoring = Literal["best", "camera_mean", "template"]


@dataclass(frozen=True)
class Scoring:
    """How an answer came about."""

    camera_normalised: bool
    """Whether the part of each camera was taken from the embeddings compared."""
    rerank: bool
    identity: IdentityScoring
    generation: int
    """At which the statistics of the cameras were frozen; 0 where none were."""


@dataclass(frozen=True)
class Ranking:
    """Answer to a search."""

    identities: tuple[RankedIdentity, ...]
    searched: int
    """Tracklets that passed the filter and were compared."""
    exact: bool
    """Whether every one of them was compared (False for an approximate index)."""
    tracklets: int
    """Size of the gallery."""
    labelled_identities: int
    scoring: Scoring


@dataclass(frozen=True)
class Page(Generic[T]):
    """One page of a listing; `next_cursor` is None at the end."""

    items: tuple[T, ...]
    next_cursor: str | None


@dataclass(frozen=True)
class IdentitySummary:
    identity: str
    tracklets: int
    cameras: tuple[str, ...]
    first_seen: datetime | None
    last_seen: datetime | None


@dataclass(frozen=True)
class CameraSummary:
    camera: str
    tracklets: int
    first_seen: datetime | None
    last_seen: datetime | None


@dataclass(frozen=True)
class Merge:
    merge_id: str
    moved: int


@dataclass(frozen=True)
class Receipt:
    """Proof of an erasure. The erased id appears only as a keyed hash."""

    receipt_id: str
    erased_at: datetime
    actor: str
    tracklets: int
    pictures: int
    subject_hash: str
    generation: int
    physical: Literal["done", "pending"]


@dataclass(frozen=True)
class AuditEntry:
    """One line of the append-only audit log: never a vector, a picture, or a plain id."""

    entry: int
    at: datetime
    actor: str
    action: str
    subject_hash: str | None
    details: Mapping[str, Any]


@dataclass(frozen=True)
class Stats:
    """Figures of a gallery for people and metrics."""

    tracklets: int
    identities: int
    cameras: int
    pictures: int
    bytes_on_disk: int
    model_id: str
    embedding_width: int
    generation: int
    index_device: str
    """"cpu" or "cuda:0": where the FAISS view lives."""


@dataclass(frozen=True)
class Vitals:
    """What shows whether a gallery keeps up with itself."""

    generation: int
    """Changes that the store has committed."""
    index_generation: int
    """The last of them that the view has taken in; -1 before it is filled."""
    open_erasures: int
    """Erasures whose bytes may still be there."""
    unwritten_audit_entries: int
    """Entries of searches and views that wait in memory for room on the disk."""


@dataclass(frozen=True)
class Finding:
    """Something that `verify` found wrong; `mendable` says whether `rebuild` can put it right."""

    kind: str
    subject: str
    detail: str
    mendable: bool


@dataclass(frozen=True)
class Verification:
    checked: int
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        return not self.findings
