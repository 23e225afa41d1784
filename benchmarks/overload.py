"""More than the service can do: who is let in is served in time, the rest is told so at once.

First a lone client shows how long a query takes, then enough clients how many a second are
possible. Then queries arrive at once, twice and five times that rate, and as many clients ask in a
circle as one, two and five queues have places. The bound for whoever is let in: twice what 99 of
100 queries take unloaded, plus the time of a full queue. Machines become faster and slower within
minutes, so how many a second are possible is measured again after each level, and what was measured
before and after it counts together.
"""

import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.load import Level, closed_loop, open_loop
from benchmarks.serving import Service, many_files, pinned
from benchmarks.tally import Campaign, Tally
from benchmarks.traffic import Address, ask, crops, form, get, request

if TYPE_CHECKING:
    from collections.abc import Callable

FACTORS = (1, 2, 5)
_FRAMES = 8
_GALLERY = 40


def run(seed: int, quick: bool) -> Tally:
    """The service has a core of its own, and so have its clients."""
    many_files()
    seconds = 4.0 if quick else 15.0
    with tempfile.TemporaryDirectory() as folder:
        with pinned(0):
            service = Service(Path(folder) / "gallery", threads=1)
        with service, pinned(1):
            return _load(service, seconds, seed)


def _load(service: Service, seconds: float, seed: int) -> Tally:
    tally, address = Tally(), service.address
    _enrol(address)
    queries = [request("POST", "/query", form(crops(number, _FRAMES))) for number in range(20)]
    closed_loop(address, queries, 4, 1.0)  # to warm up
    alone, alone_cost = _with_cost(service, partial(closed_loop, address, queries, 1, seconds))
    most, most_cost = _with_cost(service, partial(closed_loop, address, queries, 8, seconds))
    queue = get(address, "/status")["limits"]["queue_tracklets"]
    unloaded = alone.figures()["p99"]
    first = _capacity(most)
    capacities = [first]
    loads: dict[str, Callable[[], Level]] = {}
    for factor in FACTORS:
        name = f"open, {factor} x capacity"
        loads[name] = partial(open_loop, address, queries, factor * first, seconds, seed)
    for factor in FACTORS:
        name = f"closed, {factor} x {queue} clients"
        loads[name] = partial(closed_loop, address, queries, factor * queue, seconds)
    judged: list[dict[str, Any]] = []
    for name, load in loads.items():
        level, cost = _with_cost(service, load)
        capacities.append(_capacity(closed_loop(address, queries, 8, seconds / 4)))
        bound = 2 * unloaded + 1000 * queue / (sum(capacities[-2:]) / 2)
        judged.append(_judged(tally, name, level, bound) | cost)
    again = closed_loop(address, queries, 1, seconds / 4)
    tally.expect(again.figures()["p50"] < 2 * alone.figures()["p50"], "it stays slow afterwards")
    worst = max(judged, key=lambda row: row["p99"] / row["bound"])
    tally.measured = {
        "levels": [
            _row("a lone client", alone) | alone_cost,
            _row("8 clients", most) | most_cost,
            *judged,
        ],
        "capacity": round(sum(capacities) / len(capacities), 1),
        "capacities": [round(one, 1) for one in capacities],
        "unloaded": round(unloaded),
        "queue": queue,
        "worst": worst["name"],
        "slowest": round(worst["p99"]),
        "bound": worst["bound"],
        "reject_worst": round(max(row["reject_p99"] for row in judged if row["rejected"])),
        "recovered": round(again.figures()["p99"]),
    }
    return tally


def _with_cost(service: Service, load: "Callable[[], Level]") -> tuple[Level, dict[str, float]]:
    """A level, and the service's processor time per accepted query, its refusals included.

    Unlike time by the clock it does not go up where the machine becomes slower for all.
    """
    before = service.cpu_seconds()
    level = load()
    spent = service.cpu_seconds() - before
    return level, {"cpu": round(1000 * spent / max(1, len(level.accepted)), 1)}


def _capacity(most: Level) -> float:
    """Queries a second."""
    return len(most.accepted) / most.seconds


def _enrol(address: Address) -> None:
    for number in range(_GALLERY):
        body = form(crops(number, _FRAMES), identity=f"p{number % 10}")
        ask(address, request("POST", "/tracklets", body))


def _row(name: str, level: Level) -> dict[str, Any]:
    return {"name": name, **level.figures()}


def _judged(tally: Tally, name: str, level: Level, bound: float) -> dict[str, Any]:
    """The row of a level, with its bound in milliseconds."""
    row = _row(name, level) | {"bound": round(bound)}
    tally.count("requests", level.offered)
    tally.count("rejects", len(level.rejected))
    tally.count("others", len(level.others) + level.dropped)
    over = row["p99"] > row["bound"]
    tally.expect(not over, f"{name}: p99 {row['p99']:.0f} ms > {row['bound']:.0f} ms")
    tally.expect(
        not level.others and not level.dropped,
        f"{name}: {level.dropped} dropped, {sorted(set(level.others))[:3]}",
    )
    return row


OVERLOAD = Campaign(
    name="overload",
    title="more queries than the service can answer",
    run=run,
    done="capacity {capacity} queries/s of 8 frames on one core; {requests} requests at 1, 2 and 5 "
    "times that rate and from 1, 2 and 5 queues of clients",
    seen="p99 of the accepted, where it is nearest its bound, {slowest} ms, bound {bound} ms (2 x "
    "{unloaded} ms unloaded + a queue of {queue}); {rejects} answered 429, 99 % of them within "
    "{reject_worst} ms at worst; "
    "{others} other outcomes",
)
