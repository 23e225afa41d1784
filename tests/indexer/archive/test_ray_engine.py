"""`--engine ray` on a cluster of this one machine."""

import importlib.util
import json
import subprocess
from pathlib import Path

import pytest

from tests.support.archives import write_tracklets
from tests.support.running import command, environment

needs_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="the extra 'ray' is not installed"
)


def index(*arguments: object) -> "subprocess.CompletedProcess[str]":
    # In a process of its own: Ray leaves threads and handlers behind in the one that started it.
    return subprocess.run(
        command("index", *arguments, "--json"),
        env=environment(),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@needs_ray
def test_a_cluster_indexes_what_this_machine_would(tmp_path: Path, fake_bundle: Path) -> None:
    archive = write_tracklets(tmp_path / "a", {f"c{n % 2}/t{n}": n for n in range(40)})
    (archive / "c1" / "t7" / "0002.jpg").write_bytes(b"no picture")
    flags = ("--gallery", tmp_path / "g", "--model", fake_bundle)

    first = index(archive, *flags, "--engine", "ray")
    again = index(archive, *flags, "--engine", "ray")
    local = index(archive, *flags)

    assert first.returncode == 0, first.stderr
    assert json.loads(first.stdout)["tracklets"] == {
        "found": 40,
        "indexed": 39,
        "skipped": 0,
        "failed": 1,
    }
    reason = json.loads(first.stdout)["failures"][0]["reason"]
    assert reason == "0002.jpg: the file is no JPEG, PNG or WebP picture"
    for later in (again, local):
        assert json.loads(later.stdout)["skipped"] == {"already indexed": 39}


@needs_ray
def test_videos_stay_local(tmp_path: Path, fake_bundle: Path) -> None:
    (tmp_path / "door.mp4").touch()

    refused = index(tmp_path, "--engine", "ray", "--model", fake_bundle)

    assert refused.returncode == 2
    assert "index videos locally" in refused.stderr


@pytest.mark.skipif(importlib.util.find_spec("ray") is not None, reason="Ray is installed")
def test_without_ray_the_extra_is_named(tmp_path: Path, fake_bundle: Path) -> None:
    refused = index(tmp_path, "--engine", "ray", "--model", fake_bundle)

    assert refused.returncode == 2
    assert "needs the extra 'ray'" in refused.stderr
