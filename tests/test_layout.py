"""How the code lies: what serving imports, how long files are.

Which package may import which is checked by import-linter (`./run lint`).
"""

import subprocess
import sys
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[1]
PACKAGES = ("model", "export", "indexer", "service")

LARGEST = 450
MEDIAN = 180

HEAVY = ("torch", "scipy", "numba", "matplotlib", "onnx", "ray", "trackers")
"""What training, export and detection need; whoever only serves has none of it."""


def modules() -> list[Path]:
    return [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]


def test_serving_imports_nothing_that_only_training_needs() -> None:
    code = f"import sys, service.app, service.server; print({set(HEAVY)} & sys.modules.keys())"

    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.strip() == "set()"


def test_files_are_short() -> None:
    lengths = {path: len(path.read_text("utf-8").splitlines()) for path in modules()}

    assert median(lengths.values()) <= MEDIAN
    assert {path: length for path, length in lengths.items() if length > LARGEST} == {}


def test_every_module_says_why_it_exists() -> None:
    mute = [path for path in modules() if not path.read_text("utf-8").startswith('"""')]

    assert mute == []
