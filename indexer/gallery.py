"""The gallery in a folder: the one path for enrolling, searching, changing and erasing.

The store commits first, then the view follows, then the caller is answered: what was answered is
durable and can be found. Searches bring the view up to date before they look, and read every row
they answer with, so that they see what other processes did.
"""

import builtins
import logging
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from indexer import audit, backup, enrolment, figures, identities, pictures, rows
from indexer.camera_statistics import tallying
from indexer.erasure import Erasures
from indexer.keys import GalleryKeys
from indexer.listings import Listings
from indexer.lock import LOCK_FILE, ProcessLock
from indexer.normalisation import Normalisation
from indexer.records import (
    AuditEntry,
    CameraSummary,
    Enrolled,
    Filter,
    IdentityScoring,
    IdentitySummary,
    Merge,
    NewTracklet,
    Page,
    Ranking,
    Receipt,
    Scoring,
    Search,
    Stats,
    Tracklet,
    TrackletPatch,
    Verification,
    Vitals,
)
from indexer.refreshing import Refresher
from indexer.room import keep_reserve, with_reserve
from indexer.saved import forget
from indexer.searching import Searches
from indexer.store import FILE, Store, create_store, make_private, next_generation
from indexer.vectors import GpuIndex, open_vectors
from indexer.verification import mend, verify
from indexer.view import View
from model.errors import (
    GalleryMissing,
    InvalidParameter,
    ModelMismatch,
    NotFound,
    StorageFull,
)
from model.names import clean_name

_log = logging.getLogger(__name__)

RERANK_PAIRS: Final = 5e6
"""Pairs of vectors that a search may compare first to re-rank: under a second on two cores."""


class LocalGallery:
    """A gallery of one folder. Safe from any thread; other processes may use the folder too."""

    def __init__(
        self,
        store: Store,
        view: View,
        lock: ProcessLock,
        *,
        normalise: bool,
        identity_scoring: IdentityScoring,
        rerank_pairs: float,
        keep_pictures: bool,
        save_index: bool,
        erase_deadline: float,
    ) -> None:
        """Built by `open_gallery`, which owns the decisions."""
        self._store = store
        self._lock = lock
        self._view = view
        self._refresher = Refresher(store, view, normalise=normalise)
        self._erasures = Erasures(
            store, erase_deadline, lambda: self._refresher.settle(erase_deadline)
        )
        self._reader_log = audit.ReaderLog(store)
        self._listings = Listings(store)
        self._searches = Searches(
            store,
            view,
            self._reader_log,
            identity=identity_scoring,
            most_pairs=rerank_pairs,
        )
        self._keep_pictures = keep_pictures
        self._save_index = save_index
        self._closed = False
        self.keys = GalleryKeys(store)

    @property
    def model_id(self) -> str:
        return self._store.model_id

    @property
    def embedding_width(self) -> int:
        return self._store.width

    def fill(self) -> None:
        """Fill the view, which a search would do otherwise."""
        if not self._view.is_filled:
            self.refresh()
            self._view.fill(self._store)

    def refresh(self) -> bool:
        """Go over to the present statistics of the cameras if they have moved enough.

        To be called every few seconds. Takes as long as the view takes to be built anew, while
        searches go on; returns whether it was. Where nothing can be written, what serves goes on
        serving.
        """
        try:
            return self._refresher.refresh()
        except StorageFull as error:
            _log.warning("the statistics of the cameras were not refreshed: %s", error)
            return False

    def tend_graph(self, seconds: float) -> bool:
        """Go on with the neighbour graph for about so long; whether there is more to do.

        Nothing where nobody has asked for re-ranking since the gallery was opened.
        """
        graph = self._view.graph
        return graph.is_wanted and graph.work_left() > 0 and graph.work(seconds)

    @property
    def graph_bytes(self) -> int:
        """Memory that the neighbour graph takes."""
        return self._view.graph.nbytes

    @property
    def refresh_pending(self) -> bool:
        """Whether the statistics of the cameras have moved further than what serves."""
        return self._refresher.is_pending

    @property
    def scoring(self) -> Scoring:
        """How a search is scored now."""
        return self._searches.scoring(self._view.normalisation, rerank=False)

    @property
    def normalisation(self) -> Normalisation:
        """What searches take from embeddings now."""
        return self._view.normalisation

    def enrol(self, new: NewTracklet, *, actor: str, include_erased: bool = True) -> Enrolled:
        """As `Gallery.enrol`; also raises `ModelOutputInvalid` for what is no embedding."""
        return self.enrol_many([new], actor=actor, include_erased=include_erased)[0]

    def enrol_many(
        self, news: Sequence[NewTracklet], *, actor: str, include_erased: bool = True
    ) -> builtins.list[Enrolled]:
        """Like `enrol` for each, in one transaction: all are enrolled, or none where one raises."""
        checked = [enrolment.checked(self._store, new) for new in news]
        if not self._keep_pictures:
            checked = [replace(new, pictures=()) for new in checked]
        enrolled = enrolment.write(self._store, checked, actor, include_erased)
        self._keep_up()
        return enrolled

    def find_same(self, tracklet_id: str, content_sha256: bytes) -> Tracklet | None:
        with self._store.reading() as connection:
            return enrolment.same(connection, tracklet_id, content_sha256)

    def is_erased(self, tracklet_id: str) -> bool:
        """Whether a tombstone keeps this id out unless it is brought back on purpose."""
        with self._store.reading() as connection:
            return enrolment.has_tombstone(connection, self._store.hashes.tracklet(tracklet_id))

    def get(self, tracklet_id: str) -> Tracklet:
        with self._store.reading() as connection:
            return rows.get(connection, tracklet_id)[1]

    def embedding(self, tracklet_id: str) -> NDArray[np.float32]:
        with self._store.reading() as connection:
            row = connection.execute(
                "SELECT embedding FROM vectors JOIN tracklets USING (seq) WHERE tracklet_id = ?",
                (tracklet_id,),
            ).fetchone()
        if row is None:
            raise NotFound("there is no such tracklet")
        return rows.from_stored(row[0])

    def picture(self, tracklet_id: str, place: int, *, actor: str) -> bytes:
        with self._store.reading() as connection:
            seq, _ = rows.get(connection, tracklet_id)
            jpeg = pictures.read(connection, seq, place)
        if jpeg is None:
            raise NotFound("there is no such picture")
        subject = self._store.hashes.tracklet(tracklet_id)
        self._reader_log.record(actor, "picture", subject, {"place": place})
        return jpeg

    def pictures(self, tracklet_id: str, *, actor: str) -> Sequence[bytes]:
        with self._store.reading() as connection:
            seq, _ = rows.get(connection, tracklet_id)
            kept = pictures.read_all(connection, seq)
        if kept:
            subject = self._store.hashes.tracklet(tracklet_id)
            self._reader_log.record(actor, "picture", subject, {"pictures": len(kept)})
        return kept

    def list(self, wanted: Filter, *, limit: int, cursor: str | None) -> Page[Tracklet]:
        return self._listings.tracklets(wanted, limit, cursor)

    def patch(self, tracklet_id: str, changes: TrackletPatch, *, actor: str) -> Tracklet:
        with self._store.writing() as connection, tallying(connection) as tally:
            seq, before = rows.get(connection, tracklet_id)
            rows.change(connection, seq, enrolment.cleaned(changes), next_generation(connection))
            audit.record(connection, actor, "patch", self._store.hashes.tracklet(tracklet_id))
            tracklet = rows.get(connection, tracklet_id)[1]
            if tracklet.camera != before.camera:
                tally.moved(seq, before.camera, tracklet.camera)
            # Inside the transaction: a span that ends before it begins is rolled back.
            enrolment.check_span(tracklet.captured_at, tracklet.captured_until)
        self._keep_up()
        return tracklet

    def erase(self, tracklet_id: str, *, actor: str) -> Receipt:
        try:
            return self._erasures.tracklet(tracklet_id, actor)
        finally:
            self._keep_up()

    def erase_identity(self, identity: str, *, actor: str) -> Receipt:
        try:
            return self._erasures.identity(identity, actor)
        finally:
            self._keep_up()

    def erase_expired(self, days: float, *, actor: str) -> Receipt | None:
        """Erase what was enrolled more than `days` ago; None where there is no such tracklet."""
        before = rows.micros_of(datetime.now(UTC) - timedelta(days=days))
        try:
            return self._erasures.enrolled_before(before, actor)
        except NotFound:
            return None
        finally:
            self._keep_up()

    def finish_erasures(self) -> None:
        """Try once to end what a reader or a kill left open of earlier erasures."""
        self._erasures.finish_open()

    def search(
        self, embedding: NDArray[np.float32], model_id: str, wanted: Search, *, actor: str
    ) -> Ranking:
        self.fill()
        return self._searches.search(embedding, model_id, wanted, actor)

    def identities(self, *, prefix: str, limit: int, cursor: str | None) -> Page[IdentitySummary]:
        return self._listings.identities(prefix, limit, cursor)

    def identity(self, identity: str) -> IdentitySummary:
        with self._store.reading() as connection:
            return identities.summary(connection, identity)

    def path(self, identity: str, *, limit: int, cursor: str | None) -> Page[Tracklet]:
        return self._listings.path(identity, limit, cursor)

    def merge(self, identity: str, into: str, *, actor: str) -> Merge:
        target = clean_name(into, "into")
        if target is None:
            raise InvalidParameter("into must name an identity")
        with self._store.writing() as connection:
            merge = identities.merge(connection, identity, target)
            subject = self._store.hashes.identity(identity)
            details = {"into": self._store.hashes.identity(target).hex(), "moved": merge.moved}
            audit.record(connection, actor, "merge", subject, details)
        self._keep_up()
        return merge

    def undo_merge(self, merge_id: str, *, actor: str) -> Merge:
        with self._store.writing() as connection:
            merge = identities.undo_merge(connection, merge_id)
            audit.record(connection, actor, "undo_merge", None, {"moved": merge.moved})
        self._keep_up()
        return merge

    def cameras(self) -> Sequence[CameraSummary]:
        with self._store.reading() as connection:
            return identities.cameras(connection)

    def stats(self) -> Stats:
        return figures.stats(self._store, self._view.device)

    def vitals(self) -> Vitals:
        """What shows whether the gallery keeps up with itself."""
        return figures.vitals(self._store, self._view.generation, self._reader_log.waiting)

    def audit(self, *, limit: int, cursor: str | None) -> Page[AuditEntry]:
        return self._listings.audit(limit, cursor)

    def verify(self) -> Verification:
        """Compare everything with its checksums and with each other; see `Finding`."""
        self._view.follow(self._store)
        return verify(self._store, self._view)

    def rebuild(self) -> Stats:
        """Mend what can be mended and build the view anew, alone in the gallery.

        Raises `GalleryLocked` where another process has the gallery open.
        """
        try:
            self._lock.own()
            forget(self._store.file.parent)
            mend(self._store)
            self._view.refill(self._store)
            self.refresh()
        finally:
            self._lock.share()
        return self.stats()

    def backup(self, to: Path) -> None:
        """Copy the gallery into the folder `to` while it is in use; see `indexer.backup`."""
        backup.backup(self._store, to)

    @staticmethod
    def restore(source: Path, to: Path) -> None:
        """Put a backup in the place of the gallery in `to`, which nobody may have open."""
        backup.restore(source, to)

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        if self._save_index:
            self._keep_up()
            try:
                self._view.save(self._store)
            except (OSError, StorageFull) as error:  # it is a shortcut, not worth failing for
                _log.warning("the index was not saved: %s", error)
        self._view.close()
        self._store.close()
        self._lock.close()

    def __enter__(self) -> "LocalGallery":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _keep_up(self) -> None:
        """Show a change to the view, unless nobody has asked for it yet."""
        if self._view.is_filled:
            self._view.follow(self._store)


def open_gallery(
    path: Path,
    *,
    model_id: str | None,
    width: int | None,
    create: bool,
    threads: int = 0,
    device: Literal["auto", "cpu", "cuda"] = "cpu",
    keep_pictures: bool = True,
    fill: bool = True,
    save_index: bool = False,
    erase_deadline: float = 5.0,
    camera_normalisation: Literal["auto", "off"] = "off",
    identity_scoring: IdentityScoring = "best",
    rerank_pairs: float = RERANK_PAIRS,
    make_gpu: Callable[[], GpuIndex] | None = None,
) -> LocalGallery:
    """Open the gallery in `path`, or make it where `create` is set and there is none.

    `model_id` None takes the gallery's own; making one needs `model_id` and `width`. `fill` False
    leaves the vectors in the store until the first search. `save_index` leaves a saved index behind
    on `close` and is for the service alone. `erase_deadline` is how many seconds an erasure waits
    for readers and refreshes. `camera_normalisation` "auto" takes from embeddings what is their
    camera's (`indexer.normalisation`). `identity_scoring` says by what identities rank
    (`indexer.ranking`). A search that re-ranks compares at most `rerank_pairs` pairs of vectors to
    complete the neighbour graph; where that is not enough it is refused. `make_gpu` replaces
    FAISS's GPU index.

    Raises `GalleryMissing`, `ModelMismatch`, `GalleryLocked` (a restore or rebuild is at work),
    `GalleryCorrupt`, `DeviceUnavailable`, `StorageFull`.
    """
    if create and not (path / FILE).exists():
        if model_id is None or width is None:
            raise GalleryMissing(f"there is no gallery in {path}, and no model to make one for")
        make_private(path)
    elif not (path / FILE).exists():
        raise GalleryMissing(
            f"there is no gallery in {path}: `sightline index` and `sightline serve` make one"
        )
    with ExitStack() as undo:
        lock = undo.enter_context(ProcessLock(path / LOCK_FILE))
        lock.share()
        backup.remove_unfinished(path)
        if create and model_id is not None and width is not None:
            with_reserve(path, lambda: create_store(path / FILE, model_id, width))
        store = undo.enter_context(closing(with_reserve(path, lambda: Store(path / FILE))))
        if model_id not in (None, store.model_id) or width not in (None, store.width):
            raise ModelMismatch(
                f"the gallery in {path} holds {store.width}-d embeddings of model "
                f"{store.model_id}, not {width or store.width}-d ones of {model_id}"
            )
        keep_reserve(path)
        view = View(
            lambda: open_vectors(store.width, device, threads, make_gpu),
            Normalisation.none(store.width),
        )
        undo.callback(view.close)
        gallery = LocalGallery(
            store,
            view,
            lock,
            normalise=camera_normalisation == "auto",
            identity_scoring=identity_scoring,
            rerank_pairs=rerank_pairs,
            keep_pictures=keep_pictures,
            save_index=save_index,
            erase_deadline=erase_deadline,
        )
        gallery.finish_erasures()
        if fill:
            gallery.fill()
        undo.pop_all()
    return gallery
