"""Hashes under the gallery's own key: names that cannot be read back, cursors nobody can forge.

The key lies in the gallery, so the hashes protect those who see the audit log, a receipt or a
cursor without having the gallery itself.
"""

import base64
import binascii
import hashlib
import hmac
import json
import secrets
import time
import uuid
from typing import Any

from model.errors import InvalidParameter

_SIGNATURE_BYTES = 12


class KeyedHash:
    """HMAC-SHA256 under one gallery's key."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def __eq__(self, other: object) -> bool:
        return isinstance(other, KeyedHash) and hmac.compare_digest(self._key, other._key)

    def __hash__(self) -> int:
        return hash(self._key)

    def tracklet(self, tracklet_id: str) -> bytes:
        """What stands for a tracklet's id in tombstones, receipts and the audit log."""
        return self._digest("tracklet", tracklet_id.encode())

    def identity(self, identity: str) -> bytes:
        """What stands for an identity's name."""
        return self._digest("identity", identity.encode())

    def retention(self) -> bytes:
        """What stands for an erasure by age."""
        return self._digest("retention", b"")

    def _digest(self, purpose: str, content: bytes) -> bytes:
        return hmac.digest(self._key, purpose.encode() + b"\0" + content, hashlib.sha256)

    def write_cursor(self, listing: str, position: list[Any]) -> str:
        """A URL-safe text that leads `read_cursor` back to `position` in the same listing."""
        content = json.dumps(position, separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(self._sign(listing, content) + content).decode().rstrip("=")

    def read_cursor(self, listing: str, cursor: str) -> list[Any]:
        """Raises `InvalidParameter` for a cursor that `write_cursor` did not make for `listing`."""
        try:
            raw = base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        except (UnicodeEncodeError, binascii.Error) as error:
            raise InvalidParameter("cursor is none of ours") from error
        signature, content = raw[:_SIGNATURE_BYTES], raw[_SIGNATURE_BYTES:]
        if not hmac.compare_digest(signature, self._sign(listing, content)):
            raise InvalidParameter("cursor is none of ours")
        position: list[Any] = json.loads(content)
        return position

    def _sign(self, listing: str, content: bytes) -> bytes:
        return self._digest(f"cursor of {listing}", content)[:_SIGNATURE_BYTES]


def uuid7() -> str:
    """A UUID of version 7 (RFC 9562, section 5.7): 48 bits of time in ms, the rest random."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds & (1 << 48) - 1) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return str(uuid.UUID(int=value))
