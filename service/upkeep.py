"""What the service does for its gallery on its own: erasing what is due, finishing erasures,
keeping the scoring in step with the cameras, and completing the neighbour graph."""

import asyncio
from collections.abc import Callable
from typing import Final

import structlog
from anyio.to_thread import run_sync

from model.errors import SightlineError
from service.metrics import Task
from service.parts import Parts

log = structlog.get_logger("sightline.upkeep")

RETENTION_ACTOR: Final = "retention"

_FINISH_SECONDS: Final = 60
_REFRESH_SECONDS: Final = 1
_GRAPH_SECONDS: Final = 0.5
"""Of work on the neighbour graph, followed by as long a rest: others want the processor too."""


async def keep_up(parts: Parts) -> None:
    """All jobs, until cancelled."""
    await asyncio.gather(
        _erase_expired(parts), _finish_erasures(parts), _refresh(parts), _tend_graph(parts)
    )


async def _erase_expired(parts: Parts) -> None:
    """Erase at once and then every `retention_interval` seconds; nothing without a limit."""
    days = parts.settings.retention_days
    if days is None:
        return
    while True:
        await run_sync(_attempt, parts, "retention", lambda: _erase(parts, days))
        await asyncio.sleep(parts.settings.retention_interval)


async def _finish_erasures(parts: Parts) -> None:
    """Try the open erasures again: whoever was told `erase_pending` may never come back."""
    while True:
        await asyncio.sleep(_FINISH_SECONDS)
        await run_sync(_attempt, parts, "erasure", parts.gallery.finish_erasures)


async def _refresh(parts: Parts) -> None:
    """Look every second, so that even the building of a large index is done within five."""
    while True:
        await asyncio.sleep(_REFRESH_SECONDS)
        await run_sync(_attempt, parts, "refresh", parts.gallery.refresh)


async def _tend_graph(parts: Parts) -> None:
    """Build the graph once it is asked for, and keep it complete, in short steps."""
    while True:
        await asyncio.sleep(_GRAPH_SECONDS)
        await run_sync(_attempt, parts, "graph", lambda: parts.gallery.tend_graph(_GRAPH_SECONDS))


def _erase(parts: Parts, days: float) -> None:
    receipt = parts.gallery.erase_expired(days, actor=RETENTION_ACTOR)
    if receipt is not None:
        parts.metrics.retention_erased(receipt.tracklets)
        log.info("retention_erased", tracklets=receipt.tracklets, receipt=receipt.receipt_id)


def _attempt(parts: Parts, task: Task, work: Callable[[], object]) -> None:
    try:
        work()
    except SightlineError as error:
        # A full disk or an open reader passes; what could not be done is due again.
        parts.metrics.upkeep_failed(task)
        log.error("upkeep_failed", task=task, code=error.code, detail=error.detail)
    # Whatever else goes wrong must not end the task for as long as the service runs.
    except Exception:
        parts.metrics.upkeep_failed(task)
        log.exception("upkeep_failed", task=task)
