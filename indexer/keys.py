"""API keys: who may do what. Only their hashes are kept, in the gallery or in a file.

A key is 32 random bytes, so a plain SHA-256 of it is enough: there is nothing to guess. Several
keys of one name may be valid at once, which is how they are rotated.
"""

import hashlib
import hmac
import json
import os
import re
import secrets
import stat
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, Protocol, get_args

from indexer import audit, rows, seals
from indexer.saved import sync_folder
from indexer.store import Store
from model.errors import GalleryCorrupt, GalleryMissing, InvalidParameter, NotFound
from model.names import clean_name
from model.times import format_time, parse_time

Role = Literal["query", "enrol", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
"""Each may do what those before it may."""

LONGEST_PERIOD = timedelta(days=36_500)
"""Beyond some thousand years the calendar ends, and adding a period fails."""

_KEY_BYTES = 32
_PERIOD = re.compile(r"(\d{1,6})([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@dataclass(frozen=True)
class ApiKey:
    """A key without the key itself."""

    key_id: str
    name: str
    role: Role
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None

    def is_valid(self, now: datetime) -> bool:
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)

    def may(self, role: Role) -> bool:
        """Whether this key's role includes `role`."""
        return ROLES.index(self.role) >= ROLES.index(role)


_Entries = Sequence[tuple[ApiKey, bytes]]
"""Keys with the SHA-256 of their texts."""


class KeyStore(Protocol):
    """Where keys are kept."""

    def create(self, name: str, role: Role, expires: timedelta | None) -> tuple[ApiKey, str]:
        """A new key and its text, which nobody can show again. Raises `InvalidParameter`."""

    def list(self) -> Sequence[ApiKey]:
        """All keys, expired and revoked ones too, oldest first."""

    def revoke(self, key_id: str) -> ApiKey:
        """Raises `NotFound`."""

    def authenticate(self, text: str) -> ApiKey | None:
        """The valid key with this text.

        This and the others raise `GalleryFailure` or `OSError` where the store cannot be read.
        """


def parse_period(text: str) -> timedelta:
    """`90d`, `12h`, `30m`, `2w`, `45s`, at most 100 years. Raises `InvalidParameter`."""
    match = _PERIOD.fullmatch(text.strip())
    if match is None or int(match[1]) == 0:
        raise InvalidParameter("a period is a number with s, m, h, d or w, such as 90d")
    period = timedelta(**{_UNITS[match[2]]: int(match[1])})
    if period > LONGEST_PERIOD:
        raise InvalidParameter("a period may be 100 years long")
    return period


class GalleryKeys:
    """Keys in the gallery's own store, with their making and revoking in its audit log."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def create(
        self, name: str, role: Role, expires: timedelta | None, *, actor: str = "command line"
    ) -> tuple[ApiKey, str]:
        key, text = _new(name, role, expires)
        with self._store.writing() as connection:
            connection.execute(
                "INSERT INTO keys (key_id, name, role, sha256, created_at, expires_at)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (
                    key.key_id,
                    key.name,
                    key.role,
                    _hash(text),
                    rows.micros_of(key.created_at),
                    rows.to_micros(key.expires_at),
                ),
            )
            seals.renew(connection, "keys", "key_id = ?", key.key_id)
            details = {"key": key.key_id, "role": role}
            audit.record(connection, actor, "key_create", None, details)
        return key, text

    def list(self) -> Sequence[ApiKey]:
        return [key for key, _ in self._entries()]

    def revoke(self, key_id: str, *, actor: str = "command line") -> ApiKey:
        with self._store.writing() as connection:
            row = connection.execute(
                "UPDATE keys SET revoked_at = coalesce(revoked_at, ?) WHERE key_id = ?"
                " RETURNING key_id, name, role, created_at, expires_at, revoked_at",
                (rows.now_micros(), key_id),
            ).fetchone()
            if row is None:
                raise NotFound("there is no such key")
            seals.renew(connection, "keys", "key_id = ?", key_id)
            audit.record(connection, actor, "key_revoke", None, {"key": key_id})
        return _from_row(row)

    def authenticate(self, text: str) -> ApiKey | None:
        return _match(self._entries(), text)

    def _entries(self) -> _Entries:
        with self._store.reading() as connection:
            found = connection.execute(
                "SELECT key_id, name, role, created_at, expires_at, revoked_at, sha256 FROM keys"
                " ORDER BY created_at, key_id"
            ).fetchall()
        return [(_from_row(row), bytes(row[6])) for row in found]


class FileKeys:
    """Keys in a JSON file, for containers and replicas; changes to it are seen at once.

    A file that is not there holds no keys, but that is no reason to open the doors: only `create`
    takes it for an empty one. Everything else raises `GalleryMissing`.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._turn = threading.Lock()
        self._seen: tuple[int, int, int] | None = None
        self._known: _Entries = []

    def create(self, name: str, role: Role, expires: timedelta | None) -> tuple[ApiKey, str]:
        key, text = _new(name, role, expires)
        with self._turn:
            known = self._entries() if self._file.exists() else []
            self._write([*known, (key, _hash(text))])
        return key, text

    def list(self) -> Sequence[ApiKey]:
        with self._turn:
            return [key for key, _ in self._entries()]

    def revoke(self, key_id: str) -> ApiKey:
        with self._turn:
            entries = {key.key_id: (key, digest) for key, digest in self._entries()}
            if key_id not in entries:
                raise NotFound("there is no such key")
            key, digest = entries[key_id]
            revoked = replace(key, revoked_at=key.revoked_at or datetime.now(UTC))
            self._write([*(entries | {key_id: (revoked, digest)}).values()])
        return revoked

    def authenticate(self, text: str) -> ApiKey | None:
        with self._turn:
            return _match(self._entries(), text)

    def _entries(self) -> _Entries:
        try:
            state = self._file.stat()
        except FileNotFoundError as error:
            raise GalleryMissing(
                f"there is no keys file {self._file}: `sightline keys create` makes one"
            ) from error
        version = (state.st_mtime_ns, state.st_size, state.st_ino)
        if version != self._seen:
            self._known = _parse(self._file)
            self._seen = version
        return self._known

    def _write(self, entries: _Entries) -> None:
        if not self._file.parent.is_dir():
            raise GalleryMissing(f"there is no folder {self._file.parent} for the keys file")
        unfinished = self._file.with_name(self._file.name + ".tmp")
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            self._keep_rights(descriptor)
            json.dump({"keys": [_to_json(*entry) for entry in entries]}, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(self._file)
        sync_folder(self._file.parent)

    def _keep_rights(self, descriptor: int) -> None:
        """Those of the file that is replaced: the service may be another user than its operator."""
        with suppress(FileNotFoundError):
            before = self._file.stat()
            os.fchmod(descriptor, stat.S_IMODE(before.st_mode))
            with suppress(PermissionError):
                os.fchown(descriptor, before.st_uid, before.st_gid)


def _new(name: str, role: Role, expires: timedelta | None) -> tuple[ApiKey, str]:
    cleaned = clean_name(name, "name")
    if cleaned is None:
        raise InvalidParameter("a key needs a name")
    if role not in ROLES:
        raise InvalidParameter(f"role must be one of {', '.join(ROLES)}")
    now = datetime.now(UTC)
    end = None if expires is None else now + expires
    key = ApiKey(secrets.token_hex(8), cleaned, role, now, end, None)
    return key, secrets.token_urlsafe(_KEY_BYTES)


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _match(entries: _Entries, text: str) -> ApiKey | None:
    """Compares with every key in constant time each."""
    digest, now, found = _hash(text), datetime.now(UTC), None
    for key, stored in entries:
        if hmac.compare_digest(digest, stored) and key.is_valid(now):
            found = key
    return found


def _from_row(row: Sequence[Any]) -> ApiKey:
    return ApiKey(
        key_id=row[0],
        name=row[1],
        role=row[2],
        created_at=rows.time_of(row[3]),
        expires_at=rows.from_micros(row[4]),
        revoked_at=rows.from_micros(row[5]),
    )


def _to_json(key: ApiKey, digest: bytes) -> dict[str, Any]:
    return {
        "id": key.key_id,
        "name": key.name,
        "role": key.role,
        "sha256": digest.hex(),
        "created_at": format_time(key.created_at),
        "expires_at": None if key.expires_at is None else format_time(key.expires_at),
        "revoked_at": None if key.revoked_at is None else format_time(key.revoked_at),
    }


def _parse(file: Path) -> _Entries:
    """Raises `GalleryCorrupt`: a keys file that cannot be read lets nobody in, and says so."""
    try:
        return [_from_json(entry) for entry in json.loads(file.read_text("utf-8"))["keys"]]
    except (ValueError, KeyError, TypeError, InvalidParameter) as error:
        raise GalleryCorrupt(f"the keys file {file} cannot be read") from error


def _from_json(entry: dict[str, Any]) -> tuple[ApiKey, bytes]:
    created = parse_time(entry["created_at"], "created_at")
    digest = bytes.fromhex(entry["sha256"])
    if created is None or entry["role"] not in ROLES or len(digest) != hashlib.sha256().digest_size:
        raise ValueError("not a key")
    key = ApiKey(
        key_id=str(entry["id"]),
        name=str(entry["name"]),
        role=entry["role"],
        created_at=created,
        expires_at=parse_time(entry["expires_at"], "expires_at"),
        revoked_at=parse_time(entry["revoked_at"], "revoked_at"),
    )
    return key, digest
