"""The tables of docs/reliability.md, from the results of the campaigns."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.machine import ROOT
from benchmarks.suite import CAMPAIGNS
from benchmarks.tally import Results, Run, together

PAGE = ROOT / "docs" / "reliability.md"


def write_page(results: Results, page: Path = PAGE) -> None:
    """Replace what stands between the marks of the page."""
    text = page.read_text("utf-8")
    for name, made in (("campaigns", campaigns), ("levels", levels), ("runs", runs)):
        start, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
        before, _, rest = text.partition(start)
        text = before + start + made(results) + end + rest.partition(end)[2]
    page.write_text(text, "utf-8")


def campaigns(results: Results) -> str:
    """One row per campaign that has been run."""
    rows: list[tuple[str, ...]] = [("campaign", "done", "seen", "holds")]
    rows += [
        (f"**{campaign.name}**: {campaign.title}", *campaign.row(together(found)))
        for campaign in CAMPAIGNS
        if (found := results.runs(campaign.name))
    ]
    return table(rows)


def levels(results: Results) -> str:
    """The levels of load, from the last run of that campaign."""
    found = results.runs("overload")
    head = (
        *("load", "offered/s", "accepted/s", "p50", "p99", "bound", "429", "p99 of a 429"),
        "CPU per accepted",
    )
    rows: list[tuple[str, ...]] = [head]
    rows += [_level(level) for level in (found[-1].tally.measured["levels"] if found else ())]
    return table(rows)


def _level(level: Mapping[str, Any]) -> tuple[str, ...]:
    rejected = level["rejected"] > 0
    return (
        str(level["name"]),
        f"{level['offered']:.1f}",
        f"{level['accepted']:.1f}" if level["accepted"] is not None else "",
        f"{level['p50']:.0f} ms",
        f"{level['p99']:.0f} ms",
        f"{level['bound']:.0f} ms" if "bound" in level else "",
        f"{level['rejected']:.0f} %",
        f"{level['reject_p99']:.0f} ms" if rejected else "",
        f"{level['cpu']:.0f} ms" if "cpu" in level else "",
    )


def runs(results: Results) -> str:
    """How each row came about."""
    rows: list[tuple[str, ...]] = [("command", "date", "commit", "seconds", "machine")]
    for campaign in CAMPAIGNS:
        rows += [_run(run) for run in results.runs(campaign.name)]
    return table(rows)


def _run(run: Run) -> tuple[str, ...]:
    return f"`{run.command}`", run.date, run.commit, f"{run.seconds:.0f}", run.machine


def table(rows: Sequence[Iterable[str]]) -> str:
    """Markdown; the first row is the head."""
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    lines.insert(1, "|" + "---|" * lines[0].count(" | ") + "---|")
    return "\n".join(lines) + "\n"
