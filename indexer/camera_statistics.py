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
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, Final, Literal

import numpy as np

from indexer import seals
from indexer.camera_sums import Sums, joined

_log = logging.getLogger(__name__)

LEAST: Final = 5
"""Tracklets of a camera below which no sums of it are kept."""

Set = Literal["now", "frozen"]
_AT_ONCE: Final = 2048

ROWS: Final[Mapping[Set, str]] = {
    "now": "SELECT t.seq, t.camera, v.embedding, v.crc FROM tracklets t JOIN vectors v USING (seq)"
    " WHERE t.camera NOT NULL AND t.model_id = (SELECT model_id FROM gallery)",
    "frozen": "SELECT t.seq, iif(m.seq IS NULL, t.camera, m.camera) AS then_camera, v.embedding,"
    " v.crc FROM tracklets t JOIN vectors v USING (seq) LEFT JOIN moved_since_frozen m USING (seq)"
    " WHERE then_camera NOT NULL AND t.seq <= (SELECT last_seq FROM frozen)"
    " AND t.model_id = (SELECT model_id FROM gallery)",
}
"""Number, camera, vector and checksum of what each set counts; conditions on `t` may follow."""

_TABLES: Final[Mapping[Set, str]] = {"now": "camera_sums", "frozen": "frozen_sums"}
_SELECT: Final[Mapping[Set, str]] = {
    which: f"SELECT camera, count, total, squares, model_id, seal FROM {table}"  # noqa: S608
    " WHERE model_id = (SELECT model_id FROM gallery)"
    for which, table in _TABLES.items()
}


def read(connection: sqlite3.Connection, which: Set) -> dict[str, Sums]:
    """By camera, of the gallery's model. Damaged ones are left out; `recount` mends them."""
    rows = connection.execute(_SELECT[which] + " ORDER BY camera")
    found = {row[0]: _intact(row) for row in rows}
    return {camera: sums for camera, sums in found.items() if sums is not None}


def frozen_at(connection: sqlite3.Connection) -> int:
    """The generation of the store at which the sums were frozen; 0 where none are."""
    row = connection.execute("SELECT generation FROM frozen").fetchone()
    return int(row[0])


def freeze(connection: sqlite3.Connection, generation: int) -> None:
    """Make the sums of now the frozen ones, inside the caller's transaction."""
    (last,) = connection.execute(
        "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'tracklets'"
    ).fetchone()
    _thaw(connection, generation, last)
    connection.execute("INSERT INTO frozen_sums SELECT * FROM camera_sums")


def _thaw(connection: sqlite3.Connection, generation: int, last_seq: int) -> None:
    connection.execute("DELETE FROM frozen_sums")
    connection.execute("DELETE FROM moved_since_frozen")
    connection.execute("UPDATE frozen SET generation = ?, last_seq = ?", (generation, last_seq))
    seals.renew(connection, "frozen", "one = 1")


def gathered(rows: Iterable[tuple[Any, ...]], width: int) -> dict[str, Sums]:
    """The sums of each camera from rows as `ROWS` has them: what `read` has to agree with.

    Damaged vectors do not count.
    """
    found: dict[str, Sums] = {}
    rows = iter(rows)
    while part := list(islice(rows, _AT_ONCE)):
        for camera in {row[1] for row in part}:
            here = _sums([row[2:] for row in part if row[1] == camera], width)
            found[camera] = found[camera] + here if camera in found else here
    return {camera: sums for camera, sums in found.items() if sums.count >= LEAST}


def recount(connection: sqlite3.Connection) -> None:
    """Write the sums anew from the rows, inside the caller's transaction.

    Frozen sums that cannot be told any more are given up, until they are frozen anew.
    """
    width = _width(connection)
    sums = gathered(connection.execute(ROWS["now"]), width)
    connection.execute("DELETE FROM camera_sums")
    for camera, one in sums.items():
        _insert(connection, "now", camera, one)
    if unsound(connection) or not same(
        read(connection, "frozen"), gathered(connection.execute(ROWS["frozen"]), width)
    ):
        _thaw(connection, 0, 0)


def unsound(connection: sqlite3.Connection) -> bool:
    """Whether what says which rows are counted as frozen is damaged itself."""
    return any(
        connection.execute(seals.broken(table, "1")).fetchone()
        for table in ("frozen", "moved_since_frozen")
    )


def same(one: Mapping[str, Sums], other: Mapping[str, Sums]) -> bool:
    """Whether two sets are equal bit for bit."""
    return one.keys() == other.keys() and all(
        one[camera].to_bytes() == other[camera].to_bytes() for camera in one
    )


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
            "INSERT OR IGNORE INTO moved_since_frozen"
            " SELECT ?1, ?2, seal(?1, CAST(?2 AS BLOB)) WHERE ?1 <= ?3",
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
        row = self._connection.execute(_SELECT[which] + " AND camera = ?", (camera,)).fetchone()
        if row is None and which == "frozen" and camera not in self._doubtful[which]:
            return
        there = None if row is None or camera in self._doubtful[which] else _intact(row)
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
        rows = self._connection.execute(f"{ROWS[which]} AND {column} = ?", (camera,))
        empty = Sums.empty(self._width)
        return gathered(rows, self._width).get(camera, empty)


def _sums(rows: Sequence[tuple[bytes, int]], width: int) -> Sums:
    """Of the vectors that are what was written: (bytes, checksum)."""
    good = [row[0] for row in rows if len(row[0]) == 2 * width and zlib.crc32(row[0]) == row[1]]
    vectors = joined(good, width)
    return Sums.of(vectors[np.isfinite(vectors).all(axis=1)])


def _insert(connection: sqlite3.Connection, which: Set, camera: str, sums: Sums) -> None:
    table = _TABLES[which]
    connection.execute(
        f"INSERT INTO {table} (camera, model_id, count, total, squares)"  # noqa: S608 (literals)
        " VALUES (?, (SELECT model_id FROM gallery), ?, ?, ?)",
        (camera, *sums.to_bytes()),
    )
    seals.renew(connection, table, "camera = ?", camera)


def _intact(row: Sequence[Any]) -> Sums | None:
    """From a row of `_SELECT`; None where it is damaged."""
    camera, count, total, squares, model_id, seal = row
    if seals.seal(camera.encode(), model_id.encode(), count, total, squares) != seal:
        _log.error("damaged statistics of a camera are left out")
        return None
    return Sums.from_bytes(count, total, squares)


def _width(connection: sqlite3.Connection) -> int:
    (width,) = connection.execute("SELECT width FROM gallery").fetchone()
    return int(width)
