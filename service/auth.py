"""Who is calling, and what may they do.

Every route states its lowest role with `needs`; the guard reads it there, ahead of parsing, and a
route that states none is refused. A service that has ever seen a key demands keys until it ends:
revoking the last one must not open the doors.
"""

import hashlib
import math
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import structlog
from fastapi.routing import APIRoute
from starlette.datastructures import Headers
from starlette.types import Scope

from indexer.keys import ROLES, KeyStore, Role
from model.errors import (
    GalleryFailure,
    KeyInvalid,
    KeyMissing,
    NotReady,
    RateLimited,
    RoleTooLow,
)
from service.local import require_local

ROLE_FIELD: Final = "x-sightline-role"
COST_FIELD: Final = "x-sightline-cost"
QUEUED_FIELD: Final = "x-sightline-queued"
SECURITY_SCHEME: Final = "key"

_KNOWN_SECONDS: Final = 1.0

log = structlog.get_logger("sightline.auth")


@dataclass(frozen=True)
class Caller:
    """Who asks: the holder of a key, or the keyless caller on this machine."""

    name: str
    role: Role
    key_id: str | None = None

    def may(self, role: Role) -> bool:
        return ROLES.index(self.role) >= ROLES.index(role)


LOOPBACK_CALLER: Final = Caller("loopback", "admin")


def needs(role: Role | None, *, cost: float = 1.0, queued: bool = False) -> dict[str, Any]:
    """A route's `openapi_extra`: the lowest role that may call it (None: anyone, without a key).

    `cost` is what one call takes from the key's rate, in requests; `queued`, whether pictures that
    are sent there wait for the model.
    """
    if role is None:
        return {ROLE_FIELD: "none", "security": []}
    return {
        ROLE_FIELD: role,
        COST_FIELD: cost,
        "security": [{SECURITY_SCHEME: []}],
        **({QUEUED_FIELD: True} if queued else {}),
    }


def is_public(route: APIRoute) -> bool:
    """Whether a route needs no key. One that states no role at all is a bug, and closed."""
    return (route.openapi_extra or {}).get(ROLE_FIELD) == "none"


def is_queued(route: APIRoute) -> bool:
    """Whether what is uploaded there waits for the model."""
    return bool((route.openapi_extra or {}).get(QUEUED_FIELD))


class Door:
    """Decides who comes in."""

    def __init__(self, stores: Sequence[KeyStore], *, rate: float) -> None:
        self._stores = stores
        self._keyed = False
        self._limiter = RateLimiter(rate)
        self._keyless_at = -math.inf
        self._known: dict[bytes, tuple[Caller, float]] = {}
        """By the hash of the key: one entry for each good key that was ever sent."""

    @property
    def keyed(self) -> bool:
        """Whether callers need a key. Once true, always true. Raises `NotReady`."""
        if not self._keyed:
            with _readable():
                self._keyed = any(store.list() for store in self._stores)
            self._keyless_at = -math.inf if self._keyed else time.monotonic()
        return self._keyed

    def failure(self) -> str | None:
        """Why keys cannot be checked now, or None. Asks the key stores, so it blocks."""
        try:
            with _readable():
                for store in self._stores:
                    store.list()
        except NotReady as error:
            return error.detail
        return None

    def admit(self, scope: Scope, route: APIRoute) -> Caller:
        """Who calls a route that has a role. Asks the key stores, so it blocks.

        Raises `HostNotAllowed`, `KeyMissing`, `KeyInvalid`, `RoleTooLow`, `RateLimited`, and
        `NotReady` where the keys cannot be read.
        """
        if not self.keyed:
            require_local(scope)
            return LOOPBACK_CALLER
        key = _key_of(scope)
        caller = self._identify(key)
        self._known[_digest(key)] = caller, time.monotonic()
        self._check(caller, route)
        return caller

    def recognise(self, scope: Scope, route: APIRoute) -> Caller | None:
        """Who `admit` would say is calling, as far as that was seen within the last second.

        It asks no store, so it does not block. Enough to send somebody away by, and never to let
        anybody in: a key may have been revoked since. Raises what `admit` raises.
        """
        since = time.monotonic() - _KNOWN_SECONDS
        if not self._keyed:
            if self._keyless_at <= since:
                return None
            require_local(scope)
            return LOOPBACK_CALLER
        caller, seen = self._known.get(_digest(_key_of(scope)), (None, -math.inf))
        if caller is None or seen < since:
            return None
        self._check(caller, route)
        return caller

    def _check(self, caller: Caller, route: APIRoute) -> None:
        extra = route.openapi_extra or {}
        self._limiter.take(str(caller.key_id), extra[COST_FIELD])
        if not caller.may(extra[ROLE_FIELD]):
            raise RoleTooLow(f"this needs the role {extra[ROLE_FIELD]}; the key has {caller.role}")

    def admit_public(self, scope: Scope) -> None:
        """Let anybody in, as far as without keys anybody may call. Blocks as `admit` does.

        Keys that cannot be read keep nobody from asking whether the service is ready.
        """
        try:
            keyed = self.keyed
        except NotReady:
            keyed = True
        if not keyed:
            require_local(scope)

    def _identify(self, key: str) -> Caller:
        for store in self._stores:
            with _readable():
                found = store.authenticate(key)
            if found is not None:
                return Caller(found.name, found.role, found.key_id)
        raise KeyInvalid("this key is unknown, expired or revoked")


def _key_of(scope: Scope) -> str:
    """The key that is sent. Raises `KeyMissing`."""
    scheme, _, key = Headers(scope=scope).get("authorization", "").partition(" ")
    key = key.strip()
    if scheme.lower() != "bearer" or not key:
        raise KeyMissing("send a key: `Authorization: Bearer <key>`")
    return key


def _digest(key: str) -> bytes:
    """What is remembered of a caller must not be the key."""
    return hashlib.sha256(key.encode("latin-1")).digest()


@contextmanager
def _readable() -> Iterator[None]:
    """A key store that cannot be read lets nobody in; callers learn no paths, the log does."""
    try:
        yield
    except (GalleryFailure, OSError) as error:
        log.error("keys_unreadable", reason=str(error))
        raise NotReady("the keys cannot be read; the service's log says why") from error


class RateLimiter:
    """A token bucket per key that holds one second's worth of requests."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._buckets: dict[str, tuple[float, float]] = {}
        self._turn = threading.Lock()

    def take(self, key_id: str, cost: float) -> None:
        """Raises `RateLimited` where the key has used up its rate."""
        now = time.monotonic()
        full = max(1.0, self._rate)
        with self._turn:
            left, at = self._buckets.get(key_id, (full, now))
            left = min(full, left + (now - at) * self._rate)
            allowed = left >= cost
            self._buckets[key_id] = (left - cost if allowed else left, now)
        if not allowed:
            raise RateLimited(
                f"this key may send {self._rate:g} requests a second",
                retry_after=(cost - left) / self._rate,
            )
