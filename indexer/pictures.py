"""The kept JPEGs of the sampled frames, so that people can look and a new model can re-embed.

Why a table and not files is measured in `indexer.schema`.
"""

import sqlite3
import zlib
from collections.abc import Sequence


def insert(connection: sqlite3.Connection, seq: int, pictures: Sequence[bytes]) -> None:
    """Keep the pictures of tracklet number `seq`, in the order of its sampled frames."""
    connection.executemany(
        "INSERT INTO pictures (seq, place, jpeg, crc, seal)"
        " VALUES (?1, ?2, ?3, ?4, seal(?1, ?2, ?4))",
        ((seq, place, jpeg, zlib.crc32(jpeg)) for place, jpeg in enumerate(pictures)),
    )


def read(connection: sqlite3.Connection, seq: int, place: int) -> bytes | None:
    """The picture of the `place`-th sampled frame."""
    row = connection.execute(
        "SELECT jpeg FROM pictures WHERE seq = ? AND place = ?", (seq, place)
    ).fetchone()
    return None if row is None else bytes(row[0])


def read_all(connection: sqlite3.Connection, seq: int) -> list[bytes]:
    rows = connection.execute("SELECT jpeg FROM pictures WHERE seq = ? ORDER BY place", (seq,))
    return [bytes(row[0]) for row in rows]
