"""What a gallery's own scoring brings: tables and pictures of docs/accuracy.md.

    python -m benchmarks.accuracy --model model/bundles/default --choose worlds/k1 \
        --report worlds/k3 --out docs

Every world is embedded once; `--embeddings FOLDER` keeps that for the next run of the same model.
The first world chose the constants, the second, of another kind, reports.
"""

import argparse
import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.choice import choose
from benchmarks.curves import Point, draw_bars, draw_curves
from benchmarks.machine import ROOT, commit, machine, today
from benchmarks.report import table
from benchmarks.situations import BAD, CURVE, Found, Place, measure
from model.bundle import Manifest
from model.datasets.catalogue import open_dataset
from model.datasets.tracklets import Dataset, cameras, identities, places
from model.learning.embed import embed_tracklets
from model.learning.evaluate import TEST_FRAMES, Embedded, all_tracklets
from model.learning.opening import open_embedder
from model.reports import write_json
from service.serving_evaluation import (
    SCORINGS,
    Way,
    choose_protocol,
    evaluate_serving,
    report,
)
from service.serving_table import HEADS, serving_rows

PAGE: Final = "accuracy.md"
RESULTS: Final = ROOT / "benchmarks" / "results" / "accuracy.json"
QUERIES: Final = 150
"""Asked of galleries on disk, of each world; what needs no gallery asks all."""
WRONG_LABELS: Final = (0.0, 0.05, 0.1, 0.2)


@dataclass(frozen=True)
class World:
    """A data set and its embeddings."""

    name: str
    dataset: Dataset
    embedded: Embedded

    @classmethod
    def of(cls, root: Path, model: Path, kept: Path | None) -> "World":
        dataset = open_dataset("synthetic", root)
        everything = tuple(all_tracklets(dataset.protocols))
        vectors = _embeddings(dataset.name, everything, model, kept)
        place = {id(one): row for row, one in enumerate(everything)}
        protocol = choose_protocol(dataset.protocols, None)
        query, gallery = (
            vectors[[place[id(one)] for one in half]] for half in (protocol.query, protocol.gallery)
        )
        kind = dataset.name.split("-")[1].upper()
        return cls(kind, dataset, Embedded(protocol, query, gallery))

    @property
    def places(self) -> list[Place]:
        """Its tracklets as galleries store them, one for each place."""
        held = self.embedded.protocol.gallery
        where = places(held)
        vectors = self.embedded.gallery.astype(np.float16)
        people, taken_by = identities(held), cameras(held)
        return [
            Place(vectors[where == one], people[where == one], taken_by[where == one])
            for one in np.unique(where)
        ]


def _embeddings(name: str, everything: Any, model: Path, kept: Path | None) -> Any:
    manifest = Manifest.load(model)
    key = hashlib.sha256(f"{name} {manifest.model_id} {manifest.sha256}".encode()).hexdigest()[:16]
    file = None if kept is None else kept / f"{key}.npy"
    if file is not None and file.exists():
        return np.load(file)
    embedder = open_embedder(model, "auto")
    vectors = embed_tracklets(everything, embedder, frames=TEST_FRAMES, workers=0)
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        np.save(file, vectors)
    return vectors


def measure_all(choosing: World, reporting: World) -> dict[str, Any]:
    """Everything the page says, as JSON."""
    worlds = (choosing, reporting)
    answer: dict[str, Any] = {
        "choice": choose(choosing.places),
        "curve": {one.name: _situations(one, CURVE) for one in worlds},
        "bad": {one.name: _situations(one, BAD) for one in worlds},
    }
    answer["serving"] = [
        {"model": "", "dataset": one.name} | report(one.embedded, _asked(one)) for one in worlds
    ]
    answer["labels"] = {one.name: _mislabelled(one) for one in worlds}
    return answer


def _mislabelled(world: World) -> dict[str, dict[str, float]]:
    """mAP of every identity scoring by the share of tracklets that bear another's name."""
    ways = [Way(camera_normalised=True, rerank=False, identity=one) for one in SCORINGS]
    found: dict[str, dict[str, float]] = {}
    for share in WRONG_LABELS:
        results = evaluate_serving(world.embedded, ways=ways, most=QUERIES, wrong_labels=share)
        found[f"{share:.0%}"] = {
            str(one.way.identity): one.retrieval.scores()["mAP"] for one in results
        }
    return found


def _asked(world: World) -> Any:
    return evaluate_serving(world.embedded, most=QUERIES)


def _situations(world: World, wanted: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _as_json(measure(world.places, one)) for name, one in wanted.items()}


def _as_json(found: Found) -> dict[str, Any]:
    return {
        "raw": found.raw,
        "gain": found.gain,
        "gain_95": list(found.gain_95),
        "queries": found.queries,
    }


def sections(found: Mapping[str, Any]) -> dict[str, str]:
    """What stands between the markers of the page."""
    answer = {
        "choice": _choice(found["choice"]),
        "curve": _gains(found["curve"], "tracklets per camera"),
        "bad": _gains(found["bad"], "the gallery"),
        "labels": _labels(found["labels"]),
    }
    for one in found["serving"]:
        heading = f"{one['dataset']}, {one['queries']} queries, {one['protocol']}:\n\n"
        rows = table([HEADS, *serving_rows(one)])
        answer[f"serving {one['dataset']}"] = heading + rows
    answer["run"] = f"`{found['command']}`, {found['date']}, {found['machine']}, "
    answer["run"] += f"{found['seconds']:.0f} s, model `{found['model_id']}`.\n"
    return answer


def _choice(found: Mapping[str, Mapping[str, float]]) -> str:
    rows: list[Sequence[str]] = [
        ("weight of a camera's own mean", "gain at 5", "gain at 20", "worst of the bad ones")
    ]
    rows += [
        (name, *(f"{100 * one[key]:+.1f}" for key in ("5", "20", "worst")))
        for name, one in found.items()
    ]
    return table(rows)


def _labels(found: Mapping[str, Mapping[str, Mapping[str, float]]]) -> str:
    heads = ["wrong labels"]
    heads += [f"{world}, {one.replace('_', ' ')}" for world in found for one in SCORINGS]
    rows: list[Sequence[str]] = [heads]
    for share in next(iter(found.values())):
        cells = (f"{100 * some[share][one]:.1f}" for some in found.values() for one in SCORINGS)
        rows.append((share, *cells))
    return table(rows)


def _gains(found: Mapping[str, Mapping[str, Any]], head: str) -> str:
    worlds = list(found)
    names = list(found[worlds[0]])
    heads = [head]
    for world in worlds:
        heads += [f"{world}, raw mAP", "gain"]
    rows: list[Sequence[str]] = [heads]
    for name in names:
        cells = [name]
        for world in worlds:
            one = found[world][name]
            low, high = (100 * bound for bound in one["gain_95"])
            gain = f"{100 * one['gain']:+.1f}"
            cells += [
                f"{100 * one['raw']:.1f}",
                gain if not (low or high) else f"{gain} ({low:+.1f} to {high:+.1f})",
            ]
        rows.append(cells)
    return table(rows)


def draw(found: Mapping[str, Any], pictures: Path) -> None:
    """Curves of the cold start, bars of bad situations, bars of what each part brings."""
    pictures.mkdir(parents=True, exist_ok=True)
    draw_curves(
        {world: [_point(one) for one in curve.values()] for world, curve in found["curve"].items()},
        list(next(iter(found["curve"].values()))),
        "Gain in mAP by tracklets known per camera, points",
        pictures / "accuracy-cold-start.svg",
    )
    draw_bars(
        {
            world: {name: _point(one) for name, one in some.items()}
            for world, some in found["bad"].items()
        },
        "Gain in mAP where little is known, points",
        pictures / "accuracy-bad-cases.svg",
    )
    bars = {
        one["dataset"]: {
            _short(way): Point(
                100 * way["mAP"]["gain"], *(100 * bound for bound in way["mAP"]["gain_95"])
            )
            for way in one["ways"]
            if way["mAP"]["gain_95"] != [0, 0]
        }
        for one in found["serving"]
    }
    draw_bars(
        bars, "Gain in mAP over plain cosines and best tracklets", pictures / "accuracy-parts.svg"
    )


def _short(way: Mapping[str, Any]) -> str:
    ranked = "tracklets" if way["identity"] is None else f"{way['identity']}".replace("_", " ")
    parts = [ranked]
    parts += ["normalised"] if way["camera_normalised"] else []
    parts += ["re-ranked"] if way["rerank"] else []
    return ", ".join(parts)


def _point(one: Mapping[str, Any]) -> Point:
    return Point(100 * one["gain"], *(100 * bound for bound in one["gain_95"]))


def write_page(found: Mapping[str, Any], page: Path) -> None:
    """Replace what stands between the markers."""
    text = page.read_text("utf-8")
    for name, made in sections(found).items():
        start, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
        before, found_start, rest = text.partition(start)
        if not found_start or end not in rest:
            raise ValueError(f"{page} has no place for {name!r}")
        text = before + start + made + end + rest.partition(end)[2]
    page.write_text(text, "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("model", "choose", "report", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--embeddings", type=Path, default=None)
    given = parser.parse_args()
    began = time.monotonic()
    worlds = [
        World.of(root, given.model, given.embeddings) for root in (given.choose, given.report)
    ]
    found = measure_all(*worlds) | {
        "command": "python -m benchmarks.accuracy --model model/bundles/default --choose K1 "
        "--report K3 --out docs",
        "date": today(),
        "commit": commit(),
        "machine": machine(),
        "seconds": time.monotonic() - began,
        "model_id": Manifest.load(given.model).model_id,
    }
    write_json(RESULTS, found)
    draw(found, given.out / "pictures")
    write_page(found, given.out / PAGE)
    print(f"wrote {given.out / PAGE} in {found['seconds']:.0f} s")


if __name__ == "__main__":
    main()
