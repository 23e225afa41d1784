"""kill -9 of `sightline index`: nothing twice, nothing left out, the gallery whole.

An archive of pictures is indexed with the bundle that ships, by the real command, which is killed
again and again until it has been through; then it all starts anew.
"""

import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from benchmarks.machine import ROOT
from benchmarks.serving import environment
from benchmarks.tally import Campaign, Tally
from benchmarks.traffic import crops
from indexer.gallery import open_gallery
from indexer.store import FILE

_TRACKLETS = 60
_FRAMES = 3


def write_archive(folder: Path, tracklets: int, seed: int) -> Path:
    """`<camera>/<tracklet>/*.jpg`."""
    for number in range(tracklets):
        place = folder / f"c{number % 3}" / f"t{number}"
        place.mkdir(parents=True)
        for count, picture in enumerate(crops(seed * 1000 + number, _FRAMES)):
            (place / f"{count}.jpg").write_bytes(picture)
    return folder


def campaign(folder: Path, kills: int, seed: int) -> Tally:
    """`kills` kills, in as many galleries as it takes."""
    choices = random.Random(seed)
    archive = write_archive(folder / "archive", _TRACKLETS, seed)
    tally = Tally()
    span = _whole_run(archive, folder / "first", tally)
    number, known = 0, Counter[bytes]()
    while tally.counts.get("kills", 0) < kills:
        gallery = folder / f"gallery-{number}"
        # Most of a run is its start: kills are wanted where rows are written.
        if _killed(archive, gallery, choices.uniform(0.4 * span, 1.1 * span)):
            tally.count("kills")
            known = _check(gallery, known, tally)
            continue
        known = _check(gallery, known, tally)
        complete = len(known) == _TRACKLETS
        tally.expect(complete, "a tracklet was left out")
        tally.count("left_out", _TRACKLETS - len(known))
        tally.count("runs_completed")
        number, known = number + 1, Counter()
    return tally


def _command(archive: Path, gallery: Path) -> list[str]:
    given = ["index", str(archive), "--gallery", str(gallery), "--device", "cpu"]
    return [sys.executable, "-m", "service.cli", *given]


def _whole_run(archive: Path, gallery: Path, tally: Tally) -> float:
    started = time.monotonic()
    subprocess.run(
        _command(archive, gallery), cwd=ROOT, env=environment(), capture_output=True, check=True
    )
    span = time.monotonic() - started
    _check(gallery, Counter(), tally)
    return span


def _killed(archive: Path, gallery: Path, after: float) -> bool:
    """Whether the kill came before the end."""
    child = subprocess.Popen(
        _command(archive, gallery),
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        child.wait(after)
    except subprocess.TimeoutExpired:
        child.send_signal(signal.SIGKILL)
    return child.wait() == -signal.SIGKILL


def _check(gallery: Path, before: Counter[bytes], tally: Tally) -> Counter[bytes]:
    """How often each tracklet was enrolled, by the audit log; none of `before` may be gone."""
    if not (gallery / FILE).exists():
        return Counter()
    with open_gallery(gallery, model_id=None, width=None, create=False) as opened:
        findings = opened.verify().findings
        stored = opened.stats().tracklets
    connection = sqlite3.connect(gallery / FILE)
    entries = connection.execute("SELECT subject_hash FROM audit WHERE action = 'enrol'")
    enrolled = Counter(row[0] for row in entries)
    connection.close()
    tally.count("findings", len(findings))
    tally.expect(not findings, f"verify: {findings[:1]}")
    tally.count("twice", sum(count > 1 for count in enrolled.values()))
    tally.expect(all(count == 1 for count in enrolled.values()), "a tracklet was enrolled twice")
    lost = len(before - enrolled) + (len(enrolled) != stored)
    tally.count("lost", lost)
    tally.expect(not lost, "a tracklet that had been enrolled was gone")
    tally.count("enrolled", max(0, len(enrolled) - len(before)))
    return enrolled


def run(seed: int, quick: bool) -> Tally:
    with tempfile.TemporaryDirectory() as folder:
        return campaign(Path(folder), 4 if quick else 40, seed)


INDEX_KILLS = Campaign(
    name="index-kills",
    title="kill -9 of `sightline index`",
    run=run,
    done="{kills} kills amid an archive's indexing, {runs_completed} archives brought to their end",
    seen="{lost} tracklets lost, {twice} enrolled twice, {left_out} left out, {findings} findings "
    "of `verify`",
)
