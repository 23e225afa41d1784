"""Who is calling, and what may they do.

Every route states its lowest role with `needs`; the guard reads it there, ahead of parsing, and a
route that states none is refused. A service that has ever seen a key demands keys until it ends:
revoking the last one must not open the doors.
"""

import ipaddress
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from fastapi.routing import APIRoute
from starlette.datastructures import Headers
from starlette.routing import BaseRoute, Match
from starlette.types import Scope

from indexer.keys import ROLES, KeyStore, Role
from model.errors import HostNotAllowed, KeyInvalid, KeyMissing, RateLimited, RoleTooLow

ROLE_FIELD: Final = "x-sightline-role"
COST_FIELD: Final = "x-sightline-cost"
SECURITY_SCHEME: Final = "key"

_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip")


@dataclass(frozen=True)
class Caller:
    """Who asks: the holder of a key, or the keyless caller on this machine."""

    name: str
    role: Role
    key_id: str | None = None

    def may(self, role: Role) -> bool:
        return ROLES.index(self.role) >= ROLES.index(role)


LOOPBACK_CALLER: Final = Caller("loopback", "admin")


def needs(role: Role | None, *, cost: float = 1.0) -> dict[str, Any]:
    """A route's `openapi_extra`: the lowest role that may call it (None: anyone, without a key).

    `cost` is what one call takes from the key's rate, in requests.
    """
    if role is None:
        return {ROLE_FIELD: "none", "security": []}
    return {ROLE_FIELD: role, COST_FIELD: cost, "security": [{SECURITY_SCHEME: []}]}


def is_public(route: APIRoute) -> bool:
    """Whether a route needs no key. One that states no role at all is a bug, and closed."""
    return (route.openapi_extra or {}).get(ROLE_FIELD) == "none"


def find_route(routes: Sequence[BaseRoute], scope: Scope) -> APIRoute | None:
    """The route that will answer, or None where the answer is 404 or 405."""
    for route in routes:
        if isinstance(route, APIRoute) and route.matches(scope)[0] is Match.FULL:
            return route
    return None


class Door:
    """Decides who comes in."""

    def __init__(self, stores: Sequence[KeyStore], *, rate: float) -> None:
        self._stores = stores
        self._keyed = False
        self._limiter = RateLimiter(rate)

    @property
    def keyed(self) -> bool:
        """Whether callers need a key. Once true, always true."""
        self._keyed = self._keyed or any(store.list() for store in self._stores)
        return self._keyed

    def admit(self, scope: Scope, route: APIRoute) -> Caller:
        """Who calls a route that has a role. Asks the key stores, so it blocks.

        Raises `HostNotAllowed`, `KeyMissing`, `KeyInvalid`, `RoleTooLow`, `RateLimited`.
        """
        headers = Headers(scope=scope)
        if not self.keyed:
            require_local(scope, headers)
            return LOOPBACK_CALLER
        caller = self._identify(headers)
        extra = route.openapi_extra or {}
        self._limiter.take(str(caller.key_id), extra[COST_FIELD])
        if not caller.may(extra[ROLE_FIELD]):
            raise RoleTooLow(f"this needs the role {extra[ROLE_FIELD]}; the key has {caller.role}")
        return caller

    def admit_public(self, scope: Scope) -> None:
        """Let anybody in, as far as without keys anybody may call. Never blocks."""
        if not self._keyed:
            require_local(scope, Headers(scope=scope))

    def _identify(self, headers: Headers) -> Caller:
        scheme, _, key = headers.get("authorization", "").partition(" ")
        key = key.strip()
        if scheme.lower() != "bearer" or not key:
            raise KeyMissing("send a key: `Authorization: Bearer <key>`")
        for store in self._stores:
            if (found := store.authenticate(key)) is not None:
                return Caller(found.name, found.role, found.key_id)
        raise KeyInvalid("this key is unknown, expired or revoked")


def require_local(scope: Scope, headers: Headers) -> None:
    """Refuse whatever a web page or a proxy could send to a service without keys.

    A multipart form needs no preflight, so a foreign page could enrol; a rebound DNS name could
    read; a proxy on this host would publish everything.
    """
    client = scope.get("client")
    if client is None or not is_loopback(client[0]):
        raise HostNotAllowed("without keys only this machine may call")
    if any(name in headers for name in _FORWARDED):
        raise HostNotAllowed("without keys no forwarded request is taken")
    host = headers.get("host", "")
    if not is_loopback(_host_name(host)):
        raise HostNotAllowed("without keys the Host header must name this machine")
    if headers.get("sec-fetch-site", "none").lower() not in {"none", "same-origin"}:
        raise HostNotAllowed("without keys no request of another site is taken")
    origin = headers.get("origin")
    if origin is not None and origin.lower() != f"{scope['scheme']}://{host}".lower():
        raise HostNotAllowed("without keys no request of another origin is taken")


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine's loopback."""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _host_name(host: str) -> str:
    """`host` without its port: "[::1]:8000" -> "[::1]"."""
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]


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
