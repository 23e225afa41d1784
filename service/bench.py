"""`sightline bench`: the commands that measure, gathered from the packages they measure."""

import typer

from export.bench import bench_embed
from indexer.bench import search

bench = typer.Typer(
    help="Measure on this machine. Ratios are taken within one run.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
bench.command("embed")(bench_embed)
bench.command("search")(search)
