"""Checksums over whole rows, so that what was changed behind the gallery's back is found.

A sealed table has a column `seal`: a checksum over everything else in the row that matters. Whoever
writes a row seals it in the same transaction. A tracklet's seal includes the checksum of its
vector, and a picture's its place, so that nothing can be exchanged for something equally whole.

This tells accidents and clumsy hands, not forgers: who may write the file can compute the sums.
"""

import sqlite3
import struct
import zlib
from typing import Final

SEALED: Final = {
    "gallery": "seal(one, CAST(model_id AS BLOB), width, generation, hash_key, created_at)",
    "tracklets": "seal(seq, CAST(tracklet_id AS BLOB), content_sha256, CAST(model_id AS BLOB),"
    " CAST(identity AS BLOB), CAST(camera AS BLOB), captured_at, captured_until,"
    " CAST(attributes AS BLOB), received, sampled, attention, pictures, created_at, generation,"
    " (SELECT crc FROM vectors WHERE vectors.seq = tracklets.seq))",
    "pictures": "seal(seq, place, crc)",
    "removals": "seal(generation, seq)",
    "tombstones": "seal(subject_hash, erased_at)",
    "erasures": "seal(CAST(receipt_id AS BLOB), subject_hash, erased_at, CAST(actor AS BLOB),"
    " tracklets, pictures, generation, bytes_gone, answered)",
    "merges": "seal(CAST(merge_id AS BLOB), CAST(source AS BLOB), CAST(target AS BLOB), merged_at)",
    "merged": "seal(CAST(merge_id AS BLOB), seq)",
    "keys": "seal(CAST(key_id AS BLOB), CAST(name AS BLOB), CAST(role AS BLOB), sha256,"
    " created_at, expires_at, revoked_at)",
    "audit": "seal(at, CAST(actor AS BLOB), CAST(action AS BLOB), subject_hash,"
    " CAST(details AS BLOB))",
    "camera_sums": "seal(CAST(camera AS BLOB), CAST(model_id AS BLOB), count, total, squares)",
    "frozen_sums": "seal(CAST(camera AS BLOB), CAST(model_id AS BLOB), count, total, squares)",
    "frozen": "seal(one, generation, last_seq)",
    "moved_since_frozen": "seal(seq, CAST(camera AS BLOB))",
}
"""What a row's seal must be, as SQL over its table. Texts are cast: damaged ones are no Unicode.

Vectors have none: the tracklet's covers their checksum.
"""


def install(connection: sqlite3.Connection) -> None:
    """Let the connection's statements call `seal(…)`."""
    connection.create_function("seal", -1, seal, deterministic=True)


def seal(*values: int | bytes | str | None) -> int:
    """A checksum of SQL values, each with its kind and its length."""
    crc = 0
    for value in values:
        data = value.to_bytes(8, "little", signed=True) if isinstance(value, int) else value
        data = data.encode() if isinstance(data, str) else data
        start = struct.pack("<cq", _KINDS[type(value)], -1 if data is None else len(data))
        crc = zlib.crc32(data or b"", zlib.crc32(start, crc))
    return crc


_KINDS: Final = {int: b"i", bytes: b"b", str: b"s", type(None): b"n"}


def renew(connection: sqlite3.Connection, table: str, where: str, *values: object) -> None:
    """Seal the rows of a table that have just been written, in the same transaction."""
    connection.execute(renewal(table, where), values)


def renewal(table: str, where: str) -> str:
    """The statement that seals rows; table and condition are this program's own texts."""
    return f"UPDATE {table} SET seal = {SEALED[table]} WHERE {where}"  # noqa: S608


def broken(table: str, name: str) -> str:
    """The statement that finds a table's rows with a wrong seal; `name` is what to call them by."""
    return f"SELECT {name} FROM {table} WHERE seal <> {SEALED[table]}"  # noqa: S608
