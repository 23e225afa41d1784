"""SIGTERM amid traffic: whoever had asked before it gets a whole answer, and it is kept.

Clients enrol and query without a pause, each request over a connection of its own. After the
signal they go on until nobody listens any more: they may be told `draining`, or find the door
closed, but nothing that was asked before the signal may be dropped.
"""

import random
import signal
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.kills import labels
from benchmarks.serving import Service
from benchmarks.tally import Campaign, Tally
from benchmarks.traffic import Address, Dropped, ask, crops, form, request
from indexer.gallery import open_gallery

_CLIENTS = 8
_FRAMES = 8


@dataclass(frozen=True)
class Asked:
    """One request: when it was sent, what became of it, and whom it enrolled."""

    at: float
    outcome: str
    """A status, or `dropped`, or `refused`."""
    enrolled: str | None


def _work(address: Address, client: int, over: threading.Event) -> list[Asked]:
    asked: list[Asked] = []
    while not over.is_set():
        number = len(asked)
        name = f"d{client}-{number}" if number % 2 else None
        path = "/tracklets" if name else "/query"
        fields: dict[str, Any] = {"tracklet_id": name} if name else {}
        data = request("POST", path, form(crops(client, _FRAMES), **fields))
        at = time.monotonic()
        try:
            answer = ask(address, data)
        except Dropped:
            asked.append(Asked(at, "dropped", None))
        except OSError:
            asked.append(Asked(at, "refused", None))
            return asked
        else:
            kept = name if answer.status == 201 else None
            asked.append(Asked(at, str(answer.status), kept))
    return asked


def one_end(folder: Path, delay: float, tally: Tally) -> None:
    over = threading.Event()
    with (
        Service(folder / "gallery", drain_notice_seconds=0.3) as service,
        ThreadPoolExecutor(_CLIENTS) as pool,
    ):
        done = [pool.submit(_work, service.address, client, over) for client in range(_CLIENTS)]
        time.sleep(delay)
        signalled = time.monotonic()
        service.process.send_signal(signal.SIGTERM)
        code = service.process.wait(60)
        tally.peak("seconds", time.monotonic() - signalled)
        over.set()
        asked = [one for client in done for one in client.result()]
    before = [one for one in asked if one.at < signalled]
    after = [one for one in asked if one.at >= signalled]
    in_flight = [one for one in before if one.outcome not in {"200", "201"}]
    tally.count("ends")
    tally.count("before", len(before))
    tally.count("dropped", len(in_flight))
    tally.count("after", len(after))
    tally.count("draining", sum(one.outcome == "503" for one in after))
    tally.count("dropped_after", sum(one.outcome == "dropped" for one in after))
    tally.expect(not in_flight, f"asked before, but {sorted({one.outcome for one in in_flight})}")
    tally.expect(code == 0, f"exit code {code}")
    _compare(folder / "gallery", {one.enrolled for one in asked if one.enrolled}, tally)


def _compare(gallery: Path, answered: set[str], tally: Tally) -> None:
    with open_gallery(gallery, model_id=None, width=None, create=False) as opened:
        lost = answered - labels(opened).keys()
    tally.count("enrolled", len(answered))
    tally.count("lost", len(lost))
    tally.expect(not lost, "an answered enrolment is gone")


def run(seed: int, quick: bool) -> Tally:
    choices, tally = random.Random(seed), Tally()
    for _ in range(2 if quick else 12):
        with tempfile.TemporaryDirectory() as folder:
            one_end(Path(folder), choices.uniform(0.5, 2.0), tally)
    return tally


DRAINING = Campaign(
    name="draining",
    title="SIGTERM under load",
    run=run,
    done="{ends} ends amid the traffic of 8 clients; {before} requests sent before the signal, "
    "{after} after it",
    seen="{dropped} of those before dropped or refused, {lost} of {enrolled} answered enrolments "
    "lost; after it {draining} were told `draining` and {dropped_after} met the closing of the "
    "door; at most {seconds:.1f} s to the end",
)
