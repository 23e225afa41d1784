"""A full disk under the real service: 507 for what would be stored, reading and erasing go on.

The gallery lies on a small disk of its own (a tmpfs in a namespace), or the service's files may not
grow beyond a limit. It is filled over HTTP until it answers 507, then every gap is filled.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from benchmarks.machine import ROOT
from benchmarks.residues import read_files, traces_of
from benchmarks.serving import Service, environment
from benchmarks.tally import Campaign, Tally
from benchmarks.traffic import Address, Answer, ask, crops, form, get, json_request, request

_FRAMES = 16
_GALLERY = (sys.executable, "-m", "service.cli", "gallery")


class FullDisk:
    """One gallery on one disk."""

    def __init__(self, folder: Path, *, on_small_disk: bool, tally: Tally) -> None:
        self.folder, self.gallery = folder, folder / "gallery"
        self.on_small_disk, self.tally = on_small_disk, tally
        self.taken: list[str] = []

    def go(self, log: Path) -> None:
        with Service(self.gallery, log=log) as service:
            self._fill(service.address)
            self._read_on(service.address)
            for name in self.taken[:3]:
                self._fill_gaps()
                self._erase(service.address, name)
            service.stop()
        self._fill_gaps()
        # Started anew on the full disk, it reads and erases as well.
        with Service(self.gallery, log=log) as service:
            self._read_on(service.address)
            for name in self.taken[3:5]:
                self._erase(service.address, name)
                self._fill_gaps()
            service.stop()
        verified = self._command("verify")
        self.tally.expect(verified == 0, "verify finds something after a full disk")
        self._fill_gaps()
        self.tally.expect(self._command("erase", "--tracklet", self.taken[5]) == 0, "the command")

    def _fill(self, address: Address) -> None:
        while True:
            name = f"t{len(self.taken)}"
            answer = self._enrol(address, name)
            if answer.status != 201:
                break
            self.taken.append(name)
        self.tally.count("taken", len(self.taken))
        self._refused(answer)
        self._fill_gaps()
        self._refused(self._enrol(address, "another"))
        changes = json_request("PATCH", "/tracklets/t1", {"camera": "another"})
        self._refused(ask(address, changes), or_done=not self.on_small_disk)

    def _enrol(self, address: Address, name: str) -> Answer:
        seed = int(name[1:]) if name[1:].isdigit() else 0
        body = form(crops(seed, _FRAMES), tracklet_id=name, identity=f"p{seed}")
        return ask(address, request("POST", "/tracklets", body))

    def _refused(self, answer: Answer, *, or_done: bool = False) -> None:
        good = answer.code == "storage_full" or (or_done and answer.status == 200)
        self.tally.count("refused", answer.code == "storage_full")
        self.tally.count("other_answers", not good)
        self.tally.expect(good, f"a write was answered {answer.status} {answer.code}")

    def _read_on(self, address: Address) -> None:
        answers = [
            ask(address, request("POST", "/query", form(crops(7, _FRAMES)))),
            ask(address, request("POST", "/query", form(tracklet_id=self.taken[6]))),
            ask(address, request("GET", f"/tracklets/{self.taken[6]}")),
            ask(address, request("GET", f"/tracklets/{self.taken[6]}/frames/0")),
            ask(address, request("GET", "/readyz")),
        ]
        self.tally.count("reads", len(answers))
        bad = [f"{answer.status} {answer.code}" for answer in answers if answer.status != 200]
        self.tally.expect(not bad, f"reading failed: {bad}")
        found = answers[0].json()["results"][0]["tracklets"][0]["tracklet_id"]
        self.tally.expect(found == "t7", "the wrong one was found")
        items = get(address, "/tracklets?limit=500")["items"]
        there = {one["tracklet_id"] for one in items}
        lost = set(self.taken[5:]) - there
        self.tally.count("lost", len(lost))
        self.tally.expect(not lost, "what was acknowledged is gone")

    def _erase(self, address: Address, name: str) -> None:
        (traces,) = traces_of(self.gallery, [name])
        answer = ask(address, request("DELETE", f"/tracklets/{name}"))
        self.tally.count("erasures", answer.status == 204)
        self.tally.expect(answer.status == 204, f"erasing: {answer.status} {answer.code}")
        left = traces.found_in(read_files(self.gallery))
        self.tally.count("residues", len(left))
        self.tally.expect(not left, "bytes of an erased tracklet are left")

    def _fill_gaps(self) -> None:
        if not self.on_small_disk:
            return
        with (self.folder / "filler").open("ab", buffering=0) as filler:
            try:
                while True:
                    filler.write(bytes(4096))
            except OSError:
                pass

    def _command(self, *words: str) -> int:
        done = subprocess.run(
            [*_GALLERY, *words, "--gallery", str(self.gallery)],
            cwd=ROOT,
            env=environment(),
            capture_output=True,
        )
        return done.returncode


def can_mount() -> bool:
    """Whether this user may have a small disk of their own."""
    with tempfile.TemporaryDirectory() as folder:
        return _in_namespace(folder, "1m", "true").returncode == 0


def _in_namespace(folder: str, size: str, then: str) -> "subprocess.CompletedProcess[str]":
    """Mount a small disk at `folder`, for this one command alone."""
    words = f"mount -t tmpfs -o size={size} none {folder} && exec {then}"
    return subprocess.run(
        ["unshare", "-rm", "sh", "-c", words],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
    )


def _inside(folder: Path, log: Path) -> None:
    """The campaign on a disk that has been mounted at `folder`."""
    tally = Tally()
    FullDisk(folder, on_small_disk=True, tally=tally).go(log)
    print(json.dumps(asdict(tally)))


def _on_small_disk(size: str) -> Tally:
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as aside:
        log = Path(aside) / "service.log"
        python = f"{sys.executable} -m benchmarks.full_disk {folder} {log}"
        done = _in_namespace(folder, size, python)
        if done.returncode:
            logged = log.read_text()[-2000:] if log.exists() else ""
            raise RuntimeError(done.stderr[-4000:] + logged)
        return Tally(**json.loads(done.stdout))


def _with_file_limit(megabytes: int) -> Tally:
    tally = Tally()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (megabytes * 2**20, hard))
    try:
        with tempfile.TemporaryDirectory() as folder:
            FullDisk(Path(folder), on_small_disk=False, tally=tally).go(Path(folder) / "log")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    return tally


def run(seed: int, quick: bool) -> Tally:
    """The disks have other sizes with other seeds."""
    tally = Tally()
    disks = [f"{4096 + 512 * (seed % 7)}k", "24m"] if can_mount() else []
    for size in disks[: 1 if quick else 2]:
        tally.add(_on_small_disk(size))
        tally.count("disks")
    for megabytes in (4,) if quick else (4, 9):
        tally.add(_with_file_limit(megabytes))
        tally.count("limits")
    return tally


FULL_DISK = Campaign(
    name="full-disk",
    title="a full disk under the service",
    run=run,
    done="{disks} small disks and {limits} file size limits filled with {taken} tracklets; "
    "{refused} writes refused with 507",
    seen="{other_answers} other answers to them, {reads} reads answered, {lost} acknowledged "
    "tracklets lost, {erasures} erased on the full disk with {residues} residues",
)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("log", type=Path)
    given = parser.parse_args()
    os.umask(0o077)
    _inside(given.folder, given.log)
