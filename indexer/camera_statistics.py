"""The sums of each camera's embeddings in the store, changed in the transaction of their tracklet.

There are two sets of them. `now` is true of the rows as they are. `frozen` is what the serving
generation was built with: the tracklets that were there when it was frozen, in the cameras they
then had, without those erased since. So both can be told from the rows at any time, and are never
trusted further than that.

Sums of fewer than `LEAST` tracklets would give a person away and are not kept. A tracklet without a
camera counts nowhere.
"""

import logging
import sqlite3
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, Literal

import numpy as np

from indexer.camera_sums import Sums, joined

_log = logging.getLogger(__name__)

LEAST: Final = 5
"""Tracklets of a camera below which no sums of it are kept."""

Set = Literal["now", "frozen"]
_AT_ONCE: Final = 2048

_ROWS: Final[Mapping[Set, str]] = {
    "now": "SELECT t.seq, t.camera, v.embedding, v.crc FROM tracklets t JOIN vectors v USING (seq)"
    " WHERE t.camera NOT NULL AND t.model_id = (SELECT model_id FROM gallery)",
    "frozen": "SELECT t.seq, iif(m.seq IS NULL, t.camera, m.camera) AS then_camera, v.embedding,"
    " v.crc FROM tracklets t JOIN vectors v USING (seq) LEFT JOIN moved_since_frozen m USING (seq)"
    " WHERE then_camera NOT NULL AND t.seq <= (SELECT last_seq FROM frozen)"
    " AND t.model_id = (SELECT model_id FROM gallery)",
}
_TABLES: Final[Mapping[Set, str]] = {"now": "camera_sums", "frozen": "frozen_sums"}


def read(connection: sqlite3.Connection, which: Set) -> dict[str, Sums]:
    """By camera, of the gallery's model. Damaged ones are left out; `recount` mends them."""
    rows = connection.execute(
        f"SELECT camera, count, total, squares, crc FROM {_TABLES[which]}"  # noqa: S608 (literals)
        " WHERE model_id = (SELECT model_id FROM gallery) ORDER BY camera"
    )
    found = {row[0]: _checked(row[1:]) for row in rows}
    return {camera: sums for camera, sums in found.items() if sums is not None}


def frozen_at(connection: sqlite3.Connection) -> int:
    """The generation of the store at which the sums were frozen; 0 where they never were."""
    row = connection.execute("SELECT generation FROM frozen").fetchone()
    return int(row[0])


def freeze(connection: sqlite3.Connection, generation: int) -> None:
    """Make the sums of now the frozen ones, inside the caller's transaction."""
    connection.execute("DELETE FROM frozen_sums")
    connection.execute("INSERT INTO frozen_sums SELECT * FROM camera_sums")
    connection.execute("DELETE FROM moved_since_frozen")
    connection.execute(
        "UPDATE frozen SET generation = ?,"
        " last_seq = coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'tracklets'), 0)",
        (generation,),
    )


def counted(connection: sqlite3.Connection, which: Set) -> dict[str, Sums]:
    """What the rows themselves give, by camera: what `read` has to agree with.

    Reads every vector. Damaged ones do not count.
    """
    found: dict[str, Sums] = {}
    width = _width(connection)
    rows = connection.execute(_ROWS[which])
    while part := rows.fetchmany(_AT_ONCE):
        for camera in {row[1] for row in part}:
            here = _sums([row[2:] for row in part if row[1] == camera], width)
            found[camera] = found[camera] + here if camera in found else here
    return {camera: sums for camera, sums in found.items() if sums.count >= LEAST}


def recount(connection: sqlite3.Connection) -> None:
    """Write both sets anew from the rows, inside the caller's transaction."""
    for which in _TABLES:
        sums = counted(connection, which)
        connection.execute(f"DELETE FROM {_TABLES[which]}")  # noqa: S608 (literals)
        for camera, one in sums.items():
            _insert(connection, which, camera, one)


@contextmanager
def tallying(connection: sqlite3.Connection) -> Iterator["Tally"]:
    """What a transaction does to the sums, written once per camera when the block has ended."""
    tally = Tally(connection)
    yield tally
    tally.write()


class Tally:
    """Changes of one transaction; see `tallying`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._width = _width(connection)
        (self._last_seq,) = connection.execute("SELECT last_seq FROM frozen").fetchone()
        self._changes: dict[Set, dict[str, Sums]] = {"now": {}, "frozen": {}}
        self._doubtful: dict[Set, set[str]] = {"now": set(), "frozen": set()}

    def enrolled(self, camera: str | None, vector: bytes) -> None:
        """A tracklet has come in with this stored vector."""
        self._add("now", camera, Sums.of(joined([vector], self._width)))

    def moved(self, seq: int, old: str | None, new: str | None) -> None:
        """A tracklet has gone from one camera to another."""
        sums = self._stored(seq)
        self._add("now", old, None if sums is None else -sums)
        self._add("now", new, sums)
        self._connection.execute(
            "INSERT OR IGNORE INTO moved_since_frozen SELECT ?1, ?2 WHERE ?1 <= ?3",
            (seq, old, self._last_seq),
        )

    def erased(self, seq: int) -> None:
        """A tracklet is about to go; its row must still be there."""
        row = self._connection.execute(
            "SELECT t.camera, iif(m.seq IS NULL, t.camera, m.camera) FROM tracklets t"
            " LEFT JOIN moved_since_frozen m USING (seq) WHERE t.seq = ?",
            (seq,),
        ).fetchone()
        sums = self._stored(seq)
        self._add("now", row[0], None if sums is None else -sums)
        if seq <= self._last_seq:
            self._add("frozen", row[1], None if sums is None else -sums)

    def write(self) -> None:
        """Bring the tables up to what has been told."""
        for which in _TABLES:
            for camera in self._changes[which].keys() | self._doubtful[which]:
                self._write_one(which, camera)

    def _add(self, which: Set, camera: str | None, sums: Sums | None) -> None:
        """None for a vector that cannot be read: then only a new count helps."""
        if camera is None:
            return
        if sums is None:
            self._doubtful[which].add(camera)
            return
        changes = self._changes[which]
        changes[camera] = changes[camera] + sums if camera in changes else sums

    def _stored(self, seq: int) -> Sums | None:
        row = self._connection.execute(
            "SELECT embedding, crc FROM vectors WHERE seq = ?", (seq,)
        ).fetchone()
        if row is None:
            return None
        sums = _sums([row], self._width)
        return sums if sums.count else None

    def _write_one(self, which: Set, camera: str) -> None:
        row = self._connection.execute(
            f"SELECT count, total, squares, crc FROM {_TABLES[which]}"  # noqa: S608 (literals)
            " WHERE camera = ? AND model_id = (SELECT model_id FROM gallery)",
            (camera,),
        ).fetchone()
        if row is None and which == "frozen" and camera not in self._doubtful[which]:
            return
        there = None if row is None or camera in self._doubtful[which] else _checked(row)
        if there is None:
            sums = self._count_one(which, camera)
        else:
            sums = there + self._changes[which][camera]
        self._connection.execute(
            f"DELETE FROM {_TABLES[which]} WHERE camera = ?"  # noqa: S608 (literals)
            " AND model_id = (SELECT model_id FROM gallery)",
            (camera,),
        )
        if sums.count >= LEAST:
            _insert(self._connection, which, camera, sums)

    def _count_one(self, which: Set, camera: str) -> Sums:
        """What the rows of one camera give; nothing where there are too few of them."""
        column = "t.camera" if which == "now" else "then_camera"
        rows = self._connection.execute(f"{_ROWS[which]} AND {column} = ?", (camera,))
        sums, few = Sums.empty(self._width), rows.fetchmany(_AT_ONCE)
        while few:
            sums = sums + _sums([row[2:] for row in few], self._width)
            few = rows.fetchmany(_AT_ONCE)
        return sums


def _sums(rows: Sequence[tuple[bytes, int]], width: int) -> Sums:
    """Of the vectors that are what was written: (bytes, checksum)."""
    good = [row[0] for row in rows if len(row[0]) == 2 * width and zlib.crc32(row[0]) == row[1]]
    vectors = joined(good, width)
    return Sums.of(vectors[np.isfinite(vectors).all(axis=1)])


def _insert(connection: sqlite3.Connection, which: Set, camera: str, sums: Sums) -> None:
    connection.execute(
        f"INSERT INTO {_TABLES[which]} (camera, model_id, count, total, squares, crc)"  # noqa: S608
        " VALUES (?, (SELECT model_id FROM gallery), ?, ?, ?, ?)",
        (camera, *sums.to_bytes(), _checksum(*sums.to_bytes())),
    )


def _checked(row: Sequence[Any]) -> Sums | None:
    """From count, total, squares and their checksum; None where they are damaged."""
    if _checksum(*row[:3]) != row[3]:
        _log.error("damaged statistics of a camera are left out")
        return None
    return Sums.from_bytes(*row[:3])


def _checksum(count: int, total: bytes, squares: bytes) -> int:
    return zlib.crc32(squares, zlib.crc32(total, count & 0xFFFFFFFF))


def _width(connection: sqlite3.Connection) -> int:
    (width,) = connection.execute("SELECT width FROM gallery").fetchone()
    return int(width)
