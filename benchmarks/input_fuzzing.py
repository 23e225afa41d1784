"""Bytes of strangers, by the thousand: pictures, clips, boxes, MOT files, archives, manifests."""

import re
import subprocess
import sys

from benchmarks.fuzz_targets import SECONDS
from benchmarks.machine import ROOT
from benchmarks.serving import environment
from benchmarks.tally import Campaign, Tally


def run(seed: int, quick: bool) -> Tally:
    tally = Tally()
    for name, seconds in SECONDS.items():
        fed, how, failure = feed(name, seed, max(1, seconds // 25) if quick else seconds)
        tally.count("inputs", fed)
        tally.count(name, fed)
        tally.count("with_atheris", fed if how == "atheris" else 0)
        tally.count("failures", bool(failure))
        tally.expect(not failure, f"{name}: {failure}")
        tally.expect(fed > 0, f"{name}: nothing was fed")
    return tally


def feed(name: str, seed: int, seconds: int) -> tuple[int, str, str]:
    """How many inputs a target got, how they were made, and what it did wrong."""
    words = ["-m", "benchmarks.fuzz_targets", name, str(seed), str(seconds)]
    done = subprocess.run(
        [sys.executable, *words], cwd=ROOT, env=environment(), capture_output=True, text=True
    )
    said = done.stdout + done.stderr
    with_atheris = re.search(r"number_of_executed_units:\s*(\d+)", said)
    plainly = re.search(r"fed (\d+) plainly", said)
    failure = said[-300:].replace("\n", " ") if done.returncode else ""
    if with_atheris:
        return int(with_atheris[1]), "atheris", failure
    return int(plainly[1]) if plainly else 0, "plainly", failure


INPUT_FUZZING = Campaign(
    name="input-fuzzing",
    title="nonsense for every parser",
    run=run,
    done="{inputs} inputs: {image} pictures, {clip} clips, {boxes} lists of boxes, {mot} MOT "
    "files, {archive} archive trees, {manifest} manifests, {json} JSON texts; {with_atheris} of "
    "them led by atheris",
    seen="{failures} parsers that did anything but take or refuse",
)
