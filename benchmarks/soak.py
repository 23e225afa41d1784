"""Thousands of mixed requests to one process: its memory must level off, and nothing may be a 5xx.

Tracklets of 1 to 40 frames of several sizes and formats, clips, queries with every option, changes,
merges, erasures, listings, and uploads that are refused. The gallery stays at about the same size,
so that what grows is a leak.
"""

import random
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote

import cv2
import numpy as np

from benchmarks.serving import Service, memory
from benchmarks.tally import Campaign, Tally
from benchmarks.traffic import Address, Answer, ask, crops, form, json_request, request

_MOST_TRACKLETS = 60
_SAMPLES = 50
_WARM = 0.3
"""Share of the requests after which memory should have reached its level."""
_GROWTH_MIB = 40


class Client:
    """Asks for everything that can be asked for."""

    def __init__(self, name: str, seed: int, clip: bytes) -> None:
        self.name, self.choices, self.clip = name, random.Random(f"{name} {seed}"), clip
        self.there: list[str] = []
        self.merges: list[str] = []
        self.statuses: Counter[str] = Counter()
        self._number = 0

    def work(self, address: Address, requests: int) -> None:
        for _ in range(requests):
            self._one(address)

    def _one(self, address: Address) -> None:
        kinds = ["query"] * 8 + ["enrol"] * 4 + ["look"] * 5 + ["clip", "wrong", "wrong"]
        kinds += ["again", "change", "merge", "undo", "picture"] if self.there else []
        kinds += ["erase"] * (8 if len(self.there) > _MOST_TRACKLETS else 2) if self.there else []
        kind = self.choices.choice(kinds)
        answer: Answer = getattr(self, f"_{kind}")(address)
        self.statuses[str(answer.status)] += 1

    def _pictures(self) -> list[bytes]:
        height, width = self.choices.choice([(64, 32), (128, 64), (256, 128), (96, 160)])
        count = self.choices.choice([1, 2, 3, 5, 8, 16, 32, 40])
        return crops(self.choices.randrange(40), count, height=height, width=width)

    def _query(self, address: Address) -> Answer:
        options: list[dict[str, Any]] = [
            {},
            {"top_k": 100},
            {"cameras": "c1"},
            {"explain": "spatial"},
            {"min_score": 0.5},
        ]
        fields = self.choices.choice(options)
        return ask(address, request("POST", "/query", form(self._pictures(), **fields)))

    def _again(self, address: Address) -> Answer:
        body = form(tracklet_id=self.choices.choice(self.there), explain="frames")
        return ask(address, request("POST", "/query", body))

    def _clip(self, address: Address) -> Answer:
        return ask(address, request("POST", "/query", form(clip=self.clip)))

    def _enrol(self, address: Address) -> Answer:
        self._number += 1
        name = f"{self.name}-{self._number}"
        camera, identity = self.choices.choice(["c1", "c2"]), f"p{self.choices.randrange(12)}"
        body = form(self._pictures(), tracklet_id=name, camera=camera, identity=identity)
        answer = ask(address, request("POST", "/tracklets", body))
        if answer.status == 201:
            self.there.append(name)
        return answer

    def _wrong(self, address: Address) -> Answer:
        good = self._pictures()[0]
        body = self.choices.choice(
            [
                form([good[: len(good) // 2]]),
                form([good, b"no picture"]),
                form(clip=self.clip[:500]),
                form([good], camera="../.."),
                form(),
                b"no form",
            ]
        )
        return ask(address, request("POST", "/query", body))

    def _look(self, address: Address) -> Answer:
        paths = ["/tracklets?limit=50", "/identities", "/cameras", "/status", "/audit", "/metrics"]
        return ask(address, request("GET", self.choices.choice(paths)))

    def _picture(self, address: Address) -> Answer:
        return ask(
            address, request("GET", f"/tracklets/{self.choices.choice(self.there)}/frames/0")
        )

    def _change(self, address: Address) -> Answer:
        changes = {"identity": f"p{self.choices.randrange(12)}", "attributes": {"seen": True}}
        return ask(
            address, json_request("PATCH", f"/tracklets/{self.choices.choice(self.there)}", changes)
        )

    def _merge(self, address: Address) -> Answer:
        source, target = self.choices.sample(range(12), 2)
        path = f"/identities/{quote(f'p{source}')}/merge"
        answer = ask(address, json_request("POST", path, {"into": f"p{target}"}))
        if answer.status == 200:
            self.merges.append(answer.json()["merge_id"])
        return answer

    def _undo(self, address: Address) -> Answer:
        merge = self.merges.pop() if self.merges else "0"
        return ask(address, request("POST", f"/merges/{merge}/undo", b"", kind=b"application/json"))

    def _erase(self, address: Address) -> Answer:
        name = self.there.pop(self.choices.randrange(len(self.there)))
        return ask(address, request("DELETE", f"/tracklets/{name}"))


def a_clip(folder: Path) -> bytes:
    """Two seconds of somebody, as mp4."""
    path = folder / "clip.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 10, (64, 128))
    for number in range(20):
        writer.write(np.full((128, 64, 3), 10 * number, np.uint8))
    writer.release()
    return path.read_bytes()


def run(seed: int, quick: bool) -> Tally:
    """The whole number in one process: memory of several runs does not add up."""
    requests, tally = 600 if quick else 5000, Tally()
    with tempfile.TemporaryDirectory() as folder, Service(Path(folder) / "gallery") as service:
        clients = [Client(name, seed, a_clip(Path(folder))) for name in ("a", "b")]
        sizes, own = [service.rss()], [memory(service.process.pid, "RssAnon")]
        share = requests // _SAMPLES // len(clients)
        for _ in range(_SAMPLES):
            with ThreadPoolExecutor(len(clients)) as pool:
                done = [pool.submit(one.work, service.address, share) for one in clients]
                for one in done:
                    one.result()
            sizes.append(service.rss())
            own.append(memory(service.process.pid, "RssAnon"))
        peak = memory(service.process.pid, "VmHWM")
        open_files = len(list(Path(f"/proc/{service.process.pid}/fd").iterdir()))
    statuses = clients[0].statuses + clients[1].statuses
    failures = {status: count for status, count in statuses.items() if status.startswith("5")}
    mebibytes = [size / 2**20 for size in sizes]
    warm = max(mebibytes[: int(_WARM * _SAMPLES) + 1])
    tally.count("requests", statuses.total())
    tally.count("failures", sum(failures.values()))
    tally.measured = {
        "statuses": dict(sorted(statuses.items())),
        "rss": [round(size) for size in mebibytes],
        # Without files that are mapped, which the system may take back at any time.
        "anonymous": [round(size / 2**20) for size in own],
        "start": round(mebibytes[0]),
        "warm": round(warm),
        "end": round(mebibytes[-1]),
        "peak": round(peak / 2**20),
        "open_files": open_files,
    }
    tally.expect(not failures, f"answers of the 500 kind: {failures}")
    grown = mebibytes[-1] - warm
    tally.expect(grown <= _GROWTH_MIB, f"memory grew by {grown:.0f} MiB after warming up")
    return tally


SOAK = Campaign(
    name="soak",
    title="memory over thousands of mixed requests",
    run=run,
    done="{requests} mixed requests to one process: enrol, query, clips, changes, merges, "
    "erasures, listings, refused uploads",
    seen="{failures} answers of the 500 kind; RSS {start} MiB at the start, {warm} MiB at most in "
    "the first 30 %, {end} MiB at the end, peak {peak} MiB; {open_files} open files at the end",
)
