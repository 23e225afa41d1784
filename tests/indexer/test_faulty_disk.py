"""A disk that stops syncing: nothing is acknowledged that is not durable, and reading goes on."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from benchmarks.faulty_disk import is_possible
from indexer.archive.ledger import LEDGER, Ledger
from indexer.gallery import LocalGallery
from indexer.records import Filter
from tests.support.galleries import holds, make_gallery, picture, tracklet

REPOSITORY = Path(__file__).parents[2]

WORK = """
    import json
    import sys
    from pathlib import Path

    from benchmarks.faulty_disk import fail_from_now_on
    from indexer.records import Filter, Search, TrackletPatch
    from model.errors import StorageFailed
    from tests.support.galleries import MODEL, make_gallery, picture, tracklet, unit

    gallery = make_gallery(Path(sys.argv[1]))
    for number in range(5):
        new = tracklet(f"t{number}", number, identity="Ann", pictures=[picture(number, 20_000)])
        gallery.enrol(new, actor="test")
    fail_from_now_on()
    refused = []
    for name, attempt in {
        "enrol": lambda: gallery.enrol(tracklet("t9", 9), actor="test"),
        "patch": lambda: gallery.patch("t1", TrackletPatch(identity="Bea"), actor="test"),
        "merge": lambda: gallery.merge("Ann", "Bea", actor="test"),
        "erase": lambda: gallery.erase("t2", actor="test"),
        "key": lambda: gallery.keys.create("desk", "query", None),
        "backup": lambda: gallery.backup(Path(sys.argv[1] + "-copy")),
    }.items():
        try:
            attempt()
        except StorageFailed:
            refused.append(name)
    found = gallery.search(unit(3), MODEL, Search(), actor="test").identities[0].tracklets[0]
    answer = {
        "refused": refused,
        "found": found.tracklet.tracklet_id,
        "listed": [one.tracklet_id for one in gallery.list(Filter(), limit=9, cursor=None).items],
        "identity": gallery.get("t1").identity,
    }
    print(json.dumps(answer), flush=True)
    import os
    os.kill(os.getpid(), 9)
"""


@pytest.mark.skipif(not is_possible(), reason="needs seccomp to make a disk fail")
def test_nothing_is_acknowledged_that_was_not_synced(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(WORK), str(folder)],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
    )
    answer = json.loads(done.stdout)

    assert answer["refused"] == ["enrol", "patch", "merge", "erase", "key", "backup"], done.stderr
    assert answer["found"] == "t3"
    assert answer["listed"] == ["t0", "t1", "t2", "t3", "t4"]
    assert answer["identity"] == "Ann"
    with make_gallery(folder) as gallery:
        listed = gallery.list(Filter(), limit=9, cursor=None).items
        assert [one.tracklet_id for one in listed] == answer["listed"]
        assert {one.identity for one in listed} == {"Ann"}
        assert gallery.verify().ok


def test_a_ledger_that_cannot_be_read_stops_no_erasure(gallery: LocalGallery, folder: Path) -> None:
    gallery.enrol(tracklet("t1", 1, pictures=[picture(1)]), actor="test")
    Ledger(folder).__exit__()
    (folder / LEDGER).write_bytes(b"no database, though it has the name of one" * 100)

    assert gallery.erase("t1", actor="test").physical == "done"

    assert holds(folder, picture(1)) == []
    assert not (folder / LEDGER).exists()
