"""Connections that hold on to the service: each must be closed at its deadline, others be served.

Kinds: not a byte; headers drop by drop; a body that stops; a body drop by drop; a connection kept
alive and silent; one kept alive whose second request never becomes complete.
"""

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from benchmarks.load import ask
from benchmarks.serving import Service, many_files
from benchmarks.tally import Campaign, Tally
from benchmarks.traffic import Address, crops, form, get, head, percentile, request

_GRACE_SECONDS = 3.0
_START = b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n"
_BODY = (b"Content-Type: multipart/form-data; boundary=b", b"Content-Length: 1000000")


async def _silent(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
    """Not a byte."""


async def _dripping_head(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(_START)
    await _drip(writer, b"X: 1\r\n")


async def _stopped_body(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(head("POST", "/query", *_BODY) + b"--b\r\n")


async def _dripping_body(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(head("POST", "/query", *_BODY) + b"--b\r\n")
    await _drip(writer, b"x")


async def _kept_alive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(_START + b"\r\n")
    await reader.readuntil(b"}")


async def _dripping_second(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await _kept_alive(reader, writer)
    await _dripping_head(reader, writer)


async def _drip(writer: asyncio.StreamWriter, drop: bytes) -> None:
    while not writer.is_closing():
        writer.write(drop)
        await asyncio.sleep(1)


KINDS: dict[str, Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]] = {
    "silent": _silent,
    "dripping head": _dripping_head,
    "stopped body": _stopped_body,
    "dripping body": _dripping_body,
    "kept alive": _kept_alive,
    "dripping second head": _dripping_second,
}


async def held(address: Address, kind: str, most: float) -> float:
    """Seconds until the service closes such a connection; infinite where it does not."""
    started = time.monotonic()
    reader, writer = await asyncio.open_connection(*address)
    if kind == "silent":
        started = time.monotonic()
    sending = asyncio.ensure_future(KINDS[kind](reader, writer))
    if kind in {"kept alive", "dripping second head"}:
        await asyncio.sleep(1)
        started = time.monotonic() - 1
    try:
        async with asyncio.timeout(most):
            while await reader.read(65536):
                pass
    except ConnectionError:
        pass
    except TimeoutError:
        return float("inf")
    finally:
        sending.cancel()
        writer.close()
    return time.monotonic() - started


async def _campaign(address: Address, each: int, tally: Tally) -> None:
    limits = get(address, "/status")["limits"]
    deadlines = {
        kind: limits["body_idle_seconds"] if "body" in kind else limits["header_seconds"]
        for kind in KINDS
    }
    over = asyncio.Event()
    others = asyncio.ensure_future(_others(address, over))
    longest = max(deadlines.values()) + 4 * _GRACE_SECONDS
    kinds = [kind for kind in KINDS for _ in range(each)]
    seconds = await asyncio.gather(*(held(address, kind, longest) for kind in kinds))
    over.set()
    tally.measured["waits"] = {
        kind: max(took for other, took in zip(kinds, seconds, strict=True) if other == kind)
        for kind in KINDS
    }
    for kind, took in zip(kinds, seconds, strict=True):
        in_time = took <= deadlines[kind] + _GRACE_SECONDS
        tally.count("held")
        tally.count("closed_in_time", in_time)
        tally.expect(in_time, f"{kind}: open after {took:.0f} s")
        if took < float("inf"):
            tally.peak("longest", took)
    answered = await others
    tally.count("others_answered", len(answered))
    tally.peak("others_p99", 1000 * percentile(answered, 0.99))
    tally.expect(len(answered) > 10, "others were not served meanwhile")


async def _others(address: Address, over: asyncio.Event) -> list[float]:
    """An ordinary client's queries meanwhile, and how long each took."""
    query = request("POST", "/query", form(crops(1, 4)))
    seconds = []
    while not over.is_set():
        answer = await ask(address, query)
        if answer.status == 200:
            seconds.append(answer.seconds)
        await asyncio.sleep(0.2)
    return seconds


def run(seed: int, quick: bool) -> Tally:
    """With the deadlines of the defaults: seconds cannot be saved here."""
    del seed
    many_files()
    tally = Tally()
    with tempfile.TemporaryDirectory() as folder, Service(Path(folder) / "gallery") as service:
        asyncio.run(_campaign(service.address, 20 if quick else 150, tally))
    return tally


SLOW_CONNECTIONS = Campaign(
    name="slow-connections",
    title="connections that hold on",
    run=run,
    done="{held} connections of 6 kinds held at once (silent, dripping headers, stopped and "
    "dripping bodies, also on kept-alive ones); deadlines 10 s for headers, 15 s for bodies",
    seen="{closed_in_time} closed in time, the last after {longest:.1f} s; {others_answered} "
    "queries of others answered meanwhile, p99 {others_p99:.0f} ms",
)
