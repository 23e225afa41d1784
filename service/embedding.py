"""From an upload to an embedding, for as long as somebody waits for it."""

import asyncio
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from fastapi import Request
from starlette.requests import ClientDisconnect

from model.decode import DecodedTracklet
from service.batching import Embedded, Slot
from service.parts import Parts
from service.uploads import Upload

T = TypeVar("T")


@dataclass(frozen=True)
class EmbeddedUpload:
    """A decoded and embedded upload, with the seconds that decoding took."""

    tracklet: DecodedTracklet
    embedded: Embedded
    decoding: float


async def embed_upload(request: Request, parts: Parts, upload: Upload) -> EmbeddedUpload:
    """Decode and embed, from a reserved place in the queue; dropped when the client goes.

    Raises `QueueFull`, `NotReady`, what the decoder refuses with, and what the model fails with.
    """
    with parts.batcher.reserve() as slot:
        return await while_connected(request, _decode_and_embed(parts, upload, slot))


async def _decode_and_embed(parts: Parts, upload: Upload, slot: Slot) -> EmbeddedUpload:
    started = time.perf_counter()
    tracklet = await parts.decode(upload)
    decoding = time.perf_counter() - started
    parts.metrics.decoded(decoding)
    return EmbeddedUpload(tracklet, await slot.embed(tracklet.frames), decoding)


async def while_connected(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """Await `work`, cancelled as soon as the client has gone. Raises `ClientDisconnect` then.

    The request's body must have been read.
    """
    working = asyncio.create_task(work)
    watching = asyncio.create_task(_gone(request))
    try:
        await asyncio.wait({working, watching}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientDisconnect
        return working.result()
    finally:
        working.cancel()
        watching.cancel()
        await asyncio.gather(working, watching, return_exceptions=True)


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
