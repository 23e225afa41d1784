"""Makes the sample archive beside this file: people of a synthetic world, seen by its cameras.

    python examples/make_archive.py            # writes examples/archive, queries, queries.json

Every person is in the archive under several cameras, and once more in a clip that is not in it,
taken by a camera under which the archive does not know them. The world's people, garments and
places are made from another seed than any that a model is trained or tested on.
"""

import argparse
import json
import shutil
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from model.decode import decode_image
from model.limits import DecodeLimits
from model.opencv import cv2
from model.synthetic import (
    Kind,
    SyntheticTracklet,
    SyntheticWorld,
    WorldConfig,
    open_world,
    synthesise,
)
from model.terminal import console
from model.times import format_time

PEOPLE = 8
CAMERAS = 3
"""Under which each person is in the archive."""
VISIBLE = 0.6
"""Least mean share of a person that the frames show."""
CLIPS = 2
"""Of the held-out tracklets, how many are video files; the others are folders of frames."""

CONFIG = WorldConfig(
    kind=Kind.K1,
    seed=20240501,
    identities=3 * PEOPLE,
    tracklets_per_identity=8,
    frames_per_tracklet=12,
    environments=1,
    cameras_per_environment=6,
    second_environment_rate=0.0,
    family_rate=0.0,
    outfit_change_rate=0.0,
    night_rate=0.0,
    hidden_rate=0.2,
    difficulty=0.7,
    jpeg_quality=80,
)

_FIRST = datetime(2024, 5, 1, 8, tzinfo=UTC)


@dataclass(frozen=True)
class Walks:
    """One person's tracklets, each under another camera."""

    identity: str
    enrolled: tuple[SyntheticTracklet, ...]
    held_out: SyntheticTracklet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        synthesise(CONFIG, Path(folder) / "world", workers=arguments.workers)
        world = open_world(Path(folder) / "world")
        people = choose(world)
        write_archive(world, people, arguments.out / "archive")
        write_queries(world, people, arguments.out)
    console.print(f"{len(people)} people written to {arguments.out}")


def choose(world: SyntheticWorld) -> list[Walks]:
    """People whom enough cameras have seen well."""
    people: list[Walks] = []
    for identity in range(CONFIG.identities):
        by_camera: dict[int, SyntheticTracklet] = {}
        for tracklet in world.tracklets:
            if tracklet.identity == identity and _is_clear(world, tracklet):
                by_camera.setdefault(tracklet.camera, tracklet)
        seen = [by_camera[camera] for camera in sorted(by_camera)]
        if len(seen) > CAMERAS and len(people) < PEOPLE:
            name = f"person-{len(people) + 1:02d}"
            people.append(Walks(name, tuple(seen[:CAMERAS]), seen[CAMERAS]))
    if len(people) < PEOPLE:
        raise SystemExit(f"only {len(people)} people were seen by {CAMERAS + 1} cameras")
    return people


def _is_clear(world: SyntheticWorld, tracklet: SyntheticTracklet) -> bool:
    """Whether the tracker stayed on the person, who was mostly in sight."""
    frames = list(tracklet.frames)
    return not world.jump[frames].any() and float(world.visible[frames].mean()) >= VISIBLE


def write_archive(world: SyntheticWorld, people: list[Walks], out: Path) -> None:
    """`<camera>/<tracklet>/0000.jpg` … and `tracklets.jsonl`."""
    shutil.rmtree(out, ignore_errors=True)
    lines = []
    for number, person in enumerate(people):
        for place, tracklet in enumerate(person.enrolled):
            camera, name = f"camera-{tracklet.camera + 1}", f"walk-{number * CAMERAS + place:02d}"
            write_frames(world, tracklet, out / camera / name)
            captured = _FIRST + timedelta(minutes=7 * number + 3 * place)
            lines.append(
                {
                    "tracklet": f"{camera}/{name}",
                    "identity": person.identity,
                    "camera": camera,
                    "captured_at": format_time(captured),
                }
            )
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (out / "tracklets.jsonl").write_text(text, encoding="utf-8")


def write_queries(world: SyntheticWorld, people: list[Walks], out: Path) -> None:
    """Clips and folders of frames under `queries/`, and `queries.json` with whom they show."""
    shutil.rmtree(out / "queries", ignore_errors=True)
    (out / "queries").mkdir(parents=True)
    listing = []
    for number, person in enumerate(people):
        name = f"walk-{number + 1:02d}" + (".mp4" if number < CLIPS else "")
        if number < CLIPS:
            write_clip(world, person.held_out, out / "queries" / name)
        else:
            write_frames(world, person.held_out, out / "queries" / name)
        camera = f"camera-{person.held_out.camera + 1}"
        listing.append({"path": f"queries/{name}", "identity": person.identity, "camera": camera})
    text = json.dumps(listing, indent=2) + "\n"
    (out / "queries.json").write_text(text, encoding="utf-8")


def write_frames(world: SyntheticWorld, tracklet: SyntheticTracklet, folder: Path) -> None:
    folder.mkdir(parents=True)
    for number, frame in enumerate(tracklet.frames):
        (folder / f"{number:04d}.jpg").write_bytes(world.jpeg(frame))


def write_clip(world: SyntheticWorld, tracklet: SyntheticTracklet, path: Path) -> None:
    size = (CONFIG.frame_width, CONFIG.frame_height)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 8, size)
    for frame in tracklet.frames:
        rgb = decode_image(world.jpeg(frame), DecodeLimits())
        writer.write(cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
    writer.release()


if __name__ == "__main__":
    main()
