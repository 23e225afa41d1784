"""Every promise of the page on security names tests that exist."""

import re

import pytest

from tests.support.reference import DOCS, ROOT

PROMISES = re.findall(r"(?m)^\| ([^|]+) \| (`tests/[^|]+) \|$", (DOCS / "security.md").read_text())


@pytest.mark.parametrize(("promise", "cell"), PROMISES, ids=[one[0][:60] for one in PROMISES])
def test_a_promise_has_its_test(promise: str, cell: str) -> None:
    named = re.findall(r"`([^`:]+)::(\w+)`", cell)

    assert named, promise
    for file, test in named:
        assert re.search(rf"(?m)^def {test}\(", (ROOT / file).read_text("utf-8")), f"{file}::{test}"


def test_there_are_promises() -> None:
    assert len(PROMISES) > 30
