"""What a gallery is, whichever way it is stored: the boundary that service and command line use.

`indexer.gallery.LocalGallery` (SQLite and FAISS in a folder) is the default implementation.
Every method may be called from any thread. `actor` names who asked (a key's name, or
"command line") and ends in the audit log.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from indexer.records import (
    AuditEntry,
    CameraSummary,
    Enrolled,
    Filter,
    IdentitySummary,
    Merge,
    NewTracklet,
    Page,
    Ranking,
    Receipt,
    Search,
    Stats,
    Tracklet,
    TrackletPatch,
)


class Gallery(Protocol):
    """A durable set of embedded tracklets that can be searched, changed and erased."""

    @property
    def model_id(self) -> str:
        """The model whose embeddings this gallery holds."""

    def enrol(self, new: NewTracklet, *, actor: str, include_erased: bool = True) -> Enrolled:
        """Store a tracklet durably and make it searchable before returning.

        Raises `TrackletExists` (same id, other content), `TrackletErased` (a tombstone stands
        and `include_erased` is False), `ModelMismatch`, `StorageFull`.
        """

    def find_same(self, tracklet_id: str, content_sha256: bytes) -> Tracklet | None:
        """The tracklet already enrolled with this id and content, so that it need not be embedded.

        Raises `TrackletExists` where the id stands with other content.
        """

    def is_erased(self, tracklet_id: str) -> bool:
        """Whether a tombstone keeps this id out unless it is brought back on purpose."""

    def get(self, tracklet_id: str) -> Tracklet:
        """Raises `NotFound`."""

    def embedding(self, tracklet_id: str) -> NDArray[np.float32]:
        """The stored embedding, float32 [D]. Raises `NotFound`."""

    def picture(self, tracklet_id: str, place: int, *, actor: str) -> bytes:
        """The kept JPEG of the `place`-th sampled frame. Raises `NotFound`."""

    def pictures(self, tracklet_id: str, *, actor: str) -> Sequence[bytes]:
        """All kept JPEGs in order; empty where pictures are not kept. Raises `NotFound`."""

    def list(self, wanted: Filter, *, limit: int, cursor: str | None) -> Page[Tracklet]:
        """In enrolment order. Raises `InvalidParameter` for a cursor that is none of ours."""

    def patch(self, tracklet_id: str, changes: TrackletPatch, *, actor: str) -> Tracklet:
        """Raises `NotFound`."""

    def erase(self, tracklet_id: str, *, actor: str) -> Receipt:
        """Remove row, vector and pictures down to the bytes. Raises `NotFound`, `ErasePending`."""

    def erase_identity(self, identity: str, *, actor: str) -> Receipt:
        """Erase all tracklets of an identity. Raises `NotFound`, `ErasePending`."""

    def search(
        self, embedding: NDArray[np.float32], model_id: str, wanted: Search, *, actor: str
    ) -> Ranking:
        """Rank identities by their likeness to `embedding` (float32 [D], unit length).

        Raises `ModelMismatch`, `RerankUnavailable`.
        """

    def identities(self, *, prefix: str, limit: int, cursor: str | None) -> Page[IdentitySummary]:
        """In the order of their names."""

    def identity(self, identity: str) -> IdentitySummary:
        """Raises `NotFound`."""

    def path(self, identity: str, *, limit: int, cursor: str | None) -> Page[Tracklet]:
        """An identity's tracklets in time order, those without a time last."""

    def merge(self, identity: str, into: str, *, actor: str) -> Merge:
        """Move an identity's tracklets to another, which may be new. Raises `NotFound`."""

    def undo_merge(self, merge_id: str, *, actor: str) -> Merge:
        """Put back what a merge moved and nobody has relabelled since. Raises `NotFound`."""

    def cameras(self) -> Sequence[CameraSummary]:
        """In the order of their names."""

    def stats(self) -> Stats: ...

    def audit(self, *, limit: int, cursor: str | None) -> Page[AuditEntry]:
        """Newest first."""

    def close(self) -> None:
        """Finish what is under way and let go of every file."""
