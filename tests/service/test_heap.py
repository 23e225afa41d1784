"""Large buffers go back to the system, whatever small things were made in between."""

import platform
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

WORK = """
import re
from pathlib import Path

import numpy as np

from service.heap import return_large_buffers

assert return_large_buffers()
kept = []
for turn in range(20):
    # What a request takes for its pictures, and the little that stays of it.
    large = []
    for number in range(40):
        large.append(np.ones(700_000 + 1000 * (number + turn), np.uint8))
        kept.append(np.ones(2_000, np.uint8))
    del large
print(int(re.search(r"RssAnon:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc's heap is told")
def test_what_is_large_does_not_stay_with_what_is_small() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WORK], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert int(done.stdout) < 30
