"""A disk that stops syncing under the real service: what was answered before is there afterwards.

The service is started with a switch: upon a signal every fsync of its process fails with EIO. Then
clients go on enrolling and asking, the service is killed, and a good disk shows what is there.
"""

import random
import signal
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.faulty_disk import fail_from_now_on, is_possible
from benchmarks.kills import labels
from benchmarks.serving import Service
from benchmarks.tally import Campaign, Tally
from benchmarks.traffic import Address, Dropped, ask, crops, form, request
from indexer.gallery import open_gallery

_CLIENTS = 3
_FRAMES = 2
_WITH_SWITCH = ("-m", "benchmarks.sync_faults")


class Round:
    """One disk that fails."""

    def __init__(self, number: int, tally: Tally) -> None:
        self.number, self.tally = number, tally
        self.answered: set[str] = set()
        self.asked: set[str] = set()
        self.over = threading.Event()

    def go(self, gallery: Path, delay: float) -> None:
        with Service(gallery, program=_WITH_SWITCH) as service:
            with ThreadPoolExecutor(_CLIENTS) as pool:
                done = [
                    pool.submit(self._work, service.address, client) for client in range(_CLIENTS)
                ]
                time.sleep(delay)
                service.process.send_signal(signal.SIGUSR1)
                time.sleep(0.5)
                self._read_on(service.address)
                self.over.set()
                for one in done:
                    one.result()
            service.kill()
        self._compare(gallery)

    def _work(self, address: Address, client: int) -> None:
        number = 0
        while not self.over.is_set():
            name = f"r{self.number}-{client}-{number}"
            number += 1
            self.asked.add(name)
            try:
                answer = ask(
                    address,
                    request("POST", "/tracklets", form(crops(number, _FRAMES), tracklet_id=name)),
                )
            except Dropped:
                self.tally.expect(False, "an answer was dropped")
                return
            if answer.status == 201:
                self.answered.add(name)
                self.tally.count("acknowledged")
            else:
                good = answer.code == "storage_failed"
                self.tally.count("refused", good)
                self.tally.expect(good, f"enrolling: {answer.status} {answer.code}")

    def _read_on(self, address: Address) -> None:
        answer = ask(address, request("POST", "/query", form(crops(1, _FRAMES))))
        self.tally.count("reads", answer.status == 200)
        self.tally.expect(answer.status == 200, f"a query was answered {answer.status}")

    def _compare(self, gallery: Path) -> None:
        with open_gallery(gallery, model_id=None, width=None, create=False) as opened:
            there = {name for name in labels(opened) if name.startswith(f"r{self.number}-")}
            findings = opened.verify().findings
        lost, unasked = self.answered - there, there - self.asked
        self.tally.count("lost", len(lost))
        self.tally.count("findings", len(findings))
        self.tally.expect(not lost, "an acknowledged tracklet is gone")
        self.tally.expect(not unasked and not findings, f"verify: {findings[:1]}")


def run(seed: int, quick: bool) -> Tally:
    tally, choices = Tally(), random.Random(seed)
    if not is_possible():
        return tally
    with tempfile.TemporaryDirectory() as folder:
        for number in range(2 if quick else 12):
            Round(number, tally).go(Path(folder) / "gallery", choices.uniform(0.2, 1.0))
            tally.count("faults")
    return tally


SYNC_FAULTS = Campaign(
    name="sync-faults",
    title="fsync fails under the service",
    run=run,
    done="{faults} disks that stop syncing amid enrolments; {acknowledged} acknowledged before, "
    "{refused} refused with 503 `storage_failed` after, then killed",
    seen="{lost} acknowledged tracklets lost, {reads} of {faults} queries answered meanwhile, "
    "{findings} findings of `verify`",
)


def main() -> None:
    """The service with the switch."""
    from service.cli import main as sightline

    signal.signal(signal.SIGUSR1, lambda *_: fail_from_now_on())
    sys.argv[0] = "sightline"
    sightline()


if __name__ == "__main__":
    main()
