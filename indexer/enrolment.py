"""What may enter a gallery, and how it is written."""

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from indexer import audit, pictures, rows, seals
from indexer.camera_statistics import Tally, tallying
from indexer.hashing import uuid7
from indexer.records import Enrolled, NewTracklet, Tracklet, TrackletPatch, Unchanged
from indexer.store import Store, next_generation
from model.errors import (
    InvalidParameter,
    ModelMismatch,
    ModelOutputInvalid,
    TrackletErased,
    TrackletExists,
)
from model.names import clean_name, clean_tracklet_id

UNIT_TOLERANCE = 1e-2


def check_model(store: Store, model_id: str) -> None:
    """Raises `ModelMismatch`: scores between two models mean nothing."""
    if model_id != store.model_id:
        raise ModelMismatch(
            f"this gallery holds embeddings of model {store.model_id}, not of {model_id}"
        )


def unit(store: Store, embedding: NDArray[np.float32]) -> NDArray[np.float32]:
    """The embedding [D] with its length rounded off to 1. Raises `ModelOutputInvalid`."""
    if embedding.shape != (store.width,):
        raise ModelOutputInvalid(f"an embedding has {store.width} components here")
    length = float(np.linalg.norm(embedding.astype(np.float64)))
    if not np.isfinite(length) or abs(length - 1) > UNIT_TOLERANCE:
        raise ModelOutputInvalid("an embedding must be finite and of unit length")
    return (embedding / length).astype(np.float32)


def checked(store: Store, new: NewTracklet) -> NewTracklet:
    """The tracklet as it will be written, with an id.

    Raises `ModelMismatch`, `ModelOutputInvalid` and `InvalidParameter`.
    """
    check_model(store, new.model_id)
    if len(new.sampled) != len(new.temporal_attention):
        raise ModelOutputInvalid("attention and sampled frames differ in number")
    return replace(
        new,
        tracklet_id=uuid7() if new.tracklet_id is None else clean_tracklet_id(new.tracklet_id),
        embedding=unit(store, new.embedding),
        identity=clean_name(new.identity, "identity"),
        camera=clean_name(new.camera, "camera"),
    )


def cleaned(changes: TrackletPatch) -> TrackletPatch:
    """The patch with its names as they will be written. Raises `InvalidParameter`."""
    named = {
        field: value if isinstance(value, Unchanged) else clean_name(value, field)
        for field, value in (("identity", changes.identity), ("camera", changes.camera))
    }
    return replace(changes, identity=named["identity"], camera=named["camera"])


def check_span(start: datetime | None, end: datetime | None) -> None:
    """Raises `InvalidParameter` where a tracklet would end before it begins."""
    if start is not None and end is not None and end < start:
        raise InvalidParameter("captured_until lies before captured_at")


def write(
    store: Store, news: Sequence[NewTracklet], actor: str, include_erased: bool
) -> list[Enrolled]:
    """Commit checked tracklets with vectors, pictures and audit entries, all or nothing.

    Raises `TrackletExists`, `TrackletErased`, `StorageFull`.
    """
    with store.writing() as connection, tallying(connection) as tally:
        return [_write_one(connection, store, new, actor, include_erased, tally) for new in news]


def _write_one(
    connection: sqlite3.Connection,
    store: Store,
    new: NewTracklet,
    actor: str,
    include_erased: bool,
    tally: Tally,
) -> Enrolled:
    tracklet_id = str(new.tracklet_id)
    there = same(connection, tracklet_id, new.content_sha256)
    if there is not None:
        return Enrolled(there, created=False)
    subject = store.hashes.tracklet(tracklet_id)
    _lift_tombstone(connection, subject, include_erased)
    seq = rows.insert(connection, new, next_generation(connection))
    tally.enrolled(new.camera, rows.to_stored(new.embedding))
    pictures.insert(connection, seq, new.pictures)
    seals.renew(connection, "tracklets", "seq = ?", seq)
    audit.record(connection, actor, "enrol", subject)
    return Enrolled(rows.fetch(connection, [seq])[seq], created=True)


def same(
    connection: sqlite3.Connection, tracklet_id: str, content_sha256: bytes
) -> Tracklet | None:
    """The tracklet with this id and content. Raises `TrackletExists` for other content."""
    content = rows.content_of(connection, tracklet_id)
    if content is None:
        return None
    if content != content_sha256:
        raise TrackletExists("this tracklet_id was enrolled with other content")
    return rows.get(connection, tracklet_id)[1]


def has_tombstone(connection: sqlite3.Connection, subject: bytes) -> bool:
    row = connection.execute("SELECT 1 FROM tombstones WHERE subject_hash = ?", (subject,))
    return row.fetchone() is not None


def _lift_tombstone(connection: sqlite3.Connection, subject: bytes, include_erased: bool) -> None:
    """An erased id is free again, but for those who ask not to bring erased people back."""
    if not include_erased and has_tombstone(connection, subject):
        raise TrackletErased("this tracklet was erased; a tombstone keeps it out")
    connection.execute("DELETE FROM tombstones WHERE subject_hash = ?", (subject,))
