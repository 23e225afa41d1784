"""Log lines: one JSON object each, whatever stands in a text."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import example, given
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
@example(text="\ud800\udc00")
def test_no_text_can_forge_a_line(stream: io.StringIO, text: str) -> None:
    _without_pytest()
    structlog.get_logger("test").info("event", value=text)
    logging.getLogger("library").info("%s", text)

    lines = written(stream)

    assert len(lines) == 2
    assert _units(json.loads(lines[0])["value"]) == _units(text)
    assert _units(json.loads(lines[1])["event"]) == _units(text)
    assert all(line.isascii() and line.isprintable() for line in lines)


def _without_pytest() -> None:
    """pytest's own handler keeps the texts for its report, which takes no lone surrogates."""
    root = logging.getLogger()
    own = structlog.stdlib.ProcessorFormatter
    root.handlers = [one for one in root.handlers if isinstance(one.formatter, own)]


def _units(text: str) -> bytes:
    """In UTF-16, where two lone surrogates that meet are what JSON makes of them: one character."""
    return text.encode("utf-16", "surrogatepass")


def test_exceptions_are_one_line_without_local_values(stream: io.StringIO) -> None:
    secret = "a-secret-value"
    try:
        raise RuntimeError("broken" if secret else "")
    except RuntimeError:
        structlog.get_logger("test").exception("failed")

    (line,) = written(stream)
    assert "RuntimeError: broken" in json.loads(line)["exception"]
    assert secret not in line.replace("secret = ", "")
