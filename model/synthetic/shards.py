"""Writes a world to disk: shards of JPEG frames with an index, and a manifest.

A shard is a fixed range of tracklets, rendered and written whole by one worker, so that the bytes
do not depend on how many workers there are; it appears under its name only when it is complete, so
that a killed run goes on where it stopped.

    frames-0000.bin   JPEG files one after another
    frames-0000.npz   index: one row per frame, and one per tracklet
    manifest.json     configuration, its hash, and the digest of every shard
"""

import hashlib
import json
import multiprocessing
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from model.errors import InvalidParameter, SightlineError
from model.synthetic.config import WorldConfig
from model.synthetic.places import Places
from model.synthetic.world import RenderedTracklet, render_tracklet

MANIFEST = "manifest.json"
_VIEWS = ".views"


@dataclass(frozen=True)
class Report:
    """What a run made; `rendered` counts only this run's frames."""

    out: str
    config_hash: str
    identities: int
    tracklets: int
    frames: int
    shards: int
    rendered: int
    resumed_shards: int
    bytes: int
    seconds: float
    frames_per_second: float
    mean_visible: float
    mostly_hidden: float
    """share of frames with less than .3 visible"""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def shard_name(shard: int) -> str:
    return f"frames-{shard:04d}"


def synthesise(
    config: WorldConfig,
    out: Path,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Write the world into `out`, or finish it where an earlier run was cut off.

    `progress(frames done, frames in all)` is called after every shard. Raises `InvalidParameter`
    where `out` is no folder or holds a world of another configuration, `SightlineError` where a
    worker was killed. One run at a time may write to a folder.
    """
    if workers < 1:
        raise InvalidParameter("workers must be at least 1")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidParameter(f"{out} cannot be made: {error.strerror}") from error
    _claim(config, out)
    started = time.monotonic()
    shards = range(config.shards)
    missing = [shard for shard in shards if not _complete(out, shard)]
    done = sum(_frames_in(config, shard) for shard in shards if shard not in set(missing))
    resumed = done
    if progress is not None and done:
        progress(done, config.frames)
    for shard in _write_shards(config, out, missing, workers):
        done += _frames_in(config, shard)
        if progress is not None:
            progress(done, config.frames)
    shutil.rmtree(out / _VIEWS, ignore_errors=True)
    for leftover in out.glob("frames-*.tmp"):
        leftover.unlink()
    return _finish(config, out, done - resumed, config.shards - len(missing), started)


def _claim(config: WorldConfig, out: Path) -> None:
    """Leave the configuration in `out`, or check the one that is there."""
    path = out / MANIFEST
    if path.exists():
        manifest = read_manifest(out)
        if manifest["config_hash"] != config.digest():
            raise InvalidParameter(f"{out} holds another world: {_difference(manifest, config)}")
        return
    if any(out.glob("frames-*.bin")):
        raise InvalidParameter(f"{out} holds shards but no {MANIFEST}")
    _write_json(path, {"config_hash": config.digest(), "config": config.as_json()})


def read_manifest(out: Path) -> dict[str, Any]:
    """The manifest of a world, finished or not; `InvalidParameter` where `out` holds none."""
    try:
        manifest = json.loads((out / MANIFEST).read_text("utf-8"))
        if {"config", "config_hash"} <= manifest.keys():
            return dict(manifest)
    except (OSError, ValueError, AttributeError) as error:
        raise InvalidParameter(f"{out} holds no synthetic world") from error
    raise InvalidParameter(f"{out} holds no synthetic world: its {MANIFEST} is something else's")


def _difference(manifest: dict[str, Any], config: WorldConfig) -> str:
    """In words, how the world that is there differs from the one that was asked for."""
    there, here = manifest["config"], json.loads(json.dumps(config.as_json()))
    names = sorted(name for name in there | here if there.get(name) != here.get(name))
    if not names:
        return "another version of the generator made it"
    return ", ".join(f"its {name} is {there.get(name)}, not {here.get(name)}" for name in names)


def _write_json(path: Path, content: dict[str, Any]) -> None:
    part = path.with_suffix(".tmp")
    part.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n")
    part.replace(path)


def _complete(out: Path, shard: int) -> bool:
    # The index is renamed last: where it stands, the frames do too.
    return (out / f"{shard_name(shard)}.npz").exists()


def _tracklets_in(config: WorldConfig, shard: int) -> range:
    start = shard * config.tracklets_per_shard
    return range(start, min(start + config.tracklets_per_shard, config.tracklets))


def _frames_in(config: WorldConfig, shard: int) -> int:
    return len(_tracklets_in(config, shard)) * config.frames_per_tracklet


def _write_shards(
    config: WorldConfig, out: Path, missing: list[int], workers: int
) -> Iterator[int]:
    views = out / _VIEWS
    views.mkdir(exist_ok=True)
    if workers == 1 or len(missing) < 2:
        places = Places(config, views)
        for shard in missing:
            write_shard(config, out, shard, places)
            yield shard
        return
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(workers, len(missing)), context, _start_worker, (os.getpid(),))
    try:
        waiting = {pool.submit(_work, config, out, shard): shard for shard in missing}
        for future in as_completed(waiting):
            future.result()
            yield waiting[future]
    except BrokenProcessPool as error:
        raise SightlineError(
            "a worker was killed, perhaps for its memory; the same call goes on"
        ) from error
    finally:
        # Whoever interrupts a run does not wait for the shards that are still queued.
        pool.shutdown(cancel_futures=True)


def _start_worker(parent: int) -> None:
    # Ctrl-C reaches every process of a terminal; workers should die of it without a word.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    cv2.setNumThreads(1)
    threading.Thread(target=_die_with, args=(parent,), daemon=True).start()


def _die_with(parent: int) -> None:
    # A pool's children wait for ever on a queue whose writer was killed.
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def _work(config: WorldConfig, out: Path, shard: int) -> None:
    write_shard(config, out, shard, _worker_places(config, out))


@lru_cache(maxsize=1)
def _worker_places(config: WorldConfig, out: Path) -> Places:
    """One for all shards that a worker process writes."""
    return Places(config, out / _VIEWS)


def write_shard(config: WorldConfig, out: Path, shard: int, places: Places) -> None:
    """Render and write one shard: frames first, the index last, both by rename."""
    tracklets = _tracklets_in(config, shard)
    blobs: list[bytes] = []
    rendered: list[RenderedTracklet] = []
    for index in tracklets:
        tracklet = render_tracklet(config, index, places)
        blobs.extend(encode(frame, config.jpeg_quality) for frame in tracklet.frames)
        rendered.append(tracklet)
    name = shard_name(shard)
    frames, index_file = out / f"{name}.bin", out / f"{name}.npz"
    _replace(frames, lambda part: part.write_bytes(b"".join(blobs)))
    columns = _index(rendered, np.array([len(blob) for blob in blobs], np.int64))

    def save(part: Path) -> None:
        with part.open("wb") as file:
            np.savez(file, **columns)

    _replace(index_file, save)


def _replace(path: Path, write: Callable[[Path], Any]) -> None:
    part = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    write(part)
    part.replace(path)


def encode(frame: Any, quality: int) -> bytes:
    """An RGB frame as JPEG."""
    _, data = cv2.imencode(".jpg", frame[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return bytes(data)


def _index(rendered: list[RenderedTracklet], lengths: Any) -> dict[str, Any]:
    plans = [tracklet.plan for tracklet in rendered]
    per_tracklet = len(rendered[0].frames)

    def each(values: list[int]) -> Any:
        return np.repeat(np.array(values, np.int32), per_tracklet)

    return {
        "offset": np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int64),
        "length": lengths.astype(np.int32),
        "tracklet": each([tracklet.index for tracklet in rendered]),
        "identity": each([plan.identity for plan in plans]),
        "family": each([plan.family for plan in plans]),
        "camera": each([plan.camera for plan in plans]),
        "environment": each([plan.environment for plan in plans]),
        "box": np.concatenate([tracklet.boxes for tracklet in rendered]),
        "visible": np.concatenate([tracklet.visible for tracklet in rendered]),
        "mask": np.concatenate([tracklet.masks for tracklet in rendered]),
        "jump": np.concatenate([tracklet.jumps for tracklet in rendered]),
        "night": each([int(plan.night) for plan in plans]).astype(bool),
        "changed": each([int(plan.outfit_changes) for plan in plans]).astype(bool),
        "lighting": each([plan.lighting for plan in plans]),
    }


def _finish(config: WorldConfig, out: Path, rendered: int, resumed: int, started: float) -> Report:
    visible, size, digests = [], 0, {}
    for shard in range(config.shards):
        name = shard_name(shard)
        frames, index = out / f"{name}.bin", out / f"{name}.npz"
        size += frames.stat().st_size + index.stat().st_size
        digests[name] = hashlib.sha256(frames.read_bytes()).hexdigest()
        with np.load(index) as columns:
            visible.append(columns["visible"])
    values = np.concatenate(visible)
    manifest: dict[str, Any] = {
        "config_hash": config.digest(),
        "config": config.as_json(),
        "seed": config.seed,
        "tracklets": config.tracklets,
        "frames": config.frames,
        "shards": digests,
        "mean_visible": round(float(values.mean()), 4),
        "mostly_hidden": round(float((values < 0.3).mean()), 4),
    }
    _write_json(out / MANIFEST, manifest)
    seconds = time.monotonic() - started
    return Report(
        out=str(out),
        config_hash=config.digest(),
        identities=config.identities,
        tracklets=config.tracklets,
        frames=config.frames,
        shards=config.shards,
        rendered=rendered,
        resumed_shards=resumed,
        bytes=size,
        seconds=round(seconds, 2),
        frames_per_second=round(rendered / max(seconds, 1e-9), 1),
        mean_visible=manifest["mean_visible"],
        mostly_hidden=manifest["mostly_hidden"],
    )
