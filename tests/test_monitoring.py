"""Dashboard, alert rules and the page about operation speak of the figures that there are."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from fastapi.routing import APIRoute

from model.errors import codes
from service.app import create_app
from service.settings import Settings
from tests.support.reference import DOCS, metric_families

MONITORING = DOCS / "monitoring"
TARGET_LABELS = {"instance", "job", "le"}
"""Those that Prometheus or a histogram adds."""


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load((MONITORING / "alerts.yml").read_text("utf-8"))["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def panels() -> list[dict[str, Any]]:
    dashboard = json.loads((MONITORING / "grafana-dashboard.json").read_text("utf-8"))
    found: list[dict[str, Any]] = [one for one in dashboard["panels"] if one["type"] != "row"]
    return found


def expressions() -> list[str]:
    shown = [target["expr"] for panel in panels() for target in panel["targets"]]
    return [*shown, *(rule["expr"] for rule in rules())]


def samples() -> dict[str, set[str]]:
    """Every name that a query may use, with its labels."""
    ends = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"], "gauge": [""]}
    return {
        family.name + end: set(labels)
        for family, labels in metric_families()
        for end in ends[family.type]
    }


def names(text: str) -> set[str]:
    """The figures that a text speaks of."""
    return set(re.findall(r"\b(?:sightline|process)_[a-z0-9_]+\b", text))


def test_only_figures_that_exist_are_asked_for() -> None:
    asked = set().union(*map(names, expressions()))

    assert asked <= samples().keys()


def test_every_figure_is_shown_or_watched() -> None:
    asked = set().union(*map(names, expressions()))
    own = [family for family, _ in metric_families() if family.name.startswith("sightline_")]

    assert [one.name for one in own if not any(name.startswith(one.name) for name in asked)] == []


def selectors(expression: str) -> Iterator[tuple[str, str, str]]:
    """(figure, label, value) of every matcher."""
    for name, inside in re.findall(r"\b([a-z_]+)\{([^}]*)\}", expression):
        for label, value in re.findall(r'(\w+)=~?"([^"]*)"', inside):
            yield name, label, value


@pytest.mark.parametrize("expression", expressions())
def test_labels_are_those_of_their_figures(expression: str) -> None:
    known = samples()
    for name, label, _ in selectors(expression):
        if name != "up":
            assert label in known[name] | TARGET_LABELS, (name, label)
    grouped = {
        label.strip()
        for inside in re.findall(r"\bby \(([^)]*)\)", expression)
        for label in inside.split(",")
    }
    there = set().union(*(known[name] for name in names(expression) if name in known))
    assert grouped <= there | TARGET_LABELS


def test_codes_and_routes_that_are_asked_for_exist() -> None:
    known = {
        "code": codes() | {"method_not_allowed"},
        "route": {r.path for r in create_app(Settings()).routes if isinstance(r, APIRoute)},
    }
    for expression in expressions():
        for _, label, value in selectors(expression):
            if label in known:
                assert set(value.split("|")) <= known[label], value


def test_brackets_close() -> None:
    for expression in expressions():
        for opening, closing in ("()", "{}", "[]"):
            assert expression.count(opening) == expression.count(closing), expression


def test_every_alert_is_explained_and_no_other() -> None:
    page = (DOCS / "operations.md").read_text("utf-8")
    explained = re.findall(r"(?m)^\| `(Sightline\w+)` \|", page)

    assert explained == [rule["alert"] for rule in rules()]
    assert set(re.findall(r"\bSightline[A-Z]\w+", page)) == set(explained)


def test_every_alert_says_how_grave_it_is_and_what_has_happened() -> None:
    page = (DOCS / "operations.md").read_text("utf-8")
    for rule in rules():
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert rule["annotations"]["summary"]
        row = re.search(rf"(?m)^\| `{rule['alert']}` \| (\w+) \|", page)
        assert row is not None
        assert row[1] == rule["labels"]["severity"]


def test_the_pages_speak_of_figures_that_exist() -> None:
    families = {family.name for family, _ in metric_families()}
    for page in DOCS.glob("*.md"):
        spoken = {name for name in names(page.read_text("utf-8")) if name.startswith("sightline_")}
        assert spoken <= samples().keys() | families, page.name


def test_the_panels_do_not_overlap() -> None:
    taken = set()
    for panel in panels():
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells
