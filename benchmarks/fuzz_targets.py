"""What strangers' bytes meet first, one function each: it may refuse them, and nothing else.

Run as a program it feeds one of them for so many seconds: with atheris, which looks where the bytes
lead and turns there, if it is installed (`pip install -r benchmarks/fuzz-requirements.txt`), and
with plain mutations of good examples otherwise.

    python -m benchmarks.fuzz_targets image 1 60
"""

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Final

Target = Callable[[bytes], None]


def targets(folder: Path) -> dict[str, Target]:
    """By name; files are written below `folder`."""
    from indexer.archive.files import Unreadable
    from indexer.archive.layouts import scan
    from indexer.archive.sources import Archive
    from indexer.archive.tracks import read_mot
    from model.boxes import parse_boxes
    from model.bundle import Manifest
    from model.clip import decode_clip
    from model.decode import decode_image
    from model.errors import BundleInvalid, InputRefused
    from model.limits import DecodeLimits
    from service.strict_json import parse_json

    limits = DecodeLimits(clip_wall_seconds=20, clip_cpu_seconds=10)
    tracklet = folder / "archive" / "c1" / "t1"
    tracklet.mkdir(parents=True)
    file = folder / "file"

    def image(data: bytes) -> None:
        with suppress(InputRefused):
            decode_image(data, limits)

    def clip(data: bytes) -> None:
        file.write_bytes(data)
        with suppress(InputRefused):
            decode_clip(file, None, 4, 64, 32, limits)

    def boxes(data: bytes) -> None:
        with suppress(InputRefused):
            parse_boxes(data.decode("utf-8", "replace"))

    def mot(data: bytes) -> None:
        file.write_bytes(data)
        with suppress(Unreadable):
            read_mot(file)

    def archive(data: bytes) -> None:
        picture, _, sidecar = data.partition(b"\0")
        (tracklet / "1.jpg").write_bytes(picture)
        (folder / "archive" / "tracklets.jsonl").write_bytes(sidecar)
        list(scan(Archive(folder / "archive", "archive"), "tracklets", None))

    def manifest(data: bytes) -> None:
        (folder / "manifest.json").write_bytes(data)
        with suppress(BundleInvalid):
            Manifest.load(folder)

    def strict_json(data: bytes) -> None:
        with suppress(ValueError):
            parse_json(data)

    return {
        "image": image,
        "clip": clip,
        "boxes": boxes,
        "mot": mot,
        "archive": archive,
        "manifest": manifest,
        "json": strict_json,
    }


SECONDS: Final = {
    "image": 30,
    "clip": 90,
    "boxes": 10,
    "mot": 25,
    "archive": 60,
    "manifest": 25,
    "json": 10,
}
"""How long each is fed in a campaign: clips need a process each, archives a tree of files."""

_MEMORY: Final = Path("/dev/shm")
"""Where there is such a disk, files are written there, so that more of them can be tried."""


def examples(name: str, folder: Path) -> list[bytes]:
    """Good ones, to begin with."""
    import cv2
    import numpy as np

    from benchmarks.soak import a_clip
    from benchmarks.traffic import crops
    from model.bundle import DEFAULT_BUNDLE

    line = {"tracklet": "c1/t1", "identity": "p", "camera": "c1", "attributes": {"a": 1}}
    jpeg = crops(1, 1, height=32, width=16)[0]
    picture = np.zeros((8, 8, 3), np.uint8)
    formats = [cv2.imencode(suffix, picture)[1].tobytes() for suffix in (".png", ".webp")]
    return {
        "image": [jpeg, *formats],
        "clip": [a_clip(folder)],
        "boxes": [b"[[0, 1, 2, 3, 4], [1, 1.5, 2, 3, 4]]"],
        "mot": [b"1,1,10,10,32,64,1,-1,-1,-1\n2,1,11,10,32,64,1\n"],
        "archive": [jpeg + b"\0" + json.dumps(line).encode() + b"\n"],
        "manifest": [(DEFAULT_BUNDLE / "manifest.json").read_bytes()],
        "json": [json.dumps(line).encode(), b'[1, -0.5e3, null, "\\ud83d\\ude00"]'],
    }[name]


def mutate(data: bytes, choices: random.Random) -> bytes:
    """A few bytes flipped, replaced, doubled or cut out."""
    piece = bytearray(data)
    for _ in range(choices.randrange(1, 8)):
        at = choices.randrange(len(piece) + 1)
        end = min(len(piece), at + choices.choice([1, 1, 2, 4, 16, 64]))
        there = bytes(piece[at:end])
        others = [b"", choices.randbytes(len(there)), there * 2, b"\xff" * 4, b"\0" * 4]
        piece[at:end] = choices.choice(others)
    return bytes(piece)


def plainly(target: Target, corpus: list[bytes], seed: int, seconds: float) -> int:
    """Feed mutations; how many. Raises what the target raises."""
    choices, until, count = random.Random(seed), time.monotonic() + seconds, 0
    while time.monotonic() < until:
        target(mutate(choices.choice(corpus), choices))
        count += 1
    return count


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=SECONDS)
    parser.add_argument("seed", type=int)
    parser.add_argument("seconds", type=int)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=_MEMORY if _MEMORY.is_dir() else None) as name:
        folder = Path(name)
        if find_spec("atheris") is None:
            target, corpus = targets(folder)[given.name], examples(given.name, folder)
            print(f"fed {plainly(target, corpus, given.seed, given.seconds)} plainly", flush=True)
            return
        _with_atheris(given.name, folder, given.seed, given.seconds)


def _with_atheris(name: str, folder: Path, seed: int, seconds: int) -> None:
    import atheris  # type: ignore[import-not-found,import-untyped,unused-ignore]

    # Before anything else imports our packages: only then can it look into them.
    with atheris.instrument_imports(include=["model", "indexer", "service"]):
        target = targets(folder)[name]
    seeds = folder / "corpus"
    seeds.mkdir()
    for number, data in enumerate(examples(name, folder)):
        (seeds / str(number)).write_bytes(data)
    options = [f"-max_total_time={seconds}", f"-seed={seed}", "-print_final_stats=1"]
    options += ["-rss_limit_mb=4096", "-timeout=60", "-verbosity=0", f"-artifact_prefix={folder}/"]
    atheris.Setup([sys.argv[0], *options, str(seeds)], target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
