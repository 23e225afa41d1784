"""kill -9 in the middle of enrolling and erasing: what was acknowledged must be true afterwards.

    python benchmarks/kills.py --kills 200 --seed 1

A child process enrols and erases in a gallery and tells, through a pipe, what it is about to do and
what has been answered. It is killed at a random moment; then the gallery is opened, verified and
compared with the pipe. Prints JSON; exit 1 where anything was lost, torn or brought back.
"""

import argparse
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from indexer.gallery import LocalGallery, open_gallery
from indexer.records import Filter, NewTracklet

MODEL = "0123456789abcdef"
WIDTH = 256
PICTURES = 4
_LONGEST_LIFE = 0.25


@dataclass
class Tally:
    """What a campaign saw."""

    kills: int = 0
    acknowledged: int = 0
    unacknowledged_kept: int = 0
    lost: list[str] = field(default_factory=list)
    torn: list[str] = field(default_factory=list)
    brought_back: list[str] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not (self.lost or self.torn or self.brought_back or self.findings)


def made_up(tracklet_id: str) -> NewTracklet:
    """A tracklet that follows from its id alone, so that it can be compared afterwards."""
    digest = hashlib.sha256(tracklet_id.encode()).digest()
    rng = np.random.default_rng(np.frombuffer(digest, np.uint32))
    vector = rng.standard_normal(WIDTH)
    return NewTracklet(
        tracklet_id=tracklet_id,
        content_sha256=digest,
        model_id=MODEL,
        embedding=(vector / np.linalg.norm(vector)).astype(np.float32),
        temporal_attention=(1 / PICTURES,) * PICTURES,
        received=PICTURES,
        sampled=tuple(range(PICTURES)),
        pictures=[rng.bytes(int(rng.integers(100, 9000))) for _ in range(PICTURES)],
        identity=f"p{digest[0] % 20}",
        camera=f"c{digest[1] % 4}",
    )


def work(folder: Path, life: int, seed: int) -> None:
    """What the child does until it is killed."""
    choices = random.Random(f"{seed} {life}")
    with open_gallery(folder, model_id=MODEL, width=WIDTH, create=True, threads=1) as gallery:
        mine: list[str] = []
        number = 0
        while True:
            if mine and choices.random() < 0.2:
                tracklet_id = mine.pop(choices.randrange(len(mine)))
                _tell("erasing", tracklet_id)
                gallery.erase(tracklet_id, actor="child")
                _tell("erased", tracklet_id)
            else:
                tracklet_id = f"life{life}-{number}"
                number += 1
                _tell("enrolling", tracklet_id)
                gallery.enrol(made_up(tracklet_id), actor="child")
                _tell("enrolled", tracklet_id)
                mine.append(tracklet_id)


def campaign(folder: Path, kills: int, seed: int) -> Tally:
    """Kill `kills` children one after the other in one gallery, checking after each."""
    choices = random.Random(seed)
    tally, present = Tally(), set[str]()
    for life in range(kills):
        lines = _one_life(folder, life, seed, choices.uniform(0, _LONGEST_LIFE))
        undecided = _follow(lines, present)
        tally.kills += 1
        tally.acknowledged += sum(done in {"enrolled", "erased"} for done, _ in lines)
        with open_gallery(folder, model_id=MODEL, width=WIDTH, create=True, threads=1) as gallery:
            _check(gallery, present, undecided, tally)
    return tally


def _one_life(folder: Path, life: int, seed: int, span: float) -> list[tuple[str, str]]:
    """Run and kill one child; what it told, as (done, tracklet id)."""
    child = subprocess.Popen(
        [sys.executable, __file__, "--child", str(folder), str(life), "--seed", str(seed)],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1]), "OMP_NUM_THREADS": "1"},
    )
    assert child.stdout is not None
    with child:
        first = child.stdout.readline()
        time.sleep(span)
        child.send_signal(signal.SIGKILL)
        told = (first + child.stdout.read()).decode()
    return [(done, tracklet_id) for done, tracklet_id in map(str.split, told.splitlines())]


def _follow(lines: list[tuple[str, str]], present: set[str]) -> str | None:
    """Bring `present` up to what was acknowledged; the id of what was still under way."""
    undecided = None
    for done, tracklet_id in lines:
        if done in {"enrolling", "erasing"}:
            undecided = tracklet_id
            continue
        undecided = None
        if done == "enrolled":
            present.add(tracklet_id)
        else:
            present.discard(tracklet_id)
    return undecided


def _check(gallery: LocalGallery, present: set[str], undecided: str | None, tally: Tally) -> None:
    there, cursor = set[str](), None
    while True:
        page = gallery.list(Filter(), limit=500, cursor=cursor)
        there |= {one.tracklet_id for one in page.items}
        if (cursor := page.next_cursor) is None:
            break
    # What was under way when the kill came may have happened or not.
    if undecided is not None:
        tally.unacknowledged_kept += undecided in there - present
        (present.add if undecided in there else present.discard)(undecided)
    tally.lost += sorted(present - there)
    tally.brought_back += sorted(there - present)
    tally.torn += [one for one in sorted(there) if not _whole(gallery, one)]
    tally.findings += [repr(finding) for finding in gallery.verify().findings]


def _whole(gallery: LocalGallery, tracklet_id: str) -> bool:
    made = made_up(tracklet_id)
    same_vector = np.array_equal(
        gallery.embedding(tracklet_id), made.embedding.astype(np.float16).astype(np.float32)
    )
    return same_vector and list(gallery.pictures(tracklet_id, actor="kills")) == list(made.pictures)


def _tell(done: str, tracklet_id: str) -> None:
    os.write(1, f"{done} {tracklet_id}\n".encode())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--child", nargs=2, metavar=("FOLDER", "LIFE"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child is not None:
        work(Path(given.child[0]), int(given.child[1]), given.seed)
        return
    with tempfile.TemporaryDirectory() as folder:
        tally = campaign(Path(folder) / "gallery", given.kills, given.seed)
    print(json.dumps({"seed": given.seed, "ok": tally.ok} | asdict(tally), indent=2))
    sys.exit(not tally.ok)


if __name__ == "__main__":
    main()
