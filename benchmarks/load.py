"""Load on the service: so many clients one after the other, or arrivals that wait for nobody.

In an open loop requests arrive at random moments at a given rate, whatever became of those before;
a request's time counts from the moment it was due, so that a slow sender hides nothing.
"""

import asyncio
import random
import time
from dataclasses import dataclass, field

from benchmarks.traffic import Address, Answer, Dropped, parse, percentile

_PATIENCE_SECONDS = 120


@dataclass
class Level:
    """What became of the requests of one level of load."""

    seconds: float = 0.0
    """While requests were sent."""
    worked: float = 0.0
    """Until the last answer."""
    accepted: list[float] = field(default_factory=list)
    """Seconds of each that was answered with 200."""
    rejected: list[float] = field(default_factory=list)
    """Of each that was answered with 429."""
    others: list[str] = field(default_factory=list)
    """What else was answered."""
    dropped: int = 0

    def note(self, answer: Answer, seconds: float) -> None:
        if answer.status == 200:
            self.accepted.append(seconds)
        elif answer.status == 429:
            self.rejected.append(seconds)
        else:
            self.others.append(f"{answer.status} {answer.code}")

    @property
    def offered(self) -> int:
        return len(self.accepted) + len(self.rejected) + len(self.others) + self.dropped

    def figures(self) -> dict[str, float]:
        """Rates in requests a second, times in milliseconds."""
        return {
            "offered": round(self.offered / self.seconds, 1),
            "accepted": round(len(self.accepted) / self.worked, 1),
            "p50": _milliseconds(self.accepted, 0.50),
            "p99": _milliseconds(self.accepted, 0.99),
            "rejected": round(100 * len(self.rejected) / max(1, self.offered), 1),
            "reject_p99": _milliseconds(self.rejected, 0.99),
            "others": len(self.others) + self.dropped,
        }


def _milliseconds(seconds: list[float], share: float) -> float:
    return round(1000 * percentile(seconds, share), 1) if seconds else 0.0


async def ask(address: Address, data: bytes) -> Answer:
    """As `traffic.ask`, for many at once. Raises `Dropped`, and `OSError` where refused."""
    started = time.perf_counter()
    async with asyncio.timeout(_PATIENCE_SECONDS):
        reader, writer = await asyncio.open_connection(*address)
        try:
            writer.write(data)
            await writer.drain()
            received = await reader.read(-1)
        except ConnectionError as error:
            raise Dropped(str(error)) from error
        finally:
            writer.close()
    return parse(received, time.perf_counter() - started)


def closed_loop(address: Address, requests: list[bytes], clients: int, seconds: float) -> Level:
    """So many clients, each asking again as soon as it is answered; refused ones wait."""
    return asyncio.run(_closed_loop(address, requests, clients, seconds))


async def _closed_loop(
    address: Address, requests: list[bytes], clients: int, seconds: float
) -> Level:
    level, started = Level(), time.monotonic()

    async def work(number: int) -> None:
        while time.monotonic() < started + seconds:
            answer = await _noted(level, address, requests[number % len(requests)], 0)
            number += clients
            if answer is not None and answer.status == 429:
                pause = float(answer.headers.get("retry-after", 1))
                await asyncio.sleep(max(0.0, min(pause, started + seconds - time.monotonic())))

    await asyncio.gather(*(work(number) for number in range(clients)))
    level.seconds = level.worked = time.monotonic() - started
    return level


def open_loop(
    address: Address, requests: list[bytes], rate: float, seconds: float, seed: int
) -> Level:
    """Arrivals of a Poisson process with `rate` a second."""
    return asyncio.run(_open_loop(address, requests, rate, seconds, random.Random(seed)))


async def _open_loop(
    address: Address, requests: list[bytes], rate: float, seconds: float, choices: random.Random
) -> Level:
    level, started = Level(), time.monotonic()
    due, number = started, 0
    asked: set[asyncio.Task[Answer | None]] = set()
    while (due := due + choices.expovariate(rate)) < started + seconds:
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        late = max(0.0, time.monotonic() - due)
        data = requests[number % len(requests)]
        asked.add(asyncio.create_task(_noted(level, address, data, late)))
        number += 1
    level.seconds = time.monotonic() - started
    await asyncio.gather(*asked)
    level.worked = time.monotonic() - started
    return level


async def _noted(level: Level, address: Address, data: bytes, late: float) -> Answer | None:
    try:
        answer = await ask(address, data)
    except (Dropped, OSError, TimeoutError):
        level.dropped += 1
        return None
    level.note(answer, answer.seconds + late)
    return answer
