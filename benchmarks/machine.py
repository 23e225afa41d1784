"""Which machine, which commit, which day: what a figure is worth nothing without."""

import os
import platform
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

ROOT = Path(__file__).parents[1]

_LOOK_SECONDS: Final = 1.0


def machine() -> str:
    """Processor, cores, memory and system in one line."""
    cores = len(os.sched_getaffinity(0))
    gigabytes = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    system = f"{platform.system()} {platform.release().split('-')[0]}"
    return f"{_processor()}, {cores} cores, {gigabytes:.0f} GiB, {system}"


def is_shared() -> bool:
    """Whether others keep this machine's processors busy now: half of one at least."""
    idle, since = _idle_seconds(), time.monotonic()
    time.sleep(_LOOK_SECONDS)
    seconds, cores = time.monotonic() - since, os.cpu_count() or 1
    return cores * seconds - (_idle_seconds() - idle) > seconds / 2


def commit() -> str:
    """The commit that is checked out, with a + where files differ from it."""
    revision = _git("rev-parse", "--short", "HEAD")
    if not revision:
        return "unknown"
    return revision + ("+" if _git("status", "--porcelain", "--untracked-files=no") else "")


def today() -> str:
    return datetime.now(UTC).date().isoformat()


def _idle_seconds() -> float:
    """Of all processors together, since the machine started."""
    idle, waiting = Path("/proc/stat").read_text("utf-8").split("\n", 1)[0].split()[4:6]
    return (int(idle) + int(waiting)) / os.sysconf("SC_CLK_TCK")


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else ""
