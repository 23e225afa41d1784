"""A slower answer to whoever keeps sending bad keys.

Keys are 32 random bytes, so nobody guesses one. The wait keeps a broken or hostile client from
filling the log and the door's threads, and costs nobody else anything: good keys from the same
address are answered at once, and a waiting answer holds no thread.
"""

import asyncio
import ipaddress
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Final

FREE: Final = 5
"""Bad keys of one address that are answered at once."""

_STEP: Final = 0.1
_FORGET_SECONDS: Final = 60.0
_MOST_ADDRESSES: Final = 10_000
_IPV6_SITE: Final = 64

Pause = Callable[[float], Awaitable[None]]


class Penalties:
    """Counts bad keys by address and makes the answers wait, each a little longer."""

    def __init__(
        self,
        longest: float,
        *,
        pause: Pause = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._longest, self._pause, self._clock = longest, pause, clock
        self._bad: OrderedDict[str, tuple[int, float]] = OrderedDict()

    async def wait(self, address: str) -> None:
        """Take note of one bad key, and wait as long as this address has earned."""
        if (seconds := self._note(_site(address))) > 0:
            await self._pause(seconds)

    def _note(self, site: str) -> float:
        now = self._clock()
        count, at = self._bad.pop(site, (0, now))
        count = 1 if now - at > _FORGET_SECONDS else count + 1
        self._bad[site] = count, now
        if len(self._bad) > _MOST_ADDRESSES:
            self._bad.popitem(last=False)
        return min(self._longest, _STEP * (count - FREE))


def _site(address: str) -> str:
    """The address itself; of IPv6, where one host has very many, the network."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return address
    return str(ipaddress.ip_network((parsed, _IPV6_SITE), strict=False))
