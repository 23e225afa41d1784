"""Identities and cameras as the store knows them: summaries, paths, merges and their undoing."""

import json
import sqlite3
from typing import Any

from indexer import seals
from indexer.hashing import uuid7
from indexer.records import CameraSummary, IdentitySummary, Merge, Tracklet
from indexer.rows import SELECT, from_micros, now_micros, to_tracklet
from indexer.store import next_generation
from model.errors import InvalidParameter, NotFound

_SUMMARY = (
    "SELECT identity, count(*), json_group_array(DISTINCT camera) FILTER (WHERE camera NOT NULL),"
    " min(captured_at), max(coalesce(captured_until, captured_at)) FROM tracklets "
)
_LAST_CHARACTER = "\U0010ffff"


def summaries(
    connection: sqlite3.Connection, prefix: str, after: str, limit: int
) -> list[IdentitySummary]:
    """Identities that begin with `prefix` and come after `after`, in the order of their names."""
    rows = connection.execute(
        _SUMMARY + "WHERE identity >= ?1 AND identity <= ?2 AND identity > ?3"
        " GROUP BY identity ORDER BY identity LIMIT ?4",
        (prefix, prefix + _LAST_CHARACTER * 128, after, limit),
    )
    return [_to_summary(row) for row in rows]


def summary(connection: sqlite3.Connection, identity: str) -> IdentitySummary:
    """Raises `NotFound`."""
    row = connection.execute(
        _SUMMARY + "WHERE identity = ? GROUP BY identity", (identity,)
    ).fetchone()
    if row is None:
        raise NotFound("there is no such identity")
    return _to_summary(row)


def _to_summary(row: tuple[Any, ...]) -> IdentitySummary:
    return IdentitySummary(
        identity=row[0],
        tracklets=row[1],
        cameras=tuple(sorted(json.loads(row[2]))),
        first_seen=from_micros(row[3]),
        last_seen=from_micros(row[4]),
    )


def path(
    connection: sqlite3.Connection, identity: str, after: list[int] | None, limit: int
) -> list[tuple[list[int], Tracklet]]:
    """Tracklets in time order with their places, those without a time last.

    A place is [1 without a time else 0, microseconds, number].
    """
    rows = connection.execute(
        SELECT + "WHERE identity = ? AND (captured_at IS NULL, coalesce(captured_at, 0), seq)"
        " > (?, ?, ?) ORDER BY captured_at IS NULL, captured_at, seq LIMIT ?",
        (identity, *(after or [-1, 0, 0]), limit),
    )
    return [([int(row[4] is None), row[4] or 0, row[0]], to_tracklet(row)) for row in rows]


def cameras(connection: sqlite3.Connection) -> list[CameraSummary]:
    rows = connection.execute(
        "SELECT camera, count(*), min(captured_at), max(coalesce(captured_until, captured_at))"
        " FROM tracklets WHERE camera NOT NULL GROUP BY camera ORDER BY camera"
    )
    return [CameraSummary(row[0], row[1], from_micros(row[2]), from_micros(row[3])) for row in rows]


def merge(connection: sqlite3.Connection, source: str, target: str) -> Merge:
    """Relabel all of `source`, remembering which they were. Raises `NotFound`."""
    if source == target:
        raise InvalidParameter("an identity cannot be merged into itself")
    merge_id = uuid7()
    connection.execute(
        "INSERT INTO merges (merge_id, source, target, merged_at) VALUES (?, ?, ?, ?)",
        (merge_id, source, target, now_micros()),
    )
    seals.renew(connection, "merges", "merge_id = ?", merge_id)
    connection.execute(
        "INSERT INTO merged (merge_id, seq) SELECT ?, seq FROM tracklets WHERE identity = ?",
        (merge_id, source),
    )
    seals.renew(connection, "merged", "merge_id = ?", merge_id)
    change = next_generation(connection)
    moved = connection.execute(
        "UPDATE tracklets SET identity = ?, generation = ? WHERE identity = ?",
        (target, change, source),
    ).rowcount
    if not moved:
        raise NotFound("there is no such identity")
    seals.renew(connection, "tracklets", "generation = ?", change)
    return Merge(merge_id, moved)


def undo_merge(connection: sqlite3.Connection, merge_id: str) -> Merge:
    """Put back what still has the label that this merge gave it. Raises `NotFound`.

    What a later merge moved on stays with that one, until it is undone first.
    """
    row = connection.execute(
        "SELECT source, target FROM merges WHERE merge_id = ?", (merge_id,)
    ).fetchone()
    if row is None:
        raise NotFound("there is no such merge, or nothing is left of it")
    change = next_generation(connection)
    rows = connection.execute(
        "UPDATE tracklets SET identity = ?, generation = ? WHERE identity = ?"
        " AND seq IN (SELECT seq FROM merged WHERE merge_id = ?) RETURNING seq",
        (row[0], change, row[1], merge_id),
    ).fetchall()
    seals.renew(connection, "tracklets", "generation = ?", change)
    connection.executemany(
        "DELETE FROM merged WHERE merge_id = ? AND seq = ?", ((merge_id, seq) for (seq,) in rows)
    )
    connection.execute(
        "DELETE FROM merges WHERE merge_id = ?1"
        " AND NOT EXISTS (SELECT 1 FROM merged WHERE merge_id = ?1)",
        (merge_id,),
    )
    return Merge(merge_id, len(rows))
