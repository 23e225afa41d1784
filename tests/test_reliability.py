"""docs/reliability.md: its figures are those of the results, the tests that it names exist."""

import ast
import re
from pathlib import Path

import pytest

from benchmarks.reliability import RESULTS
from benchmarks.report import PAGE, write_page
from benchmarks.suite import CAMPAIGNS
from benchmarks.tally import Results

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


def defined(file: str) -> set[str]:
    tree = ast.parse((ROOT / file).read_text("utf-8"))
    names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    targets = [node.targets[0] for node in tree.body if isinstance(node, ast.Assign)]
    return names | {target.id for target in targets if isinstance(target, ast.Name)}


def test_every_fault_has_a_row_with_tests_that_exist() -> None:
    table = rows()

    assert [fault for fault in FAULTS if not any(fault in row for row in table)] == []
    for fault, cell in table.items():
        named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", cell)
        assert named, fault
        assert [name for file, name in named if name not in defined(file)] == [], fault


def test_the_tables_are_those_of_the_results(tmp_path: Path) -> None:
    copy = tmp_path / "reliability.md"
    copy.write_text(PAGE.read_text("utf-8"), "utf-8")

    write_page(Results(RESULTS), copy)

    assert copy.read_text("utf-8") == PAGE.read_text("utf-8")


def test_every_campaign_has_been_run() -> None:
    assert [one.name for one in CAMPAIGNS if not Results(RESULTS).runs(one.name)] == []


@pytest.mark.parametrize("name", [one.name for one in CAMPAIGNS])
def test_a_row_that_does_not_hold_says_so(name: str) -> None:
    (campaign,) = [one for one in CAMPAIGNS if one.name == name]
    for run in Results(RESULTS).runs(name):
        run.tally.wrong.append("something")
        assert "**no**: " in campaign.row(run.tally)[2]
