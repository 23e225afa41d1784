"""What the service does for its gallery on its own: erasing what is due, and finishing erasures."""

import asyncio
from typing import Final

import structlog
from anyio.to_thread import run_sync

from model.errors import GalleryFailure
from service.parts import Parts

log = structlog.get_logger("sightline.upkeep")

RETENTION_ACTOR: Final = "retention"

_FINISH_SECONDS: Final = 60


async def keep_up(parts: Parts) -> None:
    """Both jobs, until cancelled."""
    await asyncio.gather(_erase_expired(parts), _finish_erasures(parts))


async def _erase_expired(parts: Parts) -> None:
    """Erase at once and then every `retention_interval` seconds; nothing without a limit."""
    days = parts.settings.retention_days
    if days is None:
        return
    while True:
        await run_sync(_erase, parts, days)
        await asyncio.sleep(parts.settings.retention_interval)


async def _finish_erasures(parts: Parts) -> None:
    """Try the open erasures again: whoever was told `erase_pending` may never come back."""
    while True:
        await asyncio.sleep(_FINISH_SECONDS)
        await run_sync(_finish, parts)


def _erase(parts: Parts, days: float) -> None:
    try:
        receipt = parts.gallery.erase_expired(days, actor=RETENTION_ACTOR)
    except GalleryFailure as error:
        # A full disk or an open reader passes; what could not be erased is due again.
        log.error("retention_failed", code=error.code, detail=error.detail)
        return
    if receipt is not None:
        log.info("retention_erased", tracklets=receipt.tracklets, receipt=receipt.receipt_id)


def _finish(parts: Parts) -> None:
    try:
        parts.gallery.finish_erasures()
    except GalleryFailure as error:
        log.error("erasure_still_open", code=error.code, detail=error.detail)
