"""`sightline serve` as a real process, for tests that talk to it from outside."""

import os
import re
import subprocess
import sys
import threading
from pathlib import Path

from tests.support.running import ROOT

START_SECONDS = 60


class Service:
    """A running service, its address and its log."""

    gallery: Path

    def __init__(self, *flags: str, **settings: str) -> None:
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith("SIGHTLINE_")
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "service.cli", "serve", *flags],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env={**kept, **settings},
        )
        self.lines: list[str] = []
        self._listening = threading.Event()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        if not self._listening.wait(START_SECONDS) or not self.url:
            self.stop()
            raise RuntimeError("the service did not start:\n" + "".join(self.lines))

    @property
    def url(self) -> str:
        """Where it listens; empty where it has ended instead."""
        found = re.search(r"https?://127\.0\.0\.1:\d+", "".join(self.lines))
        return found[0] if found else ""

    def stop(self) -> None:
        """End it, at once if it does not end by itself."""
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._reader.join()

    def _read(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as stream:
            for line in stream:
                self.lines.append(line)
                if '"listening"' in line:
                    self._listening.set()
        self._listening.set()
