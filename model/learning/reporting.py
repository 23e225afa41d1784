"""Reports of evaluations as tables, and the difference between two of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from model.errors import InvalidParameter
from model.learning.bootstrap import paired_intervals
from model.learning.evaluate import ProtocolReport
from model.learning.metrics import Retrieval
from model.reports import read_json


@dataclass(frozen=True)
class Report:
    """One model on one data set."""

    model: str
    dataset: str
    frames: int
    """At most so many per tracklet."""
    protocols: tuple[ProtocolReport, ...]

    def as_json(self) -> dict[str, Any]:
        answer: dict[str, Any] = {
            "model": self.model,
            "dataset": self.dataset,
            "frames_per_tracklet": self.frames,
            "protocols": [report.as_json() for report in self.protocols],
        }
        if self.is_split:
            answer["mean_over_splits"] = self.mean()
        return answer

    @property
    def is_split(self) -> bool:
        """Whether the protocols are random splits of one set, which are averaged."""
        return all(" split " in report.protocol for report in self.protocols)

    def mean(self) -> dict[str, float]:
        """Scores averaged over the protocols."""
        names = self.protocols[0].scores
        return {n: float(np.mean([r.scores[n] for r in self.protocols])) for n in names}


def protocol_table(report: Report) -> Table:
    """A column per protocol, in percent, with 95 % intervals over identities."""
    table = Table(title=f"{report.model} on {report.dataset}, at most {report.frames} frames")
    table.add_column("")
    for row in report.protocols:
        table.add_column(row.protocol)
    rows = report.protocols
    table.add_row("queries with a match", *(f"{r.valid_queries} of {r.queries}" for r in rows))
    table.add_row("gallery", *(str(row.gallery) for row in rows))
    table.add_row("compared with, on average", *(f"{row.compared:.0f}" for row in rows))
    for name in rows[0].scores:
        table.add_row(name, *(_percent(row.scores[name], row.intervals[name]) for row in rows))
    for name in rows[0].verification:
        table.add_row(name, *(_rate(row.verification[name]) for row in rows))
    for name in rows[0].reranked or ():
        cells = (_rate((row.reranked or {}).get(name)) for row in rows)
        table.add_row(f"{name}, re-ranked", *cells)
    if report.is_split:
        table.caption = "mean over splits: " + ", ".join(
            f"{name} {100 * value:.1f}" for name, value in report.mean().items()
        )
    return table


def _percent(value: float, interval: tuple[float, float]) -> str:
    low, high = (100 * bound for bound in interval)
    return f"{100 * value:.1f} [{low:.1f}, {high:.1f}]"


def _rate(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f}"


def cross_domain_table(reports: Sequence[Report]) -> Table:
    """Models x test protocols, rank-1 / mAP, as in the paper's tables 1 to 3."""
    table = Table(title="rank-1 / mAP")
    table.add_column("model")
    table.add_column("frames")
    columns = list(dict.fromkeys(row.protocol for report in reports for row in report.protocols))
    for column in columns:
        table.add_column(column)
    for model, frames in dict.fromkeys((report.model, report.frames) for report in reports):
        cells = {
            row.protocol: f"{100 * row.scores['rank-1']:.1f} / {100 * row.scores['mAP']:.1f}"
            for report in reports
            if (report.model, report.frames) == (model, frames)
            for row in report.protocols
        }
        table.add_row(model, str(frames), *(cells.get(column, "") for column in columns))
    return table


def attention_table(watched: Mapping[str, Any]) -> Table:
    """What `attention_report` found; a share of 1 is an even share."""
    table = Table(title=f"attention of {watched['model']} on {watched['dataset']}")
    for column in ("", "value", "95 %"):
        table.add_column(column)
    for name, found in watched.items():
        if not isinstance(found, dict):
            continue
        bounds = found["interval_95"]
        table.add_row(
            name.replace("_", " "),
            "–" if found["value"] is None else f"{found['value']:.2f}",
            "–" if bounds is None else f"[{bounds[0]:.2f}, {bounds[1]:.2f}]",
        )
    return table


def compare(reports: Sequence[Report], earlier: Path) -> list[dict[str, Any]]:
    """Paired 95 % intervals of (these - the earlier report), over identities, per protocol.

    Raises `InvalidParameter` where the earlier file is no report or is about other queries.
    """
    try:
        before = read_json(earlier)["reports"]
        theirs = {
            (report["frames_per_tracklet"], row["protocol"]): row
            for report in before
            for row in report["protocols"]
        }
        return [
            {
                "model": report.model,
                "protocol": row.protocol,
                "intervals_95": _difference(row, theirs[report.frames, row.protocol]["per_query"]),
            }
            for report in reports
            for row in report.protocols
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidParameter(f"{earlier} is no report about the same queries") from error


def differences_to_baselines(
    reports: Sequence[Report], baselines: Sequence[str]
) -> list[dict[str, Any]]:
    """Paired 95 % intervals of (model - baseline) in the same run, over identities."""
    names = {text.partition("=")[0] for text in baselines}
    return [
        {
            "model": ours.model,
            "baseline": theirs.model,
            "dataset": ours.dataset,
            "frames_per_tracklet": ours.frames,
            "protocol": row.protocol,
            "intervals_95": {
                name: [low, high]
                for name, (low, high) in paired_intervals(
                    row.retrieval, other.retrieval, row.identities
                ).items()
            },
        }
        for ours in reports
        for theirs in reports
        if ours.model not in names
        and theirs.model in names
        and (ours.dataset, ours.frames) == (theirs.dataset, theirs.frames)
        for row, other in zip(ours.protocols, theirs.protocols, strict=True)
    ]


def _difference(row: ProtocolReport, theirs: dict[str, Any]) -> dict[str, list[float]]:
    if theirs["identity"] != row.identities.tolist():
        raise ValueError("other queries")
    bounds = paired_intervals(row.retrieval, retrieval_from_json(theirs), row.identities)
    return {name: [low, high] for name, (low, high) in bounds.items()}


def retrieval_from_json(per_query: Mapping[str, Any]) -> Retrieval:
    """What a report says of every query."""
    ranks = per_query["first_match_rank"]
    return Retrieval(
        valid=np.array([rank is not None for rank in ranks]),
        first_match=np.array([rank or 0 for rank in ranks], np.int64),
        average_precision=np.array(per_query["average_precision"]),
        inverse_penalty=np.array(per_query["inverse_penalty"]),
    )


def difference_table(differences: Sequence[dict[str, Any]]) -> Table:
    """What `compare` found, in points; an interval that excludes 0 is a real change."""
    table = Table(title="difference to the earlier report, 95 % intervals in points")
    table.add_column("")
    for row in differences:
        table.add_column(f"{row['model']}\n{row['protocol']}")
    for name in differences[0]["intervals_95"]:
        bounds = [row["intervals_95"][name] for row in differences]
        table.add_row(name, *(f"[{100 * low:+.1f}, {100 * high:+.1f}]" for low, high in bounds))
    return table
