"""Looking for damage: every checksum, every tie between tables, and every view against the store.

Reads in batches of short transactions, so that it can run beside a busy service without holding up
its erasures.
"""

import re
import sqlite3
import zlib
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer import camera_statistics, seals
from indexer.enrolment import UNIT_TOLERANCE
from indexer.normalisation import RAW, Normalisation
from indexer.records import Finding, Verification
from indexer.saved import SavedIndex, load
from indexer.store import Store, generation, next_generation
from indexer.view import View
from model.errors import GalleryCorrupt

_BATCH = 512

_TABLE_INDEX = re.compile(r"missing from index|wrong # of entries in index|non-unique entry in")
_NAMES = {
    "gallery": "'the description of the gallery'",
    "tracklets": "tracklet_id",
    "removals": "'removal of row ' || seq",
    "erasures": "'erasure ' || receipt_id",
    "merges": "'merge ' || merge_id",
    "merged": "'row ' || seq || ' of merge ' || merge_id",
    "tombstones": "'tombstone ' || hex(subject_hash)",
    "keys": "'key ' || key_id",
    "audit": "'audit entry ' || entry",
}
"""What to call a row whose seal is broken. Pictures are checked where their bytes are read."""

_ORPHANS = {
    "orphan_picture": "SELECT DISTINCT seq FROM pictures WHERE seq NOT IN"
    " (SELECT seq FROM tracklets)",
    "orphan_vector": "SELECT seq FROM vectors WHERE seq NOT IN (SELECT seq FROM tracklets)",
}
_MISSING = {
    "missing_vector": "SELECT tracklet_id FROM tracklets WHERE seq NOT IN"
    " (SELECT seq FROM vectors)",
    "missing_picture": "SELECT tracklet_id FROM tracklets t WHERE pictures <>"
    " (SELECT count(*) FROM pictures p WHERE p.seq = t.seq)",
    "wrong_model": "SELECT tracklet_id FROM tracklets WHERE model_id <>"
    " (SELECT model_id FROM gallery)",
}


def verify(store: Store, view: View) -> Verification:
    """Check everything; `checked` counts tracklets."""
    findings: list[Finding] = []
    try:
        findings += _check_database(store)
        checked, damaged = _check_vectors(store, view)
        findings += damaged
        findings += _check_pictures(store)
        findings += _check_seals(store)
        findings += _check_ties(store)
        findings += _check_gaps(store)
        findings += _check_numbers(store, view)
        findings += _check_statistics(store)
        findings += _check_saved(store)
    except (sqlite3.DatabaseError, GalleryCorrupt) as error:
        # Damaged pages can break any of the checks; the finding is what the person needs.
        return Verification(0, (*findings, Finding("database_damaged", "", str(error), False)))
    return Verification(checked, tuple(findings))


def mend(store: Store) -> None:
    """Drop what belongs to no tracklet, and set picture counts right where pictures are lost.

    SQLite's own indices are built anew from the tables.
    """
    with store.writing() as connection:
        connection.execute("REINDEX")
        change = next_generation(connection)
        connection.execute("DELETE FROM pictures WHERE seq NOT IN (SELECT seq FROM tracklets)")
        connection.execute("DELETE FROM vectors WHERE seq NOT IN (SELECT seq FROM tracklets)")
        connection.execute(
            "UPDATE tracklets SET generation = ?, pictures ="
            " (SELECT count(*) FROM pictures p WHERE p.seq = tracklets.seq) WHERE pictures <>"
            " (SELECT count(*) FROM pictures p WHERE p.seq = tracklets.seq)",
            (change,),
        )
        seals.renew(connection, "tracklets", "generation = ?", change)
        camera_statistics.recount(connection)


def _check_database(store: Store) -> list[Finding]:
    """Table by table: the pages of a large one take a while, and erasures wait for readers."""
    with store.reading() as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        names = [row[0] for row in tables]
    problems: list[str] = []
    for name in names:
        with store.reading() as connection:
            rows = connection.execute(f"PRAGMA integrity_check({name})").fetchall()
        problems += [row[0] for row in rows if row[0] != "ok"]
    return [
        Finding("table_index_damaged", "", problem, True)
        if _TABLE_INDEX.search(problem)
        else Finding("database_damaged", "", problem, False)
        for problem in problems
    ]


def _check_vectors(store: Store, view: View) -> tuple[int, list[Finding]]:
    checked, findings = 0, []
    sql = (
        "SELECT v.seq, t.tracklet_id, v.embedding, v.crc FROM vectors v JOIN tracklets t"
        " USING (seq) WHERE v.seq > ? ORDER BY v.seq LIMIT ?"
    )
    for seq, tracklet_id, vector, crc in _batches(store, sql):
        checked += 1
        problem = _vector_problem(store, vector, crc)
        if problem is not None:
            findings.append(Finding(problem[0], tracklet_id, problem[1], False))
        elif not view.agrees(seq, np.frombuffer(vector, dtype="<f2")):
            detail = "the index compares with other bits than the store holds"
            findings.append(Finding("index_differs", tracklet_id, detail, True))
    return checked, findings


def _vector_problem(store: Store, vector: bytes, crc: int) -> tuple[str, str] | None:
    if len(vector) != 2 * store.width:
        return "wrong_length", f"{len(vector)} bytes where {2 * store.width} belong"
    if zlib.crc32(vector) != crc:
        return "embedding_damaged", "its checksum is wrong"
    length = float(np.linalg.norm(np.frombuffer(vector, dtype="<f2").astype(np.float64)))
    if not np.isfinite(length):
        return "not_finite", "a component is not a number"
    if abs(length - 1) > UNIT_TOLERANCE:
        return "not_unit", f"its length is {length:.4f}"
    return None


def _check_pictures(store: Store) -> list[Finding]:
    sql = (
        "SELECT p.picture, t.tracklet_id, p.place, p.jpeg, p.crc, p.seal, p.seq FROM pictures p"
        " JOIN tracklets t USING (seq) WHERE p.picture > ? ORDER BY p.picture LIMIT ?"
    )
    findings = []
    for _, tracklet_id, place, jpeg, crc, seal, seq in _batches(store, sql):
        if zlib.crc32(jpeg) != crc:
            detail = f"checksum of frame {place} is wrong"
            findings.append(Finding("picture_damaged", tracklet_id, detail, False))
        elif seals.seal(seq, place, crc) != seal:
            detail = f"frame {place} is not the picture that was kept there"
            findings.append(Finding("picture_damaged", tracklet_id, detail, False))
    return findings


def _check_seals(store: Store) -> list[Finding]:
    return [
        Finding("row_changed", subject, "its checksum is wrong", False)
        for table, name in _NAMES.items()
        for subject in _column(store, seals.broken(table, name))
    ]


def _check_gaps(store: Store) -> list[Finding]:
    """Numbers are given once and in order: one that is missing was not taken away by us."""
    with store.reading() as connection:
        tracklets = _gaps(
            connection, "tracklets", "SELECT seq FROM tracklets UNION SELECT seq FROM removals"
        )
        entries = _gaps(connection, "audit", "SELECT entry FROM audit")
    return [
        Finding("tracklet_lost", f"row {seq}", "is gone without an erasure", False)
        for seq in tracklets
    ] + [Finding("audit_cut", f"audit entry {entry}", "is gone", False) for entry in entries]


def _gaps(connection: sqlite3.Connection, table: str, there: str) -> list[int]:
    """Numbers that `table` has given to rows and `there`, a statement, no longer shows."""
    # Both are literals of the caller.
    count, largest = connection.execute(
        f"WITH there (number) AS ({there}) SELECT count(*), max(number) FROM there"  # noqa: S608
    ).fetchone()
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)).fetchone()
    last = max(largest or 0, 0 if row is None else row[0])
    if count == last:
        return []
    known = {number for (number,) in connection.execute(there)}
    return sorted(set(range(1, last + 1)) - known)


def _check_ties(store: Store) -> list[Finding]:
    findings = [
        Finding(kind, f"row {seq}", "belongs to no tracklet", True)
        for kind, sql in _ORPHANS.items()
        for seq in _column(store, sql)
    ]
    for kind, sql in _MISSING.items():
        for tracklet_id in _column(store, sql):
            mendable = kind == "missing_picture"
            findings.append(Finding(kind, tracklet_id, kind.replace("_", " "), mendable))
    for receipt_id in _column(store, "SELECT receipt_id FROM erasures WHERE bytes_gone = 0"):
        detail = "rows are gone, some bytes may not be yet: repeat the erasure"
        findings.append(Finding("erasure_pending", receipt_id, detail, False))
    return findings


def _column(store: Store, sql: str) -> list[Any]:
    with store.reading() as connection:
        return [row[0] for row in connection.execute(sql)]


def _check_numbers(store: Store, view: View) -> list[Finding]:
    """Whether view and store hold the same tracklets, once no writer is between them."""
    with store.reading() as connection:
        if generation(connection) != view.generation:
            return []
        rows = connection.execute("SELECT seq FROM vectors ORDER BY seq").fetchall()
    stored, seen = {row[0] for row in rows}, set(view.numbers.tolist())
    return [
        Finding("index_misses", f"row {seq}", "in the store, but cannot be found", True)
        for seq in sorted(stored - seen)
    ] + [
        Finding("index_invents", f"row {seq}", "can be found, but is not in the store", True)
        for seq in sorted(seen - stored)
    ]


def _check_statistics(store: Store) -> list[Finding]:
    """Whether the sums of each camera are those of its rows, if no writer is between them."""
    with store.reading() as connection:
        at = generation(connection)
        kept = {
            which: camera_statistics.read(connection, which) for which in camera_statistics.ROWS
        }
        unsound = camera_statistics.unsound(connection)
    differ = ["frozen"] if unsound else []
    for which, rows in camera_statistics.ROWS.items():
        paged = _batches(store, f"{rows} AND t.seq > ? ORDER BY t.seq LIMIT ?")
        counted = camera_statistics.gathered(paged, store.width)
        if not camera_statistics.same(kept[which], counted):
            differ.append(which)
    if store.generation() != at:
        return []
    detail = "the sums of cameras are not those of their rows"
    return [Finding("statistics_differ", which, detail, True) for which in dict.fromkeys(differ)]


def _check_saved(store: Store) -> list[Finding]:
    """Whether the saved index, where it would be used, holds what the store holds."""
    try:
        saved = load(store.file.parent)
    except ValueError as error:
        return [Finding("saved_index_damaged", "index.saved", str(error), True)]
    if saved is None or saved.generation != store.generation() or _saved_alike(saved, store):
        return []
    detail = "it says to be of the store's generation, but holds other vectors"
    return [Finding("saved_index_differs", "index.saved", detail, True)]


def _saved_alike(saved: SavedIndex, store: Store) -> bool:
    with store.reading() as connection:
        frozen = camera_statistics.read(connection, "frozen")
    made_with = Normalisation.of(frozen, store.width, 0)
    if saved.scoring == RAW:
        made_with = Normalisation.none(store.width)
    elif saved.scoring != made_with.digest():
        return True  # it would not be used
    sql = (
        "SELECT v.seq, v.embedding, t.camera FROM vectors v JOIN tracklets t USING (seq)"
        " WHERE v.seq > ? ORDER BY v.seq LIMIT ?"
    )
    held = zip(saved.seqs.tolist(), saved.vectors, strict=True)
    alike = all(
        kept is not None and there is not None and _same_vector(made_with, there, kept)
        for there, kept in zip_longest(_batches(store, sql), held)
    )
    # A writer may have come between: then the saved index is merely an old one.
    return alike or store.generation() != saved.generation


def _same_vector(
    made_with: Normalisation, there: tuple[Any, ...], kept: tuple[int, NDArray[np.float16]]
) -> bool:
    seq, stored, camera = there
    if len(stored) != kept[1].nbytes:
        return False
    vector = np.frombuffer(stored, dtype="<f2")[None]
    return bool(
        seq == kept[0] and made_with.stored(vector, [camera]).tobytes() == kept[1].tobytes()
    )


def _batches(store: Store, sql: str) -> Iterator[tuple[Any, ...]]:
    """Rows of a statement with the places `(after, limit)`, whose first column counts up."""
    after = 0
    while True:
        with store.reading() as connection:
            rows = connection.execute(sql, (after, _BATCH)).fetchall()
        if not rows:
            return
        yield from rows
        after = rows[-1][0]
