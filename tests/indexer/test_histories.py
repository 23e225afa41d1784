"""Many threads and two handles on one gallery: no answer may contradict another."""

import random
import threading
import time
from pathlib import Path

from benchmarks.histories import History, Read, Write
from indexer.gallery import LocalGallery
from indexer.records import Filter, Search, TrackletPatch
from tests.support.galleries import MODEL, make_gallery, tracklet, unit

CAMERAS = ("c1", "c2")


def work(gallery: LocalGallery, name: str, history: History) -> None:
    """Write one's own tracklets, read everybody's."""
    choices = random.Random(name)
    there: list[str] = []
    for number in range(60):
        step = choices.choice(
            ["enrol", "enrol", "list", "search", *["patch", "erase"] * bool(there)]
        )
        identity, begun = f"p{choices.randrange(3)}", time.monotonic()
        if step == "enrol":
            there.append(f"{name}-{number}")
            new = tracklet(there[-1], number, identity=identity, camera=choices.choice(CAMERAS))
            gallery.enrol(new, actor=name)
            history.writes.append(Write(there[-1], identity, begun, time.monotonic()))
        elif step == "patch":
            some = choices.choice(there)
            gallery.patch(some, TrackletPatch(identity=identity), actor=name)
            history.writes.append(Write(some, identity, begun, time.monotonic()))
        elif step == "erase":
            gone = there.pop(choices.randrange(len(there)))
            gallery.erase(gone, actor=name)
            history.writes.append(Write(gone, None, begun, time.monotonic()))
        elif step == "list":
            items = gallery.list(Filter(), limit=500, cursor=None).items
            seen = {one.tracklet_id: str(one.identity) for one in items}
            history.reads.append(Read(seen, begun, time.monotonic(), whole=True))
        else:
            read_search(gallery, choices.choice(CAMERAS), choices.randrange(60), begun, history)


def read_search(
    gallery: LocalGallery, camera: str, seed: int, begun: float, history: History
) -> None:
    wanted = Search(
        top_k=100, tracklets_per_identity=50, filter=Filter(cameras=frozenset([camera]))
    )
    found = gallery.search(unit(seed), MODEL, wanted, actor="test")
    hits = [hit.tracklet for place in found.identities for hit in place.tracklets]
    history.leaks += [f"{one.camera} for {camera}" for one in hits if one.camera != camera]
    seen = {one.tracklet_id: str(one.identity) for one in hits}
    history.reads.append(Read(seen, begun, time.monotonic(), whole=False))


def test_no_answer_of_many_threads_contradicts_another(folder: Path) -> None:
    history = History()
    with make_gallery(folder) as one, make_gallery(folder) as other:
        threads = [
            threading.Thread(target=work, args=(handle, f"k{place}-{turn}", history))
            for place, handle in enumerate((one, other))
            for turn in range(3)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert one.verify().ok

    assert len(history.writes) > 100
    assert len(history.reads) > 50
    assert history.violations() == []


def test_the_rules_see_what_may_not_be() -> None:
    enrolled, erased = Write("t", "Ann", 0, 1), Write("t", None, 2, 3)

    def violated(read: Read) -> bool:
        return bool(History([enrolled, erased], [read]).violations())

    assert violated(Read({"t": "Ann"}, 4, 5, whole=False))  # seen after its erasure
    assert violated(Read({}, 1.2, 1.5, whole=True))  # not seen although it was there
    assert violated(Read({"t": "Bea"}, 1.2, 1.5, whole=False))  # a name that it never had
    assert not violated(Read({"t": "Ann"}, 2.5, 2.6, whole=True))  # while it was being erased
    assert not violated(Read({}, 2.5, 2.6, whole=True))
    assert not violated(Read({}, 4, 5, whole=True))
