"""A ranking for the eye: one row per identity, attention as bars."""

from collections.abc import Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from indexer.answers import QueryAnswer, Result
from indexer.commands.printing import counted

_BLOCKS = "▁▂▃▄▅▆▇█"
_BARS = 16


def ranking_table(answer: QueryAnswer) -> RenderableType:
    """The query's own attention above, the results below."""
    query, gallery = answer.query, answer.gallery
    head = Text.assemble(
        f"query: {len(query.frames.sampled)} of {counted(query.frames.received, 'frame')}, "
        f"weight on {query.effective_frames:.1f}  ",
        attention_bars(query.temporal_attention),
    )
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for name in ("rank", "score", "match", "identity", "cameras"):
        table.add_column(name, overflow="fold")  # an id that is cut off cannot be asked for
    table.add_column("time", no_wrap=True)
    table.add_column("attention", no_wrap=True)
    for result in answer.results:
        table.add_row(*_row(result))
    identities = counted(gallery.identities, "labelled identity", "labelled identities")
    foot = f"{gallery.searched} of {counted(gallery.tracklets, 'tracklet')} searched, {identities}"
    if gallery.expected_false_matches is not None:
        foot += f"; {gallery.expected_false_matches:.2g} strangers expected above the threshold"
    return Group(head, table if answer.results else Text("nothing was found"), Text(foot))


def attention_bars(weights: Sequence[float]) -> str:
    """A block for each sampled frame, or two frames where there are many: their larger weight.

    The highest block stands for the largest weight.
    """
    step = -(-len(weights) // _BARS) or 1
    weights = [max(weights[k : k + step]) for k in range(0, len(weights), step)]
    top = max(weights, default=0.0)
    if top <= 0:
        return ""
    return "".join(_BLOCKS[round((len(_BLOCKS) - 1) * weight / top)] for weight in weights)


def _row(result: Result) -> tuple[Text, ...]:
    best = result.tracklets[0]
    cameras = sorted({found.camera for found in result.tracklets if found.camera})
    cells = (
        str(result.rank),
        f"{result.score:.3f}",
        _decision(result),
        result.identity or f"({best.tracklet_id})",
        ", ".join(cameras),
        "" if best.captured_at is None else f"{best.captured_at:%Y-%m-%d %H:%M}",
        attention_bars(best.temporal_attention),
    )
    # As Text, so that a label with square brackets is not taken for markup.
    return tuple(Text(cell) for cell in cells)


def _decision(result: Result) -> str:
    decision = {True: "yes", False: "no", None: "–"}[result.match]
    return decision if result.probability is None else f"{decision} ({result.probability:.0%})"
