"""Erases what is older than the gallery's retention time, for as long as the service runs."""

import asyncio
from typing import Final

import structlog
from anyio.to_thread import run_sync

from model.errors import GalleryFailure
from service.parts import Parts

log = structlog.get_logger("sightline.retention")


RETENTION_ACTOR: Final = "retention"


async def erase_expired(parts: Parts) -> None:
    """Erase at once and then every `retention_interval` seconds; nothing without a limit."""
    days = parts.settings.retention_days
    if days is None:
        return
    while True:
        await run_sync(_erase, parts, days)
        await asyncio.sleep(parts.settings.retention_interval)


def _erase(parts: Parts, days: float) -> None:
    try:
        receipt = parts.gallery.erase_expired(days, actor=RETENTION_ACTOR)
    except GalleryFailure as error:
        # A full disk or an open reader passes; what could not be erased is due again.
        log.error("retention_failed", code=error.code, detail=error.detail)
        return
    if receipt is not None:
        log.info("retention_erased", tracklets=receipt.tracklets, receipt=receipt.receipt_id)
