"""kill -9 of the service while several clients write: what was answered with 2xx stays true.

Each client has tracklets and identities of its own, so that it knows what ought to be there; what
it had asked for without an answer when the kill came may have happened or not.
"""

import random
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from benchmarks.expected import Expected, Labels, Step, often
from benchmarks.kills import everything
from benchmarks.serving import Service
from benchmarks.tally import Campaign, Tally
from benchmarks.traffic import Address, Answer, Dropped, ask, crops, form, json_request, request
from indexer.gallery import open_gallery

_CLIENTS = 4
_FRAMES = 2
_LONGEST_LIFE = 1.5


@dataclass
class Client:
    """One caller, who writes until nobody answers any more."""

    name: str
    choices: random.Random
    expected: Expected = field(default_factory=Expected)
    under_way: Step | None = None
    acknowledged: int = 0
    unexpected: list[str] = field(default_factory=list)
    _number: int = 0

    def work(self, address: Address) -> None:
        while True:
            step = self._next()
            self.under_way = step
            try:
                answer = ask(address, _request(step, self._number))
            except (Dropped, OSError):
                return
            if answer.status >= 300:
                self.unexpected.append(f"{step[0]}: {answer.status} {answer.code}")
            else:
                self.expected.take(step, _merge_id(step, answer))
                self.acknowledged += 1
            self.under_way = None

    def _next(self) -> Step:
        self._number += 1
        there, identities = sorted(self.expected.tracklets), self.expected.identities()
        mine = [f"{self.name} {letter}" for letter in "abc"]
        identity, camera = self.choices.choice(mine), self.choices.choice(["c1", "c2"])
        steps = often(5, "enrol", f"{self.name}-{self._number}", identity, camera)
        if there:
            some = self.choices.choice(there)
            steps += often(2, "patch", some, identity, camera) + often(2, "erase", some)
        if identities:
            others = [one for one in mine if one != identities[0]]
            steps += often(2, "merge", identities[0], self.choices.choice(others))
            steps += often(1, "erase_identity", self.choices.choice(identities))
        if self.expected.merges:
            steps += often(1, "undo", self.choices.choice(sorted(self.expected.merges)))
        return self.choices.choice(steps)


def _request(step: Step, number: int) -> bytes:
    kind, *what = step
    name = quote(str(what[0]), safe="")
    if kind == "enrol":
        fields: dict[str, Any] = {"tracklet_id": what[0], "identity": what[1], "camera": what[2]}
        return request("POST", "/tracklets", form(crops(number, _FRAMES), **fields))
    if kind == "patch":
        changes = {"identity": what[1], "camera": what[2]}
        return json_request("PATCH", f"/tracklets/{name}", changes)
    if kind == "merge":
        return json_request("POST", f"/identities/{name}/merge", {"into": what[1]})
    if kind == "undo":
        return request("POST", f"/merges/{name}/undo", b"", kind=b"application/json")
    return request("DELETE", f"/{'tracklets' if kind == 'erase' else 'identities'}/{name}")


def _merge_id(step: Step, answer: Answer) -> str | None:
    return str(answer.json()["merge_id"]) if step[0] == "merge" else None


def campaign(folder: Path, kills: int, seed: int) -> Tally:
    choices = random.Random(seed)
    tally = Tally()
    names = [f"k{number}" for number in range(_CLIENTS)]
    clients = [Client(name, random.Random(f"{seed} {name}")) for name in names]
    for _ in range(kills):
        with Service(folder / "gallery") as service:
            killer = threading.Timer(choices.uniform(0.1, _LONGEST_LIFE), service.kill)
            killer.start()
            with ThreadPoolExecutor(_CLIENTS) as pool:
                list(pool.map(lambda client: client.work(service.address), clients))
            killer.join()
        tally.count("kills")
        _check(folder / "gallery", clients, tally)
    tally.count("acknowledged", sum(client.acknowledged for client in clients))
    unexpected = [text for client in clients for text in client.unexpected]
    tally.count("unexpected", len(unexpected))
    tally.expect(not unexpected, f"unexpected answers: {unexpected[:3]}")
    return tally


def _check(gallery: Path, clients: list[Client], tally: Tally) -> None:
    with open_gallery(gallery, model_id=None, width=None, create=False) as opened:
        items = everything(opened)
        findings = opened.verify().findings
        kept = [len(opened.pictures(one.tracklet_id, actor="check")) for one in items]
        torn = [count for count in kept if count != _FRAMES]
    there = {one.tracklet_id: (one.identity, one.camera) for one in items}
    tally.count("findings", len(findings))
    tally.expect(not findings, f"verify: {findings[:1]}")
    tally.count("torn", len(torn))
    tally.expect(not torn, "a tracklet without its pictures")
    for client in clients:
        mine = {name: one for name, one in there.items() if name.startswith(f"{client.name}-")}
        _compare(client, mine, tally)


def _compare(client: Client, there: dict[str, Labels], tally: Tally) -> None:
    step, client.under_way = client.under_way, None
    tally.count("interrupted", step is not None)
    if step is not None and there != client.expected.tracklets:
        if there == client.expected.after(step):
            client.expected.tracklets = there
            client.expected.merges.clear()
        else:
            tally.count("half_done")
            tally.expect(False, f"{step[0]} was left half done, or more was lost")
    wrong = sum(there.get(name) != labels for name, labels in client.expected.tracklets.items())
    back = sum(name not in client.expected.tracklets for name in there)
    tally.count("lost", wrong)
    tally.count("brought_back", back)
    tally.expect(not wrong and not back, "what was answered is not what is there")
    client.expected.tracklets = there
    # Ids of merges stay valid, but those that the lost answer made are unknown.
    client.expected.merges.clear()


def run(seed: int, quick: bool) -> Tally:
    with tempfile.TemporaryDirectory() as folder:
        return campaign(Path(folder), 3 if quick else 40, seed)


SERVICE_KILLS = Campaign(
    name="service-kills",
    title="kill -9 of the service",
    run=run,
    done="{kills} kills while 4 clients enrol, patch, merge, undo and erase over HTTP; "
    "{acknowledged} answers with 2xx",
    seen="{lost} answered rows lost or wrong, {brought_back} erased ones back, {torn} torn, "
    "{half_done} half done, {findings} findings of `verify`",
)
