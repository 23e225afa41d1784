"""Clients that go away, at every stage of an enrolment: all of it is there, or nothing."""

import threading
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from indexer.gallery import LocalGallery
from model.runtime import OnnxEmbedder
from service.uploads import Upload
from tests.service.helpers import jpegs
from tests.service.live import Live, eventually, multipart, upload

FORM = upload("/tracklets", multipart(jpegs(1, 3), tracklet_id="gone"))

STAGES: dict[str, tuple[int, type | None, str]] = {
    "in the head": (60, None, ""),
    "in the body": (len(FORM) // 2, None, ""),
    "before the last byte": (len(FORM) - 1, None, ""),
    "while decoding": (len(FORM), Upload, "decode"),
    "while embedding": (len(FORM), OnnxEmbedder, "embed"),
    "while storing": (len(FORM), LocalGallery, "enrol"),
}


class Gate:
    """Holds a method up until the client has gone."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, owner: type | None, method: str) -> None:
        self.reached, self.opened = threading.Event(), threading.Event()
        if owner is None:
            self.reached.set()
            return
        real = getattr(owner, method)

        def held(*arguments: Any, **named: Any) -> Any:
            self.reached.set()
            assert self.opened.wait(60)  # longer than anybody waits for it below
            return real(*arguments, **named)

        monkeypatch.setattr(owner, method, held)


@pytest.mark.parametrize("stage", STAGES)
def test_whoever_leaves_has_enrolled_all_or_nothing(
    serve: Callable[..., Live], monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    count, owner, method = STAGES[stage]
    live = serve()
    gate = Gate(monkeypatch, owner, method)

    with closing(live.connect()) as connection:
        connection.sendall(FORM[:count])
        assert gate.reached.wait(10)
    # Had the work gone on before the service saw that nobody waits, all of it might be there.
    try:
        eventually(
            lambda: not live.server.server_state.connections and not live.parts.batcher.depth
        )
    finally:
        gate.opened.set()
    eventually(
        lambda: not live.server.server_state.tasks and not live.server.server_state.connections
    )

    gallery = live.parts.gallery
    assert live.parts.batcher.depth == 0
    assert live.parts.upload_memory.taken == 0
    assert gallery.verify().ok
    assert gallery.stats().tracklets == (1 if stage == "while storing" else 0)
    assert live.ask(FORM)[0] == (200 if stage == "while storing" else 201)
    assert len(gallery.pictures("gone", actor="test")) == 3
