"""What scoring costs in made-up galleries: searches with each part on and off, refresh, graph.

    python -m benchmarks.scoring_costs --sizes 10000,100000 --seconds 30 --out docs

Tracklets are scattered around identities of 20 each, before 20 cameras that pull them their own
way. Then the service's own upkeep runs for so many seconds beside searches, enrolments and
erasures, and every answer is checked against the statistics that it names.
"""

import argparse
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.machine import ROOT, commit, machine, today
from benchmarks.refresh_load import CAMERAS, EACH, MODEL, People, under_load
from benchmarks.report import table
from indexer.gallery import LocalGallery, open_gallery
from indexer.records import NewTracklet, Search
from model.reports import read_json, write_json

WIDTH: Final = 1536
RESULTS: Final = ROOT / "benchmarks" / "results" / "scoring-costs.json"

_AT_ONCE: Final = 2000
_SEARCHES: Final = 30
_GRAPH_SECONDS: Final = 40.0


def measure(count: int, folder: Path) -> dict[str, Any]:
    """Searches, refresh and graph of one size of gallery. Milliseconds and seconds."""
    people = People(max(count // EACH, 1), WIDTH)
    with _open(folder, normalised=False) as gallery:
        for start in range(0, count, _AT_ONCE):
            part = range(start, min(start + _AT_ONCE, count))
            gallery.enrol_many([people.tracklet(number) for number in part], actor="benchmark")
    found: dict[str, Any] = {"tracklets": count, "searches": {}}
    for normalised in (False, True):
        for identity in ("best", "camera_mean", "template"):
            with _open(folder, normalised=normalised, identity=identity) as gallery:
                name = f"{'normalised' if normalised else 'raw'}, {identity}"
                found["searches"][name] = _timed(gallery, people, rerank=False)
    with _open(folder, normalised=True, identity="template") as gallery:
        found |= _graph(gallery, count)
        if found["graph_complete"]:
            found["searches"]["normalised, template, re-ranked"] = _timed(
                gallery, people, rerank=True
            )
            found["follow_ms"] = _following(gallery, people, count)
        found |= _refreshed(gallery, people, count)
    return found


def _open(folder: Path, *, normalised: bool, identity: Any = "best") -> LocalGallery:
    return open_gallery(
        folder,
        model_id=MODEL,
        width=WIDTH,
        create=True,
        camera_normalisation="auto" if normalised else "off",
        identity_scoring=identity,
    )


def _timed(gallery: LocalGallery, people: People, *, rerank: bool) -> dict[str, float]:
    """Milliseconds of one search after the other."""

    def ask(number: int) -> object:
        wanted = Search(camera=f"c{number % CAMERAS}", rerank=rerank)
        return gallery.search(people.embedding(number, 1), MODEL, wanted, actor="benchmark")

    ask(0)
    times = [_milliseconds(partial(ask, number)) for number in range(_SEARCHES)]
    return {"median": float(np.median(times)), "p95": float(np.quantile(times, 0.95))}


def _milliseconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return 1e3 * (time.perf_counter() - began)


def _graph(gallery: LocalGallery, count: int) -> dict[str, Any]:
    """Build it as fast as the machine can, for a while; the service takes half of the time."""
    began = time.perf_counter()
    complete = not gallery._view.graph.work(_GRAPH_SECONDS)
    seconds = time.perf_counter() - began
    done = 1 - gallery._view.graph.work_left() / count**2
    return {
        "graph_complete": complete,
        "graph_seconds": seconds / done,
        "graph_megabytes": gallery.graph_bytes / 1e6,
    }


def _following(gallery: LocalGallery, people: People, count: int) -> float:
    """Milliseconds until one new tracklet stands in all lists, median of ten."""
    times = []
    for number in range(count, count + 10):
        gallery.enrol(people.tracklet(number), actor="benchmark")
        times.append(_milliseconds(lambda: gallery._view.graph.work(60)))
    return float(np.median(times))


def _refreshed(gallery: LocalGallery, people: People, count: int) -> dict[str, float]:
    """Seconds to go over to statistics that have moved, and searches meanwhile."""
    others = People(people.identities + 1, WIDTH)
    first = 10 * count * CAMERAS
    news = [others.tracklet(first + CAMERAS * number) for number in range(200)]
    gallery.enrol_many([_elsewhere(one) for one in news], actor="benchmark")
    assert gallery.refresh_pending
    times: list[float] = []
    refreshing = threading.Thread(target=gallery.refresh)
    began = time.perf_counter()
    refreshing.start()
    while refreshing.is_alive():
        query = people.embedding(len(times), 1)
        began_one = time.perf_counter()
        gallery.search(query, MODEL, Search(camera="c1"), actor="benchmark")
        times.append(1e3 * (time.perf_counter() - began_one))
    refreshing.join()
    return {
        "refresh_seconds": time.perf_counter() - began,
        "searches_meanwhile": len(times),
        "slowest_meanwhile_ms": max(times),
    }


def _elsewhere(one: NewTracklet) -> NewTracklet:
    return NewTracklet(**{**one.__dict__, "camera": "a new camera"})


def costs(found: Mapping[str, Any]) -> str:
    """The tables of the page."""
    sizes = found["sizes"]
    names = list(dict.fromkeys(name for one in sizes for name in one["searches"]))
    rows = [("one search, median / p95", *(f"{one['tracklets']:,}" for one in sizes))]
    for name in names:
        cells = (one["searches"].get(name) for one in sizes)
        rows.append(
            (name, *(f"{c['median']:.1f} / {c['p95']:.1f} ms" if c else "–" for c in cells))
        )
    rows.append(("refresh of the whole index", *(f"{o['refresh_seconds']:.1f} s" for o in sizes)))
    rows.append(
        ("slowest search meanwhile", *(f"{o['slowest_meanwhile_ms']:.0f} ms" for o in sizes))
    )
    rows.append(
        (
            "neighbour graph, both cores, all of the time",
            *(f"{o['graph_seconds']:.0f} s{_note(o)}" for o in sizes),
        )
    )
    rows.append(("its memory", *(f"{o['graph_megabytes']:.1f} MB" for o in sizes)))
    follow = (f"{o['follow_ms']:.0f} ms" if "follow_ms" in o else "–" for o in sizes)
    rows.append(("one new tracklet into all lists", *follow))
    load = found["load"]
    return (
        f"Width {WIDTH}, {EACH} tracklets an identity, {CAMERAS} cameras: `{found['command']}`, "
        f"{found['date']}, {found['machine']}.\n\n{table(rows)}\n"
        f"Under load, {load['seconds']:.0f} s with {load['tracklets']:,} tracklets "
        f"({load['command']}): {load['answers']:,} answers, {load['enrolled']:,} tracklets "
        f"came and {load['erased']:,} went, refreshes of the index: {load['refreshed']}. "
        "Answers with a score that the statistics of their generation do not give: "
        f"{load['wrong']}; refusals to re-rank: "
        f"{load['unavailable']}.\n"
    )


def _note(one: Mapping[str, Any]) -> str:
    return "" if one["graph_complete"] else " (from a part of it)"


def write_page(found: Mapping[str, Any], page: Path) -> None:
    text = page.read_text("utf-8")
    start, end = "<!-- costs -->\n", "<!-- /costs -->"
    before, _, rest = text.partition(start)
    page.write_text(before + start + costs(found) + end + rest.partition(end)[2], "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="10000,100000")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        load = under_load(
            Path(folder) / "gallery", tracklets=2000, seconds=given.seconds, width=128, seed=0
        )
    found: dict[str, Any] = {
        "sizes": [],
        "load": asdict(load)
        | {
            "generations": len(load.generations),
            "seconds": given.seconds,
            "tracklets": 2000,
            "command": "in the same run",
        },
        "command": f"python -m benchmarks.scoring_costs --sizes {given.sizes} --out docs",
        "date": today(),
        "commit": commit(),
        "machine": machine(),
    }
    for count in map(int, given.sizes.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            found["sizes"].append(measure(count, Path(folder) / "gallery"))
        write_json(RESULTS, found)
        write_page(read_json(RESULTS), given.out / "accuracy.md")
        print(found["sizes"][-1])


if __name__ == "__main__":
    main()
