"""The rows of the paper's tables 1 to 3 as changes of a recipe."""

from typing import Literal, get_args

from model.errors import InvalidParameter
from model.learning.config import LossWeights, TrainingConfig
from model.network.variants import Structure, with_structure

Row = Literal["cnn", "cnn-three-stages", "vanilla", "spatial", "temporal", "global"]
ROWS: tuple[Row, ...] = get_args(Row)

_BASELINE = LossWeights(average_xent=1, average_triplet=1)
_VANILLA = LossWeights(cnn_xent=1, temporal_xent=1)
_SPATIAL = _VANILLA.model_copy(update={"spatial_xent": 1.0, "spatial_part_xent": 1.0})
_TEMPORAL = _SPATIAL.model_copy(update={"temporal_triplet": 1.0, "temporal_attention": 1.0})
_GLOBAL = _TEMPORAL.model_copy(update={"global_xent": 1.0})

_CHANGES: dict[Row, tuple[Structure, LossWeights]] = {
    "cnn": ("cnn", _BASELINE),
    "cnn-three-stages": ("cnn-three-stages", _BASELINE),
    "vanilla": ("stt", _VANILLA),
    "spatial": ("stt", _SPATIAL),
    "temporal": ("stt", _TEMPORAL),
    "global": ("stt-gt", _GLOBAL),
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
    ImageNet weights that lack the fourth stage.
    """
    structure, weights = _CHANGES[row]
    last = config.stages[-1]
    losses = last.losses.model_copy(update={"weights": weights})
    network = with_structure(last.network, structure)
    stage = last.model_copy(
        update={"name": row, "network": network, "losses": losses, "identity_initialise": False}
    )
    return config.model_copy(update={"stages": (stage,)})
