"""The table of removals: what it takes away is there, what must fail too, no promise is missing."""

import re
from pathlib import Path

import pytest

from benchmarks.removals import SECURITY, Edit, Removal, Tree, removals
from tests.test_reliability import ROOT, defined, rows
from tests.test_security_page import PROMISES

REMOVALS = removals()


@pytest.mark.parametrize("removal", REMOVALS, ids=lambda one: one.what)
def test_what_is_taken_away_is_there_and_its_tests_too(removal: Removal) -> None:
    for edit in removal.edits:
        assert (ROOT / edit.file).read_text("utf-8").count(edit.text) == 1
        assert edit.instead not in {edit.text, edit.text.strip()}
    assert removal.tests
    for test in removal.tests:
        file, _, name = test.partition("::")
        assert name in defined(file), test


def test_every_row_has_a_removal_and_every_removal_a_row() -> None:
    assert {removal.fault for removal in REMOVALS} - {SECURITY} == rows().keys()


def test_every_test_that_a_page_names_must_fail_without_something() -> None:
    pages = " ".join([*rows().values(), *(cell for _, cell in PROMISES)])
    named = set(re.findall(r"`(tests/[\w/]+\.py::[\w:]+)`", pages))

    assert named - {test for removal in REMOVALS for test in removal.tests} == set()


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tree:
    """A tree of one module and one test."""
    monkeypatch.setattr("benchmarks.removals._files", lambda: ["LICENSE"])
    (tmp_path / "limit.py").write_text("def holds(size):\n    return size < 3\n")
    (tmp_path / "test_it.py").write_text(
        "import pytest\nfrom limit import holds\n\n"
        "def test_strong(): assert not holds(5)\n"
        "def test_elsewhere(): pytest.skip('not here')\n"
    )
    return Tree(tmp_path)


def test_a_test_is_caught_only_where_it_fails(tree: Tree, tmp_path: Path) -> None:
    def verdict(test: str, instead: str) -> str:
        removal = Removal("size", (Edit("limit.py", "return size < 3", instead),), (test,))
        with tree.without(removal):
            return tree.verdict(test, seed=1)

    assert verdict("test_it.py::test_strong", "return size < 4") == "NOT caught"
    # As long as what was there before, and in the same second: nothing compiled may be left over.
    assert verdict("test_it.py::test_strong", "return size < 9") == "caught"
    assert verdict("test_it.py::test_elsewhere", "return True") == "skipped"
    assert verdict("test_it.py::test_strong", "return size <") == "cannot run"
    assert (tmp_path / "limit.py").read_text() == "def holds(size):\n    return size < 3\n"


def test_what_is_not_there_cannot_be_taken_away(tree: Tree) -> None:
    gone = Removal("size", (Edit("limit.py", "return size < 4", "pass"),), ("test_it.py",))

    with pytest.raises(ValueError, match="not exactly one"), tree.without(gone):
        pass
