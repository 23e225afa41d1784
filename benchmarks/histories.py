"""Many clients at once, and `sightline index` beside them: is every answer one that may be given?

Each client notes when it asked, when it was answered, and what. Afterwards the whole history is
checked against rules that no interleaving excuses:

- an answered erasure is never seen again by whoever asks afterwards;
- an answered enrolment is always seen by whoever asks afterwards, until its erasure begins;
- a label that is read was the tracklet's at some moment between question and answer;
- no result ever fails the filter of its query.
"""

import random
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.index_kills import write_archive
from benchmarks.machine import ROOT
from benchmarks.serving import Service, environment
from benchmarks.tally import Campaign, Tally
from benchmarks.traffic import Address, ask, crops, form, json_request, request

_CLIENTS = 5
_FRAMES = 2
_CAMERAS = ("c1", "c2", "c3")


@dataclass(frozen=True)
class Write:
    """A tracklet's identity is set (enrolled or changed), or the tracklet erased (None)."""

    tracklet_id: str
    identity: str | None
    begun: float
    done: float


@dataclass(frozen=True)
class Read:
    """What was seen: identity by tracklet. `whole` says that all there are were to be seen."""

    seen: dict[str, str]
    begun: float
    done: float
    whole: bool


@dataclass
class History:
    """Everything that was answered. Several threads may add to it."""

    writes: list[Write] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)
    leaks: list[str] = field(default_factory=list)

    def violations(self) -> list[str]:
        """What cannot have happened, in words."""
        found = list(self.leaks)
        by_id: dict[str, list[Write]] = {}
        for write in sorted(self.writes, key=lambda write: write.begun):
            by_id.setdefault(write.tracklet_id, []).append(write)
        for read in self.reads:
            for name, identity in read.seen.items():
                if identity not in _possible(by_id.get(name, []), read):
                    found.append(f"{name} was seen as {identity}")
            if read.whole:
                found += [
                    f"{name} was not seen"
                    for name, writes in by_id.items()
                    if name not in read.seen and None not in _possible(writes, read)
                ]
        return found


def _possible(writes: list[Write], read: Read) -> set[str | None]:
    """Identities that a tracklet may have had while a read was under way; None for not there."""
    over = [write for write in writes if write.done < read.begun]
    at_first = {over[-1].identity} if over else {None}
    # Two writes at once may have come in either order.
    if over:
        at_first |= {write.identity for write in over if write.done > over[-1].begun}
    meanwhile = {w.identity for w in writes if w.begun < read.done and w.done >= read.begun}
    return at_first | meanwhile


class Client:
    """One caller among several, each with tracklets of its own to write, all to read."""

    def __init__(self, name: str, seed: int, history: History) -> None:
        self.name, self.history = name, history
        self.choices = random.Random(f"{name} {seed}")
        self.there: list[str] = []
        self.number = 0
        self.unexpected: list[str] = []

    def work(self, address: Address, seconds: float) -> int:
        until, asked = time.monotonic() + seconds, 0
        steps = [self._enrol, self._list, self._query]
        while time.monotonic() < until:
            more = [self._change, self._erase] if self.there else []
            self.choices.choice([*steps, *more])(address)
            asked += 1
        return asked

    def _enrol(self, address: Address) -> None:
        self.number += 1
        name, identity = f"{self.name}-{self.number}", f"p{self.choices.randrange(5)}"
        camera = _CAMERAS[self.number % len(_CAMERAS)]
        body = form(crops(self.number, _FRAMES), tracklet_id=name, identity=identity, camera=camera)
        self._write(address, request("POST", "/tracklets", body), name, identity)
        self.there.append(name)

    def _change(self, address: Address) -> None:
        name, identity = self.choices.choice(self.there), f"p{self.choices.randrange(5)}"
        data = json_request("PATCH", f"/tracklets/{name}", {"identity": identity})
        self._write(address, data, name, identity)

    def _erase(self, address: Address) -> None:
        name = self.there.pop(self.choices.randrange(len(self.there)))
        self._write(address, request("DELETE", f"/tracklets/{name}"), name, None)

    def _write(self, address: Address, data: bytes, name: str, identity: str | None) -> None:
        begun = time.monotonic()
        answer = ask(address, data)
        if answer.status >= 300:
            self.unexpected.append(f"{answer.status} {answer.code}")
        self.history.writes.append(Write(name, identity, begun, time.monotonic()))

    def _list(self, address: Address) -> None:
        identity = self.choices.choice([None, "p1", "p2"])
        path = "/tracklets?limit=500" + (f"&identity={identity}" if identity else "")
        begun = time.monotonic()
        page = ask(address, request("GET", path)).json()
        done = time.monotonic()
        seen = {one["tracklet_id"]: one["identity"] for one in page["items"]}
        if identity and set(seen.values()) - {identity}:
            self.history.leaks.append(f"a listing of {identity} shows {sorted(seen.values())}")
        whole = identity is None and page["next_cursor"] is None
        self._read(seen, begun, done, whole=whole)

    def _query(self, address: Address) -> None:
        camera = self.choices.choice(_CAMERAS)
        body = form(
            crops(self.choices.randrange(50), _FRAMES),
            cameras=camera,
            top_k=100,
            tracklets_per_identity=50,
        )
        begun = time.monotonic()
        answer = ask(address, request("POST", "/query", body)).json()
        done = time.monotonic()
        hits = [(one["identity"], hit) for one in answer["results"] for hit in one["tracklets"]]
        if any(hit["camera"] != camera for _, hit in hits):
            self.history.leaks.append(f"a query of {camera} shows another camera")
        seen = {hit["tracklet_id"]: identity for identity, hit in hits}
        self._read(seen, begun, done, whole=False)

    def _read(self, seen: dict[str, str], begun: float, done: float, *, whole: bool) -> None:
        mine = {name: identity for name, identity in seen.items() if name.startswith("k")}
        self.history.reads.append(Read(mine, begun, done, whole))


def _index(archive: Path, gallery: Path) -> int:
    """The command that indexes, beside the service; its exit code."""
    words = ["index", str(archive), "--gallery", str(gallery), "--device", "cpu"]
    done = subprocess.run(
        [sys.executable, "-m", "service.cli", *words],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
    )
    return done.returncode


def run(seed: int, quick: bool) -> Tally:
    tally = Tally()
    for number in range(1 if quick else 4):
        with tempfile.TemporaryDirectory() as folder:
            _one(Path(folder), seed * 100 + number, 5.0 if quick else 15.0, tally)
    return tally


def _one(folder: Path, seed: int, seconds: float, tally: Tally) -> None:
    history = History()
    clients = [Client(f"k{number}", seed, history) for number in range(_CLIENTS)]
    archive = write_archive(folder / "archive", 30, seed)
    with Service(folder / "gallery") as service, ThreadPoolExecutor(_CLIENTS + 1) as pool:
        indexing = pool.submit(_index, archive, folder / "gallery")
        done = [pool.submit(client.work, service.address, seconds) for client in clients]
        tally.count("operations", sum(one.result() for one in done))
        tally.expect(indexing.result() == 0, "indexing beside the service failed")
        indexed = ask(service.address, request("GET", "/status")).json()["gallery"]["tracklets"]
    left = sum(len(client.there) for client in clients)
    tally.expect(indexed == left + 30, f"{indexed} tracklets where {left + 30} belong")
    violations = history.violations()
    unexpected = [text for client in clients for text in client.unexpected]
    tally.count("histories")
    tally.count("writes", len(history.writes))
    tally.count("reads", len(history.reads))
    tally.count("violations", len(violations))
    tally.expect(not violations, f"{violations[:2]}")
    tally.expect(not unexpected, f"unexpected answers: {unexpected[:3]}")


HISTORIES = Campaign(
    name="histories",
    title="many clients at once, and `sightline index` beside them",
    run=run,
    done="{histories} histories of 5 clients over HTTP while an archive was indexed into the same "
    "gallery; {writes} writes and {reads} reads checked against each other",
    seen="{violations} violations: an answered erasure seen again, an answered enrolment not seen, "
    "a label that was not there, a result that fails its filter",
)
