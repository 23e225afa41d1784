"""Background jobs: they go on, whatever happens to them."""

import asyncio
import sqlite3
from typing import Any

import pytest

from indexer.records import Ranking, Search
from model.errors import RerankUnavailable, StorageFull
from service import upkeep
from service.parts import Parts
from tests.support.galleries import tracklet, unit


def run_until(parts: Parts, calls: list[Any], count: int) -> None:
    async def run() -> None:
        job = asyncio.create_task(upkeep.keep_up(parts))
        try:
            async with asyncio.timeout(10):
                while len(calls) < count:
                    assert not job.done(), "the jobs have ended"
                    await asyncio.sleep(0)
        finally:
            job.cancel()
            await asyncio.gather(job, return_exceptions=True)

    asyncio.run(run())


@pytest.mark.parametrize(
    "failure", [StorageFull("no room"), sqlite3.OperationalError("disk I/O error"), ValueError("?")]
)
def test_a_job_that_fails_is_tried_again_and_counted(
    parts: Parts, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    calls: list[str] = []

    def fail(*_: object, **__: object) -> None:
        calls.append("retention")
        raise failure

    monkeypatch.setattr(parts.gallery, "erase_expired", fail)
    parts.settings = parts.settings.model_copy(
        update={"retention_days": 1.0, "retention_interval": 1e-3}
    )

    run_until(parts, calls, 3)

    figures = parts.metrics.text().decode()
    (line,) = [one for one in figures.splitlines() if 'failures_total{task="retention"}' in one]
    assert float(line.split()[1]) >= 3


def test_open_erasures_are_finished_in_the_background(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []

    def finish() -> None:
        calls.append("erasure")
        raise StorageFull("no room")

    monkeypatch.setattr(upkeep, "_FINISH_SECONDS", 1e-3)
    monkeypatch.setattr(parts.gallery, "finish_erasures", finish)

    run_until(parts, calls, 3)

    assert 'sightline_upkeep_failures_total{task="erasure"}' in parts.metrics.text().decode()


def test_the_neighbour_graph_is_built_in_the_background_once_it_is_asked_for(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    gallery, width = parts.gallery, parts.gallery.embedding_width
    names = {"model_id": gallery.model_id, "width": width}
    gallery.enrol_many([tracklet(f"t{n}", n, **names) for n in range(20)], actor="test")
    monkeypatch.setattr(upkeep, "_GRAPH_SECONDS", 1e-3)
    # As if the gallery were so large that no search may complete the graph itself.
    monkeypatch.setattr(gallery._searches, "_most_pairs", 0)

    def ask() -> Ranking:
        return gallery.search(unit(0, width), gallery.model_id, Search(rerank=True), actor="test")

    calls: list[bool] = []
    tend = gallery.tend_graph
    monkeypatch.setattr(gallery, "tend_graph", lambda seconds: calls.append(tend(seconds)))
    run_until(parts, calls, 1)
    assert gallery.graph_bytes == 0
    with pytest.raises(RerankUnavailable):
        ask()
    calls.clear()
    run_until(parts, calls, 3)
    assert ask().scoring.rerank
