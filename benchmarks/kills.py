"""kill -9 amid enrolling, changing, merging, erasing and rebuilding: what was answered stays true.

A child process works on a gallery and tells, through a pipe, what it is about to do and what has
been answered. It is killed at a random moment; then the gallery is opened, verified and compared
with what was told. What was under way has happened as a whole, or not at all.

    python -m benchmarks.reliability --only kills --seed 1
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
from pathlib import Path

import numpy as np

from benchmarks.expected import Expected, Labels, Step, often
from benchmarks.serving import environment
from benchmarks.tally import Campaign, Tally
from indexer.gallery import LocalGallery, open_gallery
from indexer.records import Filter, NewTracklet, Tracklet, TrackletPatch

MODEL = "0123456789abcdef"
WIDTH = 256
PICTURES = 4
_ACTOR = "child"
_IDENTITIES = [f"p{number}" for number in range(6)]
_CAMERAS = [f"c{number}" for number in range(3)]
_LONGEST_LIFE = 0.25


def made_up(tracklet_id: str, identity: str | None, camera: str | None) -> NewTracklet:
    """A tracklet whose content follows from its id, so that it can be compared afterwards."""
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
        identity=identity,
        camera=camera,
    )


def next_step(choices: random.Random, expected: Expected, name: str) -> Step:
    """What to do next; `name` is the id of a tracklet that is not there yet."""
    there, identities = sorted(expected.tracklets), expected.identities()
    identity, camera = choices.choice([None, *_IDENTITIES]), choices.choice(_CAMERAS)
    steps = often(8, "enrol", name, identity, camera)
    if there:
        some = choices.choice(there)
        steps += often(4, "patch", some, identity, camera)
        steps += often(3, "erase", some) + often(1, "rebuild")
    if identities:
        others = [one for one in _IDENTITIES if one != identities[0]]
        steps += often(3, "merge", identities[0], choices.choice(others))
        steps += often(1, "erase_identity", choices.choice(identities))
    if expected.merges:
        steps += often(2, "undo", choices.choice(sorted(expected.merges)))
    return choices.choice(steps)


def do(gallery: LocalGallery, step: Step) -> str | None:
    """Do a step; a merge answers with its id."""
    kind, *what = step
    if kind == "enrol":
        gallery.enrol(made_up(str(what[0]), what[1], what[2]), actor=_ACTOR)
    elif kind == "patch":
        changes = TrackletPatch(identity=what[1], camera=what[2])
        gallery.patch(str(what[0]), changes, actor=_ACTOR)
    elif kind == "merge":
        return gallery.merge(str(what[0]), str(what[1]), actor=_ACTOR).merge_id
    elif kind == "undo":
        gallery.undo_merge(str(what[0]), actor=_ACTOR)
    elif kind == "erase":
        gallery.erase(str(what[0]), actor=_ACTOR)
    elif kind == "erase_identity":
        gallery.erase_identity(str(what[0]), actor=_ACTOR)
    else:
        gallery.rebuild()
    return None


def work(folder: Path, life: int, seed: int) -> None:
    """What the child does until it is killed."""
    choices = random.Random(f"{seed} {life}")
    with _opened(folder) as gallery:
        expected = Expected(labels(gallery))
        number = 0
        while True:
            step = next_step(choices, expected, f"life{life}-{number}")
            number += 1
            _tell({"step": step})
            answer = do(gallery, step)
            _tell({"done": answer})
            expected.take(step, answer)


def campaign(folder: Path, kills: int, seed: int) -> Tally:
    """Kill `kills` children one after the other in one gallery, checking after each."""
    choices = random.Random(seed)
    tally, expected = Tally(), Expected()
    for life in range(kills):
        told = _one_life(folder, life, seed, choices.uniform(0, _LONGEST_LIFE))
        undecided = _follow(told, expected, tally)
        tally.count("kills")
        with _opened(folder) as gallery:
            _check(gallery, expected, undecided, tally)
        # Its merges are the next child's no more: it does not know their ids.
        expected.merges.clear()
    return tally


def _one_life(folder: Path, life: int, seed: int, span: float) -> list[dict[str, object]]:
    """Run and kill one child; what it told."""
    child = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.kills", str(folder), str(life), str(seed)],
        stdout=subprocess.PIPE,
        env=environment() | {"OMP_NUM_THREADS": "1"},
    )
    assert child.stdout is not None
    with child:
        first = child.stdout.readline()
        time.sleep(span)
        child.send_signal(signal.SIGKILL)
        told = (first + child.stdout.read()).splitlines()
    return [json.loads(line) for line in told]


def _follow(told: list[dict[str, object]], expected: Expected, tally: Tally) -> Step | None:
    """Bring `expected` up to what was acknowledged; the step that was still under way."""
    under_way: Step | None = None
    for line in told:
        if "step" in line:
            under_way = line["step"]  # type: ignore[assignment]
            continue
        assert under_way is not None
        answer = line["done"]
        expected.take(under_way, None if answer is None else str(answer))
        tally.count("acknowledged")
        tally.count(f"acknowledged_{under_way[0]}")
        under_way = None
    if under_way is not None:
        tally.count("interrupted")
        tally.count(f"interrupted_{under_way[0]}")
    return under_way


def _check(gallery: LocalGallery, expected: Expected, undecided: Step | None, tally: Tally) -> None:
    there = labels(gallery)
    if undecided is not None and there != expected.tracklets:
        half_done = there != expected.after(undecided)
        tally.expect(not half_done, f"{undecided[0]} was left half done")
        tally.count("half_done", half_done)
        expected.tracklets = dict(there)
    lost = [name for name, wanted in expected.tracklets.items() if there.get(name) != wanted]
    back = [name for name in there if name not in expected.tracklets]
    torn = [name for name in there if not _whole(gallery, name)]
    findings = gallery.verify().findings
    for name, many in (("lost", lost), ("brought_back", back), ("torn", torn)):
        tally.count(name, len(many))
        tally.expect(not many, f"{name.replace('_', ' ')}: {', '.join(many[:3])}")
    tally.count("findings", len(findings))
    tally.expect(not findings, f"verify: {findings[:1]}")


def everything(gallery: LocalGallery) -> list[Tracklet]:
    """All that a gallery lists."""
    found: list[Tracklet] = []
    cursor = None
    while True:
        page = gallery.list(Filter(), limit=500, cursor=cursor)
        found += page.items
        if (cursor := page.next_cursor) is None:
            return found


def labels(gallery: LocalGallery) -> dict[str, Labels]:
    return {one.tracklet_id: (one.identity, one.camera) for one in everything(gallery)}


def _whole(gallery: LocalGallery, tracklet_id: str) -> bool:
    made = made_up(tracklet_id, None, None)
    same_vector = np.array_equal(
        gallery.embedding(tracklet_id), made.embedding.astype(np.float16).astype(np.float32)
    )
    kept = gallery.pictures(tracklet_id, actor=_ACTOR)
    return same_vector and list(kept) == list(made.pictures)


def _opened(folder: Path) -> LocalGallery:
    return open_gallery(folder, model_id=MODEL, width=WIDTH, create=True, threads=1)


def _tell(line: dict[str, object]) -> None:
    os.write(1, json.dumps(line).encode() + b"\n")


def run(seed: int, quick: bool) -> Tally:
    with tempfile.TemporaryDirectory() as folder:
        return campaign(Path(folder) / "gallery", 20 if quick else 150, seed)


KILLS = Campaign(
    name="kills",
    title="kill -9 of a program that uses the gallery",
    run=run,
    done="{kills} kills amid enrol, patch, merge, undo, erase (tracklet, identity) and rebuild; "
    "{acknowledged} steps acknowledged, {interrupted} interrupted",
    seen="{lost} acknowledged rows lost or wrong, {brought_back} erased ones back, {torn} torn, "
    "{half_done} half done, {findings} findings of `verify`",
)


def main() -> None:
    """The child of `campaign`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("life", type=int)
    parser.add_argument("seed", type=int)
    given = parser.parse_args()
    work(given.folder, given.life, given.seed)


if __name__ == "__main__":
    main()
