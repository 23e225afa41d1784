"""What `evaluate --serving` found, as a table for a terminal and as one for a page."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.table import Table

HEADS = (
    "ranked",
    "cameras normalised",
    "re-ranked",
    "rank-1",
    "rank-5",
    "mAP",
    "gain in mAP",
)


def serving_table(found: Mapping[str, Any]) -> Table:
    """A row per way of scoring."""
    title = f"{found['model']} on {found['protocol']}: {found['queries']} queries"
    table = Table(title=title)
    for head in HEADS:
        table.add_column(head)
    for cells in serving_rows(found):
        table.add_row(*cells)
    table.caption = "95 % over identities; an identity's mAP is the mean of 1 / rank"
    return table


def serving_rows(found: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Cells of each way, in percent and points."""
    for way in found["ways"]:
        gain, (low, high) = way["mAP"]["gain"], way["mAP"]["gain_95"]
        is_plain = not gain and not low and not high
        yield (
            _ranked(way["identity"]),
            "yes" if way["camera_normalised"] else "no",
            "yes" if way["rerank"] else "no",
            *(_percent(way[name]) for name in ("rank-1", "rank-5", "mAP")),
            "" if is_plain else f"{100 * gain:+.1f} ({100 * low:+.1f} to {100 * high:+.1f})",
        )


def _ranked(identity: str | None) -> str:
    if identity is None:
        return "tracklets"
    return f"identities, {identity.replace('_', ' ')}"


def _percent(score: Mapping[str, Any]) -> str:
    low, high = (100 * bound for bound in score["interval_95"])
    return f"{100 * score['value']:.1f} ({low:.1f} to {high:.1f})"
