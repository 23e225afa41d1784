"""Tracklets as rows: what is written, what is read back, and filters as SQL."""

import json
import sqlite3
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer import seals
from indexer.records import Filter, NewTracklet, Tracklet, TrackletPatch, Unchanged
from model.errors import NotFound

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

SELECT = (
    "SELECT seq, tracklet_id, identity, camera, captured_at, captured_until, attributes, received,"
    " sampled, attention, model_id, created_at, pictures FROM tracklets "
)
"""The columns that `to_tracklet` reads; a WHERE clause follows."""


def micros_of(time: datetime) -> int:
    """Microseconds since 1970, exactly; a naive time is a programming error."""
    return (time - _EPOCH) // _MICROSECOND


def time_of(micros: int) -> datetime:
    return _EPOCH + timedelta(microseconds=micros)


def now_micros() -> int:
    return micros_of(datetime.now(UTC))


def to_micros(time: datetime | None) -> int | None:
    return None if time is None else micros_of(time)


def from_micros(micros: int | None) -> datetime | None:
    return None if micros is None else time_of(micros)


def to_json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def insert(connection: sqlite3.Connection, new: NewTracklet, generation: int) -> int:
    """Write row and vector of a tracklet whose id and vector have been checked; its number."""
    row = connection.execute(
        "INSERT INTO tracklets (tracklet_id, content_sha256, model_id, identity, camera,"
        " captured_at, captured_until, attributes, received, sampled, attention, pictures,"
        " created_at, generation) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING seq",
        (
            new.tracklet_id,
            new.content_sha256,
            new.model_id,
            new.identity,
            new.camera,
            to_micros(new.captured_at),
            to_micros(new.captured_until),
            to_json(new.attributes),
            new.received,
            np.asarray(new.sampled, dtype="<i4").tobytes(),
            np.asarray(new.temporal_attention, dtype="<f4").tobytes(),
            len(new.pictures),
            now_micros(),
            generation,
        ),
    ).fetchone()
    vector = to_stored(new.embedding)
    connection.execute(
        "INSERT INTO vectors (seq, embedding, crc) VALUES (?, ?, ?)",
        (row[0], vector, zlib.crc32(vector)),
    )
    return int(row[0])


def to_stored(embedding: NDArray[np.float32]) -> bytes:
    """float16 little-endian: the same bits in the store and in every view of it."""
    return embedding.astype("<f2").tobytes()


def from_stored(vector: bytes) -> NDArray[np.float32]:
    return np.frombuffer(vector, dtype="<f2").astype(np.float32)


def to_tracklet(row: Sequence[Any]) -> Tracklet:
    """From a row of `SELECT`."""
    return Tracklet(
        tracklet_id=row[1],
        identity=row[2],
        camera=row[3],
        captured_at=from_micros(row[4]),
        captured_until=from_micros(row[5]),
        attributes=json.loads(row[6]),
        received=row[7],
        sampled=tuple(np.frombuffer(row[8], dtype="<i4").tolist()),
        temporal_attention=tuple(np.frombuffer(row[9], dtype="<f4").tolist()),
        model_id=row[10],
        created_at=time_of(row[11]),
        pictures=row[12],
    )


def find(connection: sqlite3.Connection, tracklet_id: str) -> tuple[int, Tracklet] | None:
    """A tracklet and its number."""
    row = connection.execute(SELECT + "WHERE tracklet_id = ?", (tracklet_id,)).fetchone()
    return None if row is None else (int(row[0]), to_tracklet(row))


def get(connection: sqlite3.Connection, tracklet_id: str) -> tuple[int, Tracklet]:
    """As `find`. Raises `NotFound`."""
    found = find(connection, tracklet_id)
    if found is None:
        raise NotFound("there is no such tracklet")
    return found


def content_of(connection: sqlite3.Connection, tracklet_id: str) -> bytes | None:
    """The content hash under which this id stands."""
    row = connection.execute(
        "SELECT content_sha256 FROM tracklets WHERE tracklet_id = ?", (tracklet_id,)
    ).fetchone()
    return None if row is None else bytes(row[0])


def fetch(connection: sqlite3.Connection, numbers: Iterable[int]) -> dict[int, Tracklet]:
    """Those of the tracklets that are still there, by number."""
    among = SELECT + "WHERE seq IN (SELECT value FROM json_each(?))"  # noqa: S608 (a constant)
    rows = connection.execute(among, (json.dumps(list(numbers)),))
    return {row[0]: to_tracklet(row) for row in rows}


def change(
    connection: sqlite3.Connection, seq: int, changes: TrackletPatch, generation: int
) -> None:
    """Write what the patch names; a relabelled tracklet no longer belongs to its merges."""
    values: dict[str, Any] = {}
    for name in ("identity", "camera"):
        if not isinstance(value := getattr(changes, name), Unchanged):
            values[name] = value
    for name in ("captured_at", "captured_until"):
        if not isinstance(value := getattr(changes, name), Unchanged):
            values[name] = to_micros(value)
    if not isinstance(changes.attributes, Unchanged):
        values["attributes"] = to_json(changes.attributes or {})
    values["generation"] = generation
    assignments = ", ".join(f"{name} = :{name}" for name in values)
    # The names are the literals above; nothing of the caller's becomes SQL.
    statement = f"UPDATE tracklets SET {assignments} WHERE seq = :seq"  # noqa: S608
    connection.execute(statement, {**values, "seq": seq})
    seals.renew(connection, "tracklets", "seq = ?", seq)
    if "identity" in values:
        connection.execute("DELETE FROM merged WHERE seq = ?", (seq,))


@dataclass(frozen=True)
class Condition:
    """A WHERE clause and its values."""

    sql: str
    values: tuple[Any, ...]


def condition(wanted: Filter) -> Condition:
    """The filter as SQL over `tracklets`; NULL fails a comparison, as an absent field should."""
    parts: list[tuple[str, tuple[Any, ...]]] = [("1", ())]
    if wanted.cameras:
        parts.append((f"camera IN ({_marks(wanted.cameras)})", tuple(wanted.cameras)))
    if wanted.exclude_cameras:
        marks = _marks(wanted.exclude_cameras)
        parts.append(
            (f"(camera IS NULL OR camera NOT IN ({marks}))", tuple(wanted.exclude_cameras))
        )
    if wanted.identity is not None:
        parts.append(("identity = ?", (wanted.identity,)))
    if wanted.captured_after is not None:
        parts.append(("captured_at >= ?", (micros_of(wanted.captured_after),)))
    if wanted.captured_before is not None:
        parts.append(("captured_at < ?", (micros_of(wanted.captured_before),)))
    if wanted.exclude_tracklet is not None:
        parts.append(("tracklet_id <> ?", (wanted.exclude_tracklet,)))
    return Condition(
        " AND ".join(sql for sql, _ in parts), tuple(value for _, some in parts for value in some)
    )


def passes(tracklet: Tracklet, wanted: Filter) -> bool:
    """The same filter on a tracklet in hand."""
    time = tracklet.captured_at
    if wanted.cameras and tracklet.camera not in wanted.cameras:
        return False
    if tracklet.camera is not None and tracklet.camera in wanted.exclude_cameras:
        return False
    if wanted.identity is not None and tracklet.identity != wanted.identity:
        return False
    if wanted.captured_after is not None and (time is None or time < wanted.captured_after):
        return False
    if wanted.captured_before is not None and (time is None or time >= wanted.captured_before):
        return False
    return tracklet.tracklet_id != wanted.exclude_tracklet


def _marks(values: Iterable[str]) -> str:
    return ", ".join("?" for _ in values)
