"""Worlds on disk: equal bytes, whole shards, resumable runs."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from model.errors import InvalidParameter, SightlineError
from model.synthetic import SyntheticWorld, WorldConfig, open_world, preset, synthesise


def digests(folder: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.iterdir())
    }


def test_bytes_do_not_depend_on_the_run_or_on_the_workers(
    tiny: WorldConfig, tiny_folder: Path, tmp_path: Path
) -> None:
    synthesise(tiny, tmp_path / "again", workers=1)
    synthesise(tiny, tmp_path / "pool", workers=2)

    assert digests(tmp_path / "again") == digests(tiny_folder)
    assert digests(tmp_path / "pool") == digests(tiny_folder)


def test_another_seed_is_another_world(tiny_folder: Path, tmp_path: Path) -> None:
    config = preset("tiny", seed=6, family_rate=1.0, identities=4)
    synthesise(config, tmp_path)

    mine, theirs = digests(tmp_path), digests(tiny_folder)
    assert mine["frames-0000.bin"] != theirs["frames-0000.bin"]


def test_progress_reaches_the_end_and_the_report_counts_this_run(
    tiny: WorldConfig, tmp_path: Path
) -> None:
    calls: list[tuple[int, int]] = []
    report = synthesise(tiny, tmp_path, progress=lambda done, total: calls.append((done, total)))

    assert calls[-1] == (tiny.frames, tiny.frames)
    assert [done for done, _ in calls] == sorted(done for done, _ in calls)
    assert report.rendered == report.frames == tiny.frames
    assert synthesise(tiny, tmp_path).rendered == 0


def test_a_folder_with_another_world_is_refused_and_the_difference_named(
    tiny: WorldConfig, tiny_folder: Path
) -> None:
    with pytest.raises(InvalidParameter, match=r"another world: its seed is 5, not 99$"):
        synthesise(replace(tiny, seed=99), tiny_folder)


def test_a_world_of_an_older_generator_is_refused(
    tiny: WorldConfig, tiny_folder: Path, tmp_path: Path
) -> None:
    manifest = json.loads((tiny_folder / "manifest.json").read_text())
    older = {**manifest, "config_hash": "0" * 16}
    (tmp_path / "manifest.json").write_text(json.dumps(older))

    with pytest.raises(InvalidParameter, match="another version of the generator"):
        synthesise(tiny, tmp_path)


@pytest.mark.parametrize("content", ['{"bundle": 1}', "[]", "not JSON"])
def test_the_manifest_of_something_else_is_left_alone(
    tiny: WorldConfig, tmp_path: Path, content: str
) -> None:
    (tmp_path / "manifest.json").write_text(content)

    with pytest.raises(InvalidParameter, match="no synthetic world"):
        synthesise(tiny, tmp_path)
    with pytest.raises(InvalidParameter, match="no synthetic world"):
        open_world(tmp_path)
    assert (tmp_path / "manifest.json").read_text() == content


def test_a_folder_that_cannot_be_made_is_refused(tiny: WorldConfig, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(InvalidParameter, match="cannot be made"):
        synthesise(tiny, tmp_path / "file" / "world")


def test_other_files_in_the_folder_stay(tiny: WorldConfig, tmp_path: Path) -> None:
    (tmp_path / "notes.tmp").write_text("mine")

    synthesise(tiny, tmp_path)

    assert (tmp_path / "notes.tmp").read_text() == "mine"
    assert not list(tmp_path.glob("frames-*.tmp"))


def _die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_killed_worker_is_said_so_and_the_run_can_go_on(
    tiny: WorldConfig, tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("model.synthetic.shards._work", _die)
        with pytest.raises(SightlineError, match="worker was killed"):
            synthesise(tiny, tmp_path, workers=2)

    synthesise(tiny, tmp_path)

    assert digests(tmp_path) == digests(tiny_folder)


_RUN = """
import sys
from pathlib import Path
from model.synthetic import preset, synthesise

if __name__ == "__main__":
    config = preset("tiny", seed=5, family_rate=1.0)
    synthesise(config, Path(sys.argv[1]), workers=int(sys.argv[2]))
"""


@pytest.mark.parametrize("workers", [1, 2])
def test_a_killed_run_goes_on_with_whole_shards(
    tiny: WorldConfig, tiny_folder: Path, tmp_path: Path, workers: int
) -> None:
    script, out = tmp_path / "run.py", tmp_path / "world"
    script.write_text(_RUN)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    process = subprocess.Popen([sys.executable, script, out, str(workers)], env=environment)
    while not list(out.glob("frames-*.npz")) and process.poll() is None:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    finished = len(list(out.glob("frames-*.npz")))

    report = synthesise(tiny, out)

    assert report.resumed_shards >= finished >= 1
    assert digests(out) == digests(tiny_folder)


def test_an_unfinished_world_does_not_open(tiny_folder: Path, tmp_path: Path) -> None:
    for path in tiny_folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "frames-0002.npz").unlink()

    with pytest.raises(InvalidParameter, match="not complete"):
        open_world(tmp_path)


def test_a_folder_without_a_world_does_not_open(tmp_path: Path) -> None:
    with pytest.raises(InvalidParameter, match="no synthetic world"):
        open_world(tmp_path)


def test_the_index_tiles_every_shard(tiny: WorldConfig, tiny_folder: Path) -> None:
    for shard in range(tiny.shards):
        size = (tiny_folder / f"frames-{shard:04d}.bin").stat().st_size
        with np.load(tiny_folder / f"frames-{shard:04d}.npz") as index:
            ends = index["offset"] + index["length"]
            assert index["offset"][0] == 0
            assert ends[-1] == size
            np.testing.assert_array_equal(index["offset"][1:], ends[:-1])


def test_the_manifest_has_seed_hash_and_digests(tiny: WorldConfig, tiny_folder: Path) -> None:
    manifest = json.loads((tiny_folder / "manifest.json").read_text())

    assert manifest["seed"] == tiny.seed
    assert manifest["config_hash"] == tiny.digest()
    for name, digest in manifest["shards"].items():
        data = (tiny_folder / f"{name}.bin").read_bytes()
        assert hashlib.sha256(data).hexdigest() == digest


def test_every_frame_decodes_to_the_configured_size(
    world: SyntheticWorld, tiny: WorldConfig
) -> None:
    assert len(world) == tiny.frames
    for frame in range(len(world)):
        picture = cv2.imdecode(np.frombuffer(world.jpeg(frame), np.uint8), cv2.IMREAD_COLOR)
        assert picture is not None
        assert picture.shape == (tiny.frame_height, tiny.frame_width, 3)
    with pytest.raises(IndexError):
        world.jpeg(len(world))


def test_tracklets_cover_all_frames_in_order(world: SyntheticWorld, tiny: WorldConfig) -> None:
    numbers = [frame for tracklet in world.tracklets for frame in tracklet.frames]
    assert numbers == list(range(tiny.frames))
    assert [tracklet.index for tracklet in world.tracklets] == list(range(tiny.tracklets))
    for tracklet in world.tracklets:
        assert set(world.identity[tracklet.frames]) == {tracklet.identity}
        assert set(world.camera[tracklet.frames]) == {tracklet.camera}
        assert tracklet.camera // tiny.cameras_per_environment == tracklet.environment
