"""The rows of the paper's tables 1 to 3, our controls and our additions, as changes of a recipe."""

from dataclasses import dataclass
from typing import Any

from model.errors import InvalidParameter
from model.learning.config import LossWeights, Stage, TrainingConfig
from model.learning.rows import ROWS, Row
from model.network.config import TemporalQuery
from model.network.variants import Structure, with_structure

FOREIGN_RATE = 0.3
"""Chance of a tracklet to get strangers swapped in, where attention is supervised."""

_BASELINE = LossWeights(average_xent=1, average_triplet=1)
_VANILLA = LossWeights(cnn_xent=1, temporal_xent=1)
_SPATIAL = _VANILLA.model_copy(update={"spatial_xent": 1.0, "spatial_part_xent": 1.0})
_TEMPORAL = _SPATIAL.model_copy(update={"temporal_triplet": 1.0, "temporal_attention": 1.0})
_GLOBAL = _TEMPORAL.model_copy(update={"global_xent": 1.0})
_CONTRAST = {"contrast": 1.0, "raw_contrast": 0.5, "frame_contrast": 0.5}
_SUPERVISED = {"temporal_visibility": 1.0, "global_visibility": 0.3}


@dataclass(frozen=True)
class _Change:
    """What a row makes of a recipe's last stage."""

    structure: Structure
    weights: LossWeights
    query: TemporalQuery = "cls"
    identity_initialise: bool = False
    supervised: bool = False
    """Strangers are swapped in, and what is visible is known to the losses."""


_CHANGES: dict[Row, _Change] = {
    "cnn": _Change("cnn", _BASELINE),
    "cnn-three-stages": _Change("cnn-three-stages", _BASELINE),
    "vanilla": _Change("stt", _VANILLA),
    "spatial": _Change("stt", _SPATIAL),
    "temporal": _Change("stt", _TEMPORAL),
    "global": _Change("stt-gt", _GLOBAL),
    "mean-query": _Change("stt-gt", _GLOBAL, query="cls+mean"),
    "identity": _Change("stt-gt", _GLOBAL, identity_initialise=True),
    "contrast": _Change("stt-gt", _GLOBAL.model_copy(update=_CONTRAST)),
    "visibility": _Change("stt-gt", _GLOBAL.model_copy(update=_SUPERVISED), supervised=True),
    "ours": _Change(
        "stt-gt",
        _GLOBAL.model_copy(update=_CONTRAST | _SUPERVISED),
        query="cls+mean",
        identity_initialise=True,
        supervised=True,
    ),
}


def row_named(name: str) -> Row:
    """Raises `InvalidParameter` with the rows that there are."""
    for row in ROWS:
        if row == name:
            return row
    raise InvalidParameter(f"no row {name!r}; there are {', '.join(ROWS)}")


def with_row(config: TrainingConfig, row: Row) -> TrainingConfig:
    """`config`'s last stage alone, with the network and the losses of one row.

    `cnn` is the paper's baseline with four stages, whose losses the paper does not name: cross
    entropy and triplet here. `cnn-three-stages` is a control: all of it can be initialised from
    ImageNet weights that lack the fourth stage. `mean-query`, `identity`, `contrast` and
    `visibility` are `global` with one of our additions each, `ours` has all four.
    """
    change = _CHANGES[row]
    last = config.stages[-1]
    network = last.network.model_copy(update={"temporal_query": change.query})
    losses = last.losses.model_copy(
        update={"weights": change.weights, "only_visible": change.supervised}
    )
    batch = last.batch.model_copy(
        update={"foreign_rate": FOREIGN_RATE if change.supervised else 0.0}
    )
    changes: dict[str, Any] = {
        "name": row,
        "network": with_structure(network, change.structure),
        "losses": losses,
        "batch": batch,
        "identity_initialise": change.identity_initialise,
    }
    stage: Stage = last.model_copy(update=changes)
    return config.model_copy(update={"stages": (stage,)})
