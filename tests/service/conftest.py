"""A real application on a real gallery and a real ONNX session, one of each per test."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import structlog
from starlette.testclient import TestClient

from service.app import create_app
from service.parts import Parts, open_parts
from service.settings import Settings
from tests.service.described import check_described
from tests.service.live import Live, serving

LOCAL = {"base_url": "http://127.0.0.1:8000", "client": ("127.0.0.1", 50000)}

MakeClient = Callable[..., TestClient]


@pytest.fixture(scope="session", autouse=True)
def plain_logs() -> Iterator[None]:
    """structlog's default for a terminal renders tracebacks at length; JSON lines do not."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ]
    )
    yield
    structlog.reset_defaults()


@pytest.fixture
def settings(tmp_path: Path, fake_bundle: Path) -> Settings:
    return Settings(
        gallery=tmp_path / "gallery",
        model=fake_bundle,
        device="cpu",
        threads=1,
        drain_notice_seconds=0,
    )


@pytest.fixture
def make_client(settings: Settings) -> Iterator[MakeClient]:
    """Start applications with changed settings; all of them end with the test."""
    started: list[TestClient] = []

    def make(**changes: Any) -> TestClient:
        app = create_app(settings.model_copy(update=changes))
        client = TestClient(app, **LOCAL)
        client.event_hooks = {"response": [check_described(app)]}
        client.__enter__()
        started.append(client)
        return client

    yield make
    for client in reversed(started):
        client.__exit__(None, None, None)


@pytest.fixture
def client(make_client: MakeClient) -> TestClient:
    """A service without keys, called from this machine: everyone is admin."""
    return make_client()


@pytest.fixture
def parts(settings: Settings) -> Iterator[Parts]:
    with open_parts(settings) as opened:
        yield opened


@pytest.fixture
def serve(settings: Settings) -> Iterator[Callable[..., Live]]:
    """Serve applications with changed settings on sockets; all of them end with the test."""
    with ExitStack() as stack:
        yield lambda **changes: stack.enter_context(serving(settings.model_copy(update=changes)))
