"""The names of the ablation's rows, apart from what they do, so that `--help` needs no network."""

from typing import Literal, get_args

Row = Literal[
    "cnn",
    "cnn-three-stages",
    "vanilla",
    "spatial",
    "temporal",
    "global",
    "mean-query",
    "identity",
    "contrast",
    "visibility",
    "ours",
]
ROWS: tuple[Row, ...] = get_args(Row)
