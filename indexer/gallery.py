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
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from indexer import audit, backup, enrolment, figures, identities, pictures, rows
from indexer.erasure import Erasures
from indexer.keys import GalleryKeys
from indexer.lock import LOCK_FILE, ProcessLock
from indexer.records import (
    AuditEntry,
    CameraSummary,
    Enrolled,
    Filter,
    Hit,
    IdentitySummary,
    Merge,
    NewTracklet,
    Page,
    RankedIdentity,
    Ranking,
    Receipt,
    Search,
    Stats,
    Tracklet,
    TrackletPatch,
    Verification,
    Vitals,
)
from indexer.room import keep_reserve, with_reserve
from indexer.saved import forget
from indexer.store import FILE, Store, create_store, make_private, next_generation
from indexer.vectors import GpuIndex, Vectors, open_vectors
from indexer.verification import mend, verify
from indexer.view import Found, View
from model.errors import (
    GalleryMissing,
    InvalidParameter,
    ModelMismatch,
    NotFound,
    RerankUnavailable,
    StorageFull,
)
from model.names import clean_name

_log = logging.getLogger(__name__)

# Rows that change while a search looks at them are looked up anew, then left out.
_SEARCH_ATTEMPTS = 3


class LocalGallery:
    """A gallery of one folder. Safe from any thread; other processes may use the folder too."""

    def __init__(
        self,
        store: Store,
        vectors: Vectors,
        lock: ProcessLock,
        *,
        keep_pictures: bool,
        save_index: bool,
        erase_deadline: float,
    ) -> None:
        """Built by `open_gallery`, which owns the decisions."""
        self._store = store
        self._lock = lock
        self._view = View(vectors)
        self._erasures = Erasures(store, erase_deadline)
        self._reader_log = audit.ReaderLog(store)
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
        self._view.fill(self._store)

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
        after = self._position("tracklets", cursor) or [0]
        where = rows.condition(wanted)
        # The condition holds placeholders only; see `rows.condition`.
        statement = rows.SELECT + f"WHERE seq > ? AND {where.sql} ORDER BY seq LIMIT ?"
        with self._store.reading() as connection:
            found = connection.execute(statement, (*after, *where.values, limit + 1)).fetchall()
        items = tuple(rows.to_tracklet(row) for row in found[:limit])
        more = len(found) > limit
        return Page(items, self._cursor("tracklets", [found[limit - 1][0]] if more else None))

    def patch(self, tracklet_id: str, changes: TrackletPatch, *, actor: str) -> Tracklet:
        with self._store.writing() as connection:
            seq, _ = rows.get(connection, tracklet_id)
            rows.change(connection, seq, enrolment.cleaned(changes), next_generation(connection))
            audit.record(connection, actor, "patch", self._store.hashes.tracklet(tracklet_id))
            tracklet = rows.get(connection, tracklet_id)[1]
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
        enrolment.check_model(self._store, model_id)
        if wanted.rerank:
            raise RerankUnavailable("this gallery has no neighbour graph to re-rank with")
        query = enrolment.unit(self._store, embedding)
        left_out = wanted.filter.exclude_tracklet
        for _ in range(_SEARCH_ATTEMPTS):
            self._view.follow(self._store)
            found, searched = self._view.search(query, wanted, self._number(left_out))
            ranked, fresh = self._read(found, wanted.filter)
            if fresh:
                break
        self._reader_log.record(
            actor,
            "search",
            None if left_out is None else self._store.hashes.tracklet(left_out),
            {"top_k": wanted.top_k, "searched": searched, "found": len(ranked)},
        )
        tracklets, labelled = self._view.counts()
        return Ranking(
            identities=ranked,
            searched=searched,
            exact=True,
            tracklets=tracklets,
            labelled_identities=labelled,
        )

    def identities(self, *, prefix: str, limit: int, cursor: str | None) -> Page[IdentitySummary]:
        (after,) = self._position("identities", cursor) or [""]
        with self._store.reading() as connection:
            found = identities.summaries(connection, prefix, after, limit + 1)
        more = len(found) > limit
        last = [found[limit - 1].identity] if more else None
        return Page(tuple(found[:limit]), self._cursor("identities", last))

    def identity(self, identity: str) -> IdentitySummary:
        with self._store.reading() as connection:
            return identities.summary(connection, identity)

    def path(self, identity: str, *, limit: int, cursor: str | None) -> Page[Tracklet]:
        after = self._position("path", cursor)
        with self._store.reading() as connection:
            found = identities.path(connection, identity, after, limit + 1)
        last = found[limit - 1][0] if len(found) > limit else None
        return Page(tuple(item for _, item in found[:limit]), self._cursor("path", last))

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
        (before,) = self._position("audit", cursor) or [None]
        with self._store.reading() as connection:
            found = audit.newest(connection, limit + 1, before)
        last = [found[limit - 1].entry] if len(found) > limit else None
        return Page(found[:limit], self._cursor("audit", last))

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

    def _number(self, tracklet_id: str | None) -> int | None:
        if tracklet_id is None:
            return None
        with self._store.reading() as connection:
            found = rows.find(connection, tracklet_id)
        return None if found is None else found[0]

    def _read(
        self, found: builtins.list[Found], wanted: Filter
    ) -> tuple[tuple[RankedIdentity, ...], bool]:
        """The found rows as they are now, and whether all are as the view took them to be."""
        with self._store.reading() as connection:
            there = rows.fetch(connection, [seq for place in found for seq, _ in place.hits])
        ranked: builtins.list[RankedIdentity] = []
        fresh = True
        for place in found:
            hits = tuple(
                Hit(there[seq], score)
                for seq, score in place.hits
                if seq in there
                and there[seq].identity == place.identity
                and rows.passes(there[seq], wanted)
            )
            fresh = fresh and len(hits) == len(place.hits)
            if hits:
                rank = len(ranked) + 1
                ranked.append(RankedIdentity(rank, place.identity, hits[0].score, hits))
        return tuple(ranked), fresh

    def _position(self, listing: str, cursor: str | None) -> builtins.list[Any] | None:
        return None if cursor is None else self._store.hashes.read_cursor(listing, cursor)

    def _cursor(self, listing: str, position: builtins.list[Any] | None) -> str | None:
        return None if position is None else self._store.hashes.write_cursor(listing, position)


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
    make_gpu: Callable[[], GpuIndex] | None = None,
) -> LocalGallery:
    """Open the gallery in `path`, or make it where `create` is set and there is none.

    `model_id` None takes the gallery's own; making one needs `model_id` and `width`. `fill` False
    leaves the vectors in the store until the first search. `save_index` leaves a saved index behind
    on `close` and is for the service alone. `erase_deadline` is how many seconds an erasure waits
    for readers. `make_gpu` replaces FAISS's GPU index.

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
        vectors = undo.enter_context(closing(open_vectors(store.width, device, threads, make_gpu)))
        gallery = LocalGallery(
            store,
            vectors,
            lock,
            keep_pictures=keep_pictures,
            save_index=save_index,
            erase_deadline=erase_deadline,
        )
        gallery.finish_erasures()
        if fill:
            gallery.fill()
        undo.pop_all()
    return gallery
