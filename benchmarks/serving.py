"""A real `sightline serve` process on a free port, with its memory and its end in view."""

import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchmarks.machine import ROOT
from benchmarks.traffic import Address

_START_SECONDS = 60
_END_SECONDS = 60
_SERVE = ("-m", "service.cli")


def environment(**settings: object) -> dict[str, str]:
    """This process's environment without Sightline's settings, but with these."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SIGHTLINE_")}
    given = {f"SIGHTLINE_{name.upper()}": str(value) for name, value in settings.items()}
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    return kept | given | {"PYTHONPATH": path}


def many_files() -> None:
    """Let this process have as many sockets as the system allows."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class Service:
    """A running service. Leaving the `with` block kills it where it still runs."""

    def __init__(
        self,
        gallery: Path,
        *,
        program: Sequence[str] = _SERVE,
        log: Path | None = None,
        **settings: object,
    ) -> None:
        """`program` is what Python runs, before `serve`. Raises `RuntimeError` if it ends."""
        self.gallery = gallery
        self.log = log or gallery.parent / "service.log"
        with self.log.open("ab") as stderr:
            self._logged = stderr.tell()
            self.process = subprocess.Popen(
                [sys.executable, *program, "serve", "--gallery", str(gallery), "--port", "0"],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                env=environment(**{"drain_notice_seconds": 0, "device": "cpu", **settings}),
            )
        self.address = self._await_address()

    def lines(self) -> list[dict[str, Any]]:
        """Everything logged since this process started."""
        with self.log.open("rb") as file:
            file.seek(self._logged)
            found = file.read().decode().splitlines()
        return [json.loads(line) for line in found if line.startswith("{")]

    def rss(self) -> int:
        """Resident memory now, in bytes."""
        return memory(self.process.pid, "VmRSS")

    def cpu_seconds(self) -> float:
        """Processor time that it has taken so far."""
        stat = Path(f"/proc/{self.process.pid}/stat").read_text("utf-8", "replace")
        user, system = stat.rpartition(") ")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def peak_rss(self) -> int:
        """The most that it ever was."""
        return memory(self.process.pid, "VmHWM")

    def children(self) -> list[int]:
        """The processes that it has started and that still run.

        One that has not yet become its own program is left out: it still is this service.
        """
        own = Path(f"/proc/{self.process.pid}/cmdline").read_bytes()
        found: list[int] = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                _, _, rest = (process / "stat").read_text("utf-8", "replace").rpartition(") ")
                is_child = int(rest.split()[1]) == self.process.pid
                if is_child and (process / "cmdline").read_bytes() != own:
                    found.append(int(process.name))
            except OSError:  # that process has ended
                continue
        return found

    def kill(self) -> None:
        """At once, as a power cut of the process."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        """In order; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(_END_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.kill()

    def _await_address(self) -> Address:
        until = time.monotonic() + _START_SECONDS
        while time.monotonic() < until and self.process.poll() is None:
            with self.log.open("rb") as file:
                file.seek(self._logged)
                found = re.search(rb'"url": "https?://([\d.]+):(\d+)"', file.read())
            if found:
                return found[1].decode(), int(found[2])
            time.sleep(0.02)
        self.kill()
        raise RuntimeError(f"the service did not start: {self.log.read_text()[-3000:]}")


@contextmanager
def pinned(core: int) -> Iterator[None]:
    """Have this process, and those it starts meanwhile, run on one core alone."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {sorted(before)[core % len(before)]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def memory(pid: int, field: str) -> int:
    """A field of /proc/PID/status in bytes; 0 for a process that is gone."""
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = re.search(rf"{field}:\s+(\d+) kB", text)
    return int(found[1]) * 1024 if found else 0
