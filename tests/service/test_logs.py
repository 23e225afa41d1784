"""Log lines: one JSON object each, whatever stands in a text."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from service.logs import configure_logs


@pytest.fixture(scope="module")
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before, level, structured = list(root.handlers), root.level, structlog.get_config()
    configure_logs("info")
    handler = root.handlers[0]
    assert isinstance(handler, logging.StreamHandler)
    caught = io.StringIO()
    handler.setStream(caught)
    yield caught
    root.handlers, root.level = before, level
    structlog.configure(**structured)


def written(stream: io.StringIO) -> list[str]:
    lines = stream.getvalue().splitlines()
    stream.seek(0)
    stream.truncate()
    return lines


@given(text=st.text(st.characters(), max_size=50))
def test_no_text_can_forge_a_line(stream: io.StringIO, text: str) -> None:
    structlog.get_logger("test").info("event", value=text)
    logging.getLogger("library").info("%s", text)

    lines = written(stream)

    assert len(lines) == 2
    assert json.loads(lines[0])["value"] == text
    assert json.loads(lines[1])["event"] == text
    assert all(line.isascii() and line.isprintable() for line in lines)


def test_exceptions_are_one_line_without_local_values(stream: io.StringIO) -> None:
    secret = "a-secret-value"
    try:
        raise RuntimeError("broken" if secret else "")
    except RuntimeError:
        structlog.get_logger("test").exception("failed")

    (line,) = written(stream)
    assert "RuntimeError: broken" in json.loads(line)["exception"]
    assert secret not in line.replace("secret = ", "")
