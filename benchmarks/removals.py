"""Every protection taken away, one at a time: the tests that stand for it must fail then.

    python -m benchmarks.removals                      # all of them, a quarter of an hour
    python -m benchmarks.removals --fault overload     # one row's, nothing is kept
    python -m benchmarks.removals --list

What is taken away, and what must fail, stands in `benchmarks/removals.toml`. It happens in a copy
of the tree; this one stays as it is. A removal is caught by a test that fails: not by one that
cannot be collected, is skipped, or hangs.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from queue import Queue
from typing import Any, Final, Literal

from benchmarks.machine import ROOT
from benchmarks.recording import RESULTS, record
from benchmarks.tally import Campaign, Results, Tally

TABLE: Final = Path(__file__).with_suffix(".toml")
SECURITY: Final = "security"
"""What no row of the table of faults promises, but the page on security."""

_PLUGINS: Final = ("-p", "_hypothesis_pytestplugin", "-p", "xdist.plugin")
"""Those that the tests need: to load all that are installed takes longer than most tests."""
_TEST_SECONDS: Final = 300
_LONGER_THAN_A_DAY: Final = 100_000

Verdict = Literal["caught", "NOT caught", "skipped", "hangs", "cannot run"]


@dataclass(frozen=True)
class Edit:
    """One text of one file, and what stands there instead."""

    file: str
    text: str
    instead: str


@dataclass(frozen=True)
class Removal:
    """One protection that is taken away, and the tests that must fail without it."""

    fault: str
    edits: tuple[Edit, ...]
    tests: tuple[str, ...]

    @property
    def what(self) -> str:
        """In a few words, for a line of output."""
        edit = self.edits[0]
        return f"{edit.file}: {' '.join(edit.text.split())[:70]}"


def removals() -> list[Removal]:
    """The table, in its order."""
    table: dict[str, list[dict[str, Any]]] = tomllib.loads(TABLE.read_text("utf-8"))
    return [
        Removal(
            fault,
            tuple(
                Edit(one["file"], one["text"], one["instead"])
                for one in (entry, *entry.get("also", ()))
            ),
            tuple(entry["tests"]),
        )
        for fault, entries in table.items()
        for entry in entries
    ]


class Tree:
    """A copy of the tree in which things may be broken."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writes = 0
        for name in _files():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)

    @contextmanager
    def without(self, removal: Removal) -> Iterator[None]:
        """Take a protection away for the block. Raises `ValueError` where it is not there."""
        files = {edit.file for edit in removal.edits}
        before = {file: (self._folder / file).read_text("utf-8") for file in files}
        after = dict(before)
        for edit in removal.edits:
            if after[edit.file].count(edit.text) != 1:
                raise ValueError(f"{edit.file} has not exactly one {edit.text!r}")
            after[edit.file] = after[edit.file].replace(edit.text, edit.instead)
        try:
            self._write(after)
            yield
        finally:
            self._write(before)

    def verdict(self, test: str, seed: int) -> Verdict:
        """What becomes of one test."""
        try:
            done = self.run([test], seed, _TEST_SECONDS)
        except subprocess.TimeoutExpired:
            return "hangs"
        summary = done.stdout.strip().rpartition("\n")[2]
        if done.returncode == 0:
            return "NOT caught" if "passed" in summary else "skipped"
        return "caught" if done.returncode == 1 and "failed" in summary else "cannot run"

    def run(
        self, tests: Sequence[str], seed: int, seconds: float
    ) -> "subprocess.CompletedProcess[str]":
        """Run tests here, up to the first failure. Raises `subprocess.TimeoutExpired`."""
        options = ("-x", "-q", "-p", "no:cacheprovider", *_PLUGINS, f"--hypothesis-seed={seed}")
        found_here = {"PYTHONPATH": str(self._folder), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        return subprocess.run(
            [sys.executable, "-m", "pytest", *options, *tests],
            cwd=self._folder,
            env=os.environ | found_here,
            capture_output=True,
            text=True,
            timeout=seconds,
        )

    def _write(self, contents: dict[str, str]) -> None:
        """With a time of its own for each, or Python would go on with what it compiled before."""
        for name, content in contents.items():
            self._writes += 1
            (self._folder / name).write_text(content, "utf-8")
            at = time.time() - _LONGER_THAN_A_DAY + self._writes
            os.utime(self._folder / name, (at, at))


def _files() -> list[str]:
    """What belongs to the tree, new files too."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return [name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]


def run(seed: int, quick: bool, jobs: int = 1) -> Tally:
    """Quick: the first removal of each row."""
    chosen = removals()
    if quick:
        chosen = list({removal.fault: removal for removal in reversed(chosen)}.values())
    return try_out(chosen, seed, jobs)


def try_out(chosen: Sequence[Removal], seed: int, jobs: int) -> Tally:
    """Take them away one after the other, after their tests have passed with all in place.

    `jobs` trees are broken at once.
    """
    tests = sorted({test for removal in chosen for test in removal.tests})
    tally = Tally(
        measured={
            "removals": len(chosen),
            "tests": len(tests),
            "faults": len({removal.fault for removal in chosen} - {SECURITY}),
        }
    )
    with (
        tempfile.TemporaryDirectory(prefix="sightline-removals-") as folder,
        ThreadPoolExecutor(jobs) as pool,
    ):
        trees: Queue[Tree] = Queue()
        for number in range(jobs):
            trees.put(Tree(Path(folder) / str(number)))
        parts = [tests[number::jobs] for number in range(jobs)]
        for done in pool.map(lambda part: _pass_before(trees, part, seed), parts):
            tally.add(done)
        if not tally.wrong:
            for done in pool.map(lambda removal: _try_one(trees, removal, seed), chosen):
                tally.add(done)
    return tally


def _pass_before(trees: "Queue[Tree]", tests: Sequence[str], seed: int) -> Tally:
    tally, tree = Tally(), trees.get()
    done = tree.run(tests, seed, _TEST_SECONDS * len(tests))
    trees.put(tree)
    tally.expect(done.returncode == 0, f"not all tests pass before: {_failed(done.stdout)}")
    return tally


def _try_one(trees: "Queue[Tree]", removal: Removal, seed: int) -> Tally:
    tally, tree = Tally(), trees.get()
    try:
        with tree.without(removal):
            for test in removal.tests:
                verdict = tree.verdict(test, seed)
                print(f"  {verdict:>10}  {removal.what}  {test.rpartition('/')[2]}", flush=True)
                tally.count("caught" if verdict == "caught" else "missed", verdict != "skipped")
                tally.count("skipped", verdict == "skipped")
                tally.expect(verdict in {"caught", "skipped"}, f"{removal.what}: {test} {verdict}")
    except ValueError as gone:
        print(f"     no text  {removal.what}", flush=True)
        tally.expect(False, str(gone))
    finally:
        trees.put(tree)
    return tally


def _failed(output: str) -> str:
    found = re.search(r"(?m)^(FAILED|ERROR) (\S+)", output)
    return found[2] if found else output[-300:]


REMOVALS = Campaign(
    name="removals",
    title="protections taken away",
    run=run,
    done="{removals} protections taken away one at a time, for {faults} rows of the table below "
    "and the promises of [security.md](security.md); {tests} tests named for them, all passing "
    "before",
    seen="{caught} times the test that was named failed, {missed} times it did not; {skipped} were "
    "skipped on this machine",
)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.removals",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--fault", help="only rows that begin like this; nothing is kept")
    parser.add_argument("--list", action="store_true", help="what would be taken away")
    parser.add_argument("--jobs", type=int, default=1, help="so many at once")
    parser.add_argument("--seed", type=int, default=1, help="of hypothesis")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    given = parser.parse_args()
    chosen = [one for one in removals() if one.fault.startswith(given.fault or "")]
    if given.list:
        for removal in chosen:
            print(f"{removal.fault}\n  {removal.what}")
            print("".join(f"    {test}\n" for test in removal.tests), end="")
    elif given.fault:
        sys.exit(bool(try_out(chosen, given.seed, given.jobs).wrong))
    else:
        campaign = replace(REMOVALS, run=partial(run, jobs=given.jobs))
        sys.exit(not record(campaign, given.seed, False, Results(given.out)))


if __name__ == "__main__":
    main()
