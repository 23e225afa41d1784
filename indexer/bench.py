"""`sightline bench search`: exact search beside plain FAISS and numpy, and the rebuild's time."""

import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from model.benchmark import describe_machine, interleave
from model.errors import InvalidParameter
from model.terminal import console, failures_as_exit, output, print_json

if TYPE_CHECKING:
    from indexer.gallery import LocalGallery

_MODEL = "benchmark"
_QUERIES = 64
_NEAREST = 10
_TRACKLETS_PER_IDENTITY = 20
_NOISE = 0.7
_ROWS_PER_COMMIT = 2000


@dataclass(frozen=True)
class SearchFigures:
    """One size of gallery. Milliseconds are medians of interleaved runs of one query each."""

    tracklets: int
    width: int
    view_ms: float
    """The index alone: nearest vectors and their exact scores."""
    faiss_flat_ms: float
    numpy_ms: float
    gallery_ms: float
    """All of `LocalGallery.search`: freshness, ranking, reading rows, audit entry."""
    recall_at_10: float
    cores_used: float
    """Processor time per second while the index searches."""
    rebuild_seconds: float
    """From the store to a view that can be searched."""


def search(
    sizes: Annotated[str, typer.Option(help="Gallery sizes, with commas.")] = "10000,100000",
    width: Annotated[int, typer.Option(min=1, help="Components of an embedding.")] = 1536,
    threads: Annotated[int, typer.Option(min=0, help="Threads; 0 takes all cores.")] = 0,
    force: Annotated[bool, typer.Option("--force", help="Measure on a busy machine too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Time exact search in made-up galleries, beside plain FAISS and numpy in the same run.

    \b
    Examples:
      sightline bench search
      sightline bench search --sizes 10000,100000 --threads 4 --json
    """
    with failures_as_exit():
        counts = _parse(sizes)
        machine = describe_machine()
        console.print(f"{machine.processor}, {machine.cores} cores, {' '.join(machine.flags)}")
        if not machine.is_idle and not force:
            raise InvalidParameter(
                f"{machine.busy_cores:.1f} cores are busy: figures would mean nothing "
                "(--force measures all the same)"
            )
        figures = [measure(count, width, threads) for count in counts]
        if as_json:
            print_json(
                {"machine": asdict(machine), "search": [asdict(figure) for figure in figures]}
            )
            return
        for figure in figures:
            for name, value in asdict(figure).items():
                output.print(f"{name}: {value}")


def measure(count: int, width: int, threads: int) -> SearchFigures:
    """Fill a gallery on disk with `count` tracklets of identities that overlap, and time it."""
    import faiss

    from indexer.gallery import open_gallery
    from indexer.records import Search
    from indexer.vectors import open_vectors, scores

    rows, queries = made_up(count, width)
    flat = faiss.IndexFlatIP(width)
    flat.add(rows)
    vectors = open_vectors(width, "cpu", threads)
    vectors.add(rows.astype(np.float16))
    k = min(_NEAREST, count)

    def view(query: NDArray[np.float32]) -> NDArray[np.int64]:
        positions = vectors.nearest(query, k, None).positions
        return positions[np.argsort(-scores(vectors, query, positions), kind="stable")]

    with tempfile.TemporaryDirectory() as folder:
        gallery = open_gallery(
            Path(folder) / "gallery",
            model_id=_MODEL,
            width=width,
            create=True,
            threads=threads,
            fill=False,
        )
        with gallery:
            _fill(gallery, rows)
            start = time.perf_counter()
            gallery.fill()
            rebuild_seconds = time.perf_counter() - start
            timed = interleave(
                {
                    "view": _each(queries, view),
                    "flat": _each(queries, lambda query: flat.search(query[None], k)),
                    "numpy": _each(queries, lambda query: _numpy(rows, query, k)),
                    "gallery": _each(
                        queries,
                        lambda query: gallery.search(query, _MODEL, Search(), actor="bench"),
                    ),
                }
            )
    cores = _cores_used(_each(queries, view))
    same = sum(len(np.intersect1d(view(query), _numpy(rows, query, k))) for query in queries)
    vectors.close()
    return SearchFigures(
        tracklets=count,
        width=width,
        view_ms=1e3 * timed["view"].median,
        faiss_flat_ms=1e3 * timed["flat"].median,
        numpy_ms=1e3 * timed["numpy"].median,
        gallery_ms=1e3 * timed["gallery"].median,
        recall_at_10=same / (k * len(queries)),
        cores_used=cores,
        rebuild_seconds=rebuild_seconds,
    )


def made_up(count: int, width: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Tracklets [count, D] scattered around their identities, and queries like some of them."""
    rng = np.random.default_rng(0)
    people = rng.standard_normal((-(-count // _TRACKLETS_PER_IDENTITY), width), np.float32)
    rows = people[np.arange(count) % len(people)]
    rows += _NOISE * rng.standard_normal(rows.shape, np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    queries = people[rng.integers(0, len(people), _QUERIES)]
    queries = queries + _NOISE * rng.standard_normal(queries.shape, np.float32)
    return rows, queries / np.linalg.norm(queries, axis=1, keepdims=True)


def _fill(gallery: "LocalGallery", rows: NDArray[np.float32]) -> None:
    from indexer.records import NewTracklet

    people = -(-len(rows) // _TRACKLETS_PER_IDENTITY)
    for start in range(0, len(rows), _ROWS_PER_COMMIT):
        part = [
            NewTracklet(
                tracklet_id=f"t{number}",
                content_sha256=bytes(32),
                model_id=_MODEL,
                embedding=rows[number],
                temporal_attention=(1.0,),
                received=1,
                sampled=(0,),
                identity=f"p{number % people}",
            )
            for number in range(start, min(start + _ROWS_PER_COMMIT, len(rows)))
        ]
        gallery.enrol_many(part, actor="bench")


def _each(
    queries: NDArray[np.float32], ask: Callable[[NDArray[np.float32]], object]
) -> Callable[[], object]:
    """One query after the other, so that no side lives on what the cache remembers."""
    turn = iter(range(1 << 62))
    return lambda: ask(queries[next(turn) % len(queries)])


def _numpy(rows: NDArray[np.float32], query: NDArray[np.float32], k: int) -> NDArray[np.intp]:
    inner = rows @ query
    best = np.argpartition(inner, len(inner) - k)[-k:]
    return best[np.argsort(-inner[best])]


def _cores_used(run: Callable[[], object]) -> float:
    wall, processor = time.perf_counter(), time.process_time()
    for _ in range(_QUERIES):
        run()
    return (time.process_time() - processor) / (time.perf_counter() - wall)


def _parse(sizes: str) -> list[int]:
    counts = [int(part) for part in sizes.split(",") if part.strip().isdigit()]
    if not counts or min(counts) < 1 or len(counts) != len(sizes.split(",")):
        raise InvalidParameter("--sizes takes numbers with commas, such as 10000,100000")
    return counts
