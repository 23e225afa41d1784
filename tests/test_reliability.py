"""docs/reliability.md: its figures are those of the results, the tests that it names exist."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from benchmarks.recording import RESULTS
from benchmarks.report import PAGE, write_page
from benchmarks.suite import CAMPAIGNS
from benchmarks.tally import Results, Run, Tally

ROOT = Path(__file__).parents[1]

FAULTS = (
    "picture bomb",
    "video bomb",
    "truncated",
    "huge body",
    "slow connections",
    "NaN",
    "wrong model",
    "pickle",
    "archive with",
    "no key",
    "keys",
    "markup",
    "web pages",
    "log injection",
    "kill -9",
    "power loss",
    "disk full",
    "index and store",
    "enrol, query and erase",
    "residues",
    "who was erased",
    "kept for too long",
    "misuse",
    "while others use it",
    "overload",
    "poisoned",
    "client gone",
    "GPU",
    "SIGTERM",
    "memory growth",
)


def rows() -> dict[str, str]:
    """What stands in the third column of the table of faults, by its first."""
    _, _, table = PAGE.read_text("utf-8").partition("| fault | what happens | tests |\n")
    lines = table.partition("\n\n")[0].splitlines()[1:]
    cells = [line.strip("|").split(" | ") for line in lines]
    return {first.strip(): tests for first, _, tests in cells}


@cache
def defined(file: str) -> set[str]:
    """Names of a file's tests, those of a class with the class before them."""
    names = set()
    for node in ast.parse((ROOT / file).read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.ClassDef):
            methods = [one.name for one in node.body if isinstance(one, ast.FunctionDef)]
            names |= {f"{node.name}::{name}" for name in methods}
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            names.add(node.targets[0].id)
    return names


def test_every_fault_has_a_row_with_tests_that_exist() -> None:
    table = rows()

    assert [fault for fault in FAULTS if not any(fault in row for row in table)] == []
    for fault, cell in table.items():
        named = re.findall(r"`(tests/[\w/]+\.py)::([\w:]+)`", cell)
        assert named, fault
        assert [name for file, name in named if name not in defined(file)] == [], fault


def test_the_tables_are_those_of_the_results(tmp_path: Path) -> None:
    copy = tmp_path / "reliability.md"
    copy.write_text(PAGE.read_text("utf-8"), "utf-8")

    write_page(Results(RESULTS), copy)

    assert copy.read_text("utf-8") == PAGE.read_text("utf-8")


def test_every_campaign_has_been_run() -> None:
    assert [one.name for one in CAMPAIGNS if not Results(RESULTS).runs(one.name)] == []


def test_a_full_run_takes_the_place_of_a_quick_one_and_never_the_other_way(tmp_path: Path) -> None:
    results, seen = Results(tmp_path), ("2026-11-21", "abc", "a machine", "a command", 1.0)
    for seed, quick in ((1, True), (2, True), (1, False), (1, True), (2, True)):
        results.add("kills", Run(seed, quick, *seen, Tally()))

    kept = [(run.seed, run.quick) for run in results.runs("kills")]

    assert kept == [(1, False), (1, True), (2, True)]


@pytest.mark.parametrize("name", [one.name for one in CAMPAIGNS])
def test_a_row_that_does_not_hold_says_so(name: str) -> None:
    (campaign,) = [one for one in CAMPAIGNS if one.name == name]
    for run in Results(RESULTS).runs(name):
        run.tally.wrong.append("something")
        assert "**no**: " in campaign.row(run.tally)[2]
