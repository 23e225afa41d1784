"""Writes a world as a camera archive: folders of pictures, as a recorder would leave them."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from model.synthetic.reader import SyntheticTracklet, SyntheticWorld
from model.synthetic.seeding import Stream, stream
from model.times import format_time

_START = datetime(2024, 5, 6, 7, 0, tzinfo=UTC)
_DAY = timedelta(hours=13)


def export_archive(world: SyntheticWorld, out: Path) -> int:
    """Write `<out>/<camera>/<tracklet>/0000.jpg` ... and `<out>/tracklets.jsonl`.

    Each line of the latter has `tracklet`, `identity`, `camera` and `captured_at`. Returns the
    number of tracklets.
    """
    out.mkdir(parents=True, exist_ok=True)
    lines = [_export_tracklet(world, tracklet, out) for tracklet in world.tracklets]
    (out / "tracklets.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return len(lines)


def _export_tracklet(
    world: SyntheticWorld, tracklet: SyntheticTracklet, out: Path
) -> dict[str, str]:
    camera, name = f"camera-{tracklet.camera:03d}", f"tracklet-{tracklet.index:06d}"
    folder = out / camera / name
    folder.mkdir(parents=True, exist_ok=True)
    for number, frame in enumerate(tracklet.frames):
        (folder / f"{number:04d}.jpg").write_bytes(world.jpeg(frame))
    rng = stream(world.config.root_seed, Stream.TRACKLET, tracklet.index, 1)
    captured = _START + timedelta(seconds=round(float(rng.random()) * _DAY.total_seconds()))
    return {
        "tracklet": name,
        "identity": f"person-{tracklet.identity:05d}",
        "camera": camera,
        "captured_at": format_time(captured),
    }
