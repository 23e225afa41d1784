"""A full disk: nothing more is taken in, everything can be read, and erasing works to the byte."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from indexer.room import RESERVE, keep_reserve

REPOSITORY = Path(__file__).parents[2]

FILL_AND_ERASE = """
    import resource
    import sys
    from pathlib import Path

    from indexer import audit
    from indexer.records import Filter, Search
    from indexer.rows import to_stored
    from model.errors import StorageFull
    from tests.support.galleries import MODEL, holds, make_gallery, picture, tracklet, unit

    folder, file_limit = Path(sys.argv[1]) / "gallery", int(sys.argv[2])

    def pictures(seed):
        return [picture(100 * seed + place, 6000) for place in range(32)]

    def traces(seed):
        wanted = [to_stored(unit(seed)), *(one[:30] for one in pictures(seed)[::8])]
        return [name for content in wanted for name in holds(folder, content)]

    def fill_every_gap():
        if not file_limit:
            with open(folder.parent / "filler", "ab", buffering=0) as filler:
                try:
                    while True:
                        filler.write(bytes(4096))
                except OSError:
                    pass
        elif not gallery._closed:
            # Down to the last free bytes of the database's pages.
            for size in (3000, 300, 3):
                try:
                    while True:
                        with gallery._store.writing() as connection:
                            audit.record(connection, "filler", "fill", None, {"more": "x" * size})
                except StorageFull:
                    pass

    if file_limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_limit, file_limit))
    ballast = folder.parent / "ballast"
    ballast.write_bytes(bytes(2**19))
    gallery = make_gallery(folder)
    count = 0
    try:
        while True:
            new = tracklet(f"t{count}", count, identity=f"p{count % 2}", pictures=pictures(count))
            gallery.enrol(new, actor="test")
            count += 1
    except StorageFull:
        pass
    fill_every_gap()

    # Reading goes on, and what was taken in is whole.
    assert count > 5, count
    found = gallery.search(unit(3), MODEL, Search(), actor="test")
    assert found.identities[0].tracklets[0].tracklet.tracklet_id == "t3"
    assert gallery.pictures("t3", actor="test") == pictures(3)
    assert len(gallery.list(Filter(), limit=500, cursor=None).items) == count
    assert gallery.verify().ok

    # One after the other, with the disk full again each time.
    for seed in range(3):
        assert traces(seed)
        assert gallery.erase(f"t{seed}", actor="test").physical == "done"
        assert traces(seed) == []
        fill_every_gap()
    gallery.close()

    # A program that comes anew can read and erase as well; so can a whole identity go.
    fill_every_gap()
    with make_gallery(folder) as gallery:
        assert gallery.search(unit(4), MODEL, Search(), actor="test").identities
        fill_every_gap()
        assert gallery.erase_identity("p1", actor="test").tracklets > 1
        assert [seed for seed in (3, 5) if traces(seed)] == []
        assert gallery.verify().ok
        actions = [entry.action for entry in gallery.audit(limit=5000, cursor=None).items]
        assert actions.count("erase") == 3

        # What was freed can be used again, as soon as the log has some room.
        ballast.unlink()
        gallery.enrol(tracklet("later", 99, pictures=pictures(99)), actor="test")
    print("took in", count)
"""


def run(script: str, folder: Path, file_limit: int, *, disk: str | None) -> str:
    """Run a script with a small disk of its own mounted at `folder`, or with a limit on files."""
    python = f"exec {sys.executable} - {folder} {file_limit}"
    command = ["sh", "-c", python]
    if disk is not None:
        mount = f"mount -t tmpfs -o size={disk} none {folder}"
        probe = subprocess.run(["unshare", "-rm", "sh", "-c", mount], capture_output=True)
        if probe.returncode:
            pytest.skip("no user namespaces here to mount a small disk in")
        command = ["unshare", "-rm", "sh", "-c", f"{mount} && {python}"]
    done = subprocess.run(
        command,
        input=textwrap.dedent(script),
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs a tmpfs")
@pytest.mark.parametrize("disk", ["4m", "20m"])
def test_erasing_works_on_a_full_disk(disk: str, tmp_path: Path) -> None:
    assert "took in" in run(FILL_AND_ERASE, tmp_path, 0, disk=disk)


@pytest.mark.parametrize("megabytes", [3, 6])
def test_erasing_works_where_files_may_not_grow(megabytes: int, tmp_path: Path) -> None:
    assert "took in" in run(FILL_AND_ERASE, tmp_path, megabytes * 2**20, disk=None)


def test_the_reserve_is_a_share_of_the_disk_and_made_once(tmp_path: Path) -> None:
    keep_reserve(tmp_path)
    first = (tmp_path / RESERVE).stat()
    keep_reserve(tmp_path)

    assert 2**17 <= first.st_size <= 2**24
    assert first.st_mode & 0o777 == 0o600
    assert (tmp_path / RESERVE).stat().st_mtime_ns == first.st_mtime_ns
