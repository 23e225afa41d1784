"""The tables of a gallery and how older ones become today's.

Every table is STRICT. Times are integer microseconds since 1970 in UTC, so that they sort and
compare exactly. `generation` counts committed changes: each changed tracklet carries the number of
the change, which is how a view finds out what it has missed, whichever process made it.

Pictures are a table and not files: measured for 32 frames of 4-9 KB, one row each cost 0.6 ms per
tracklet in the same transaction as the row, 32 synced files 7.6 ms; and only the table is atomic
with the row under kill -9, in a backup, and in an erasure.
"""

import secrets
import sqlite3
import time

from indexer import camera_statistics, camera_sums, seals
from model.errors import GalleryCorrupt

_TABLES = """
CREATE TABLE gallery (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    model_id TEXT NOT NULL,
    width INTEGER NOT NULL CHECK (width > 0),
    generation INTEGER NOT NULL,
    hash_key BLOB NOT NULL CHECK (length(hash_key) = 32),
    created_at INTEGER NOT NULL,
    seal INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE tracklets (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    tracklet_id TEXT NOT NULL UNIQUE,
    content_sha256 BLOB NOT NULL CHECK (length(content_sha256) = 32),
    model_id TEXT NOT NULL,
    identity TEXT,
    camera TEXT,
    captured_at INTEGER,
    captured_until INTEGER,
    attributes TEXT NOT NULL CHECK (json_valid(attributes)),
    received INTEGER NOT NULL,
    sampled BLOB NOT NULL,
    attention BLOB NOT NULL CHECK (length(attention) = length(sampled)),
    pictures INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    seal INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX tracklets_by_identity ON tracklets (identity, captured_at, seq);
CREATE INDEX tracklets_by_camera ON tracklets (camera, captured_at);
CREATE INDEX tracklets_by_generation ON tracklets (generation, seq);
CREATE INDEX tracklets_by_creation ON tracklets (created_at);

CREATE TABLE vectors (
    seq INTEGER PRIMARY KEY REFERENCES tracklets ON DELETE CASCADE,
    embedding BLOB NOT NULL CHECK (length(embedding) = {bytes}),
    crc INTEGER NOT NULL
) STRICT;

CREATE TABLE pictures (
    picture INTEGER PRIMARY KEY,
    seq INTEGER NOT NULL REFERENCES tracklets ON DELETE CASCADE,
    place INTEGER NOT NULL,
    jpeg BLOB NOT NULL,
    crc INTEGER NOT NULL,
    seal INTEGER NOT NULL DEFAULT 0,
    UNIQUE (seq, place)
) STRICT;

CREATE TABLE removals (
    generation INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    seal INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX removals_by_generation ON removals (generation);

CREATE TABLE tombstones (
    subject_hash BLOB PRIMARY KEY,
    erased_at INTEGER NOT NULL,
    seal INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE erasures (
    receipt_id TEXT PRIMARY KEY,
    subject_hash BLOB NOT NULL,
    erased_at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    tracklets INTEGER NOT NULL,
    pictures INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    bytes_gone INTEGER NOT NULL DEFAULT 0,
    answered INTEGER NOT NULL DEFAULT 0,
    seal INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX erasures_open ON erasures (subject_hash) WHERE answered = 0;

CREATE TABLE merges (
    merge_id TEXT PRIMARY KEY,
    source TEXT NOT NULL,
    target TEXT NOT NULL,
    merged_at INTEGER NOT NULL,
    seal INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE merged (
    merge_id TEXT NOT NULL REFERENCES merges ON DELETE CASCADE,
    seq INTEGER NOT NULL REFERENCES tracklets ON DELETE CASCADE,
    seal INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (merge_id, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX merged_by_tracklet ON merged (seq);

CREATE TABLE audit (
    entry INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject_hash BLOB,
    details TEXT NOT NULL CHECK (json_valid(details)),
    seal INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_is_never_cut BEFORE DELETE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;

CREATE TABLE keys (
    key_id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('query', 'enrol', 'admin')),
    sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER,
    seal INTEGER NOT NULL DEFAULT 0
) STRICT;
"""

_STATISTICS = """
CREATE TABLE camera_sums (
    camera TEXT NOT NULL,
    model_id TEXT NOT NULL,
    count INTEGER NOT NULL CHECK (count >= {least}),
    total BLOB NOT NULL CHECK (length(total) = {sums}),
    squares BLOB NOT NULL CHECK (length(squares) = {sums}),
    seal INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (camera, model_id)
) STRICT;
CREATE TABLE frozen_sums (
    camera TEXT NOT NULL,
    model_id TEXT NOT NULL,
    count INTEGER NOT NULL CHECK (count >= {least}),
    total BLOB NOT NULL CHECK (length(total) = {sums}),
    squares BLOB NOT NULL CHECK (length(squares) = {sums}),
    seal INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (camera, model_id)
) STRICT;
CREATE TABLE frozen (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    generation INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    seal INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO frozen VALUES (1, 0, 0, seal(1, 0, 0));
CREATE TABLE moved_since_frozen (
    seq INTEGER PRIMARY KEY REFERENCES tracklets ON DELETE CASCADE,
    camera TEXT,
    seal INTEGER NOT NULL DEFAULT 0
) STRICT;
"""
"""What `indexer.camera_statistics` keeps."""

_SEALED_2 = (
    *("gallery", "tracklets", "pictures", "removals", "tombstones", "erasures", "merges"),
    *("merged", "keys", "audit"),
)
_SEALS = [
    "DROP TRIGGER audit_is_never_changed;",
    *(f"ALTER TABLE {one} ADD COLUMN seal INTEGER NOT NULL DEFAULT 0;" for one in _SEALED_2),
    *(seals.renewal(table, "true") + ";" for table in _SEALED_2),
    "CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit"
    " BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;",
]

MIGRATIONS: tuple[str, ...] = ("\n".join(_SEALS), _STATISTICS)
"""Scripts that lead from version n + 1 to n + 2, in order; the tables above are the newest."""

VERSION = 1 + len(MIGRATIONS)
_STATISTICS_SINCE = 3
BYTES_PER_COMPONENT = 2


def create(connection: sqlite3.Connection, model_id: str, width: int) -> None:
    """Make the tables of an empty database, inside the caller's transaction."""
    for statement in _statements(_for_width(_TABLES + _STATISTICS, width)):
        connection.execute(statement)
    connection.execute(
        "INSERT INTO gallery (one, model_id, width, generation, hash_key, created_at)"
        " VALUES (1, ?, ?, 0, ?, ?)",
        (model_id, width, secrets.token_bytes(32), time.time_ns() // 1000),
    )
    seals.renew(connection, "gallery", "one = 1")
    connection.execute(f"PRAGMA user_version = {VERSION}")


def version(connection: sqlite3.Connection) -> int:
    """0 for an empty database."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def migrate(connection: sqlite3.Connection) -> None:
    """Bring older tables to `VERSION`, inside the caller's transaction.

    Raises `GalleryCorrupt` for tables newer than this program.
    """
    found = version(connection)
    if found > VERSION:
        raise GalleryCorrupt(
            f"the gallery's tables are of version {found}, this program knows up to {VERSION}"
        )
    (width,) = connection.execute("SELECT width FROM gallery").fetchone()
    for script in MIGRATIONS[found - 1 :]:
        for statement in _statements(_for_width(script, width)):
            connection.execute(statement)
    if found < _STATISTICS_SINCE:
        camera_statistics.recount(connection)
    connection.execute(f"PRAGMA user_version = {VERSION}")


def _for_width(script: str, width: int) -> str:
    return script.format(
        bytes=BYTES_PER_COMPONENT * width,
        sums=camera_sums.BYTES_PER_COMPONENT * width,
        least=camera_statistics.LEAST,
    )


def _statements(script: str) -> list[str]:
    """Single statements: `executescript` would commit the caller's transaction."""
    statements, pending = [], ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            statements.append(pending.strip())
            pending = ""
    return statements
