from pathlib import Path

import numpy as np
import pytest
import torch

from model.errors import InvalidParameter
from model.learning.embed import NetworkEmbedder
from model.learning.evaluate import embed_protocols
from model.learning.explain import attend, draw_attention, draw_rankings, heat
from model.network.config import preset
from model.network.variants import Structure, build_network, with_structure
from model.opencv import cv2
from tests.support.people import dataset, tracklet


def embedder(structure: Structure = "stt-gt") -> NetworkEmbedder:
    torch.manual_seed(0)
    network = build_network(with_structure(preset("tiny"), structure))
    return NetworkEmbedder(network, torch.device("cpu"))


def test_heat_is_red_where_attention_is_highest() -> None:
    attention = np.zeros((4, 2), np.float32)
    attention[3, 1] = 1

    picture = heat(np.full((64, 32, 3), 128, np.uint8), attention).astype(int)

    assert picture.shape == (64, 32, 3)
    assert picture[60, 28, 0] > picture[60, 28, 2] + 30
    assert picture[5, 5, 2] > picture[5, 5, 0] + 30


@pytest.mark.parametrize("structure", ["stt-gt", "stt"])
def test_attention_is_drawn_for_two_models_side_by_side(
    structure: Structure, tmp_path: Path
) -> None:
    frames, look = attend(embedder(structure), tracklet(1, 0), 5)

    draw_attention(
        [("constrained", (frames, look)), ("vanilla", (frames, look))], tmp_path / "a.png"
    )

    assert look.temporal.sum() == pytest.approx(1, abs=1e-5)
    assert look.spatial.sum((1, 2)) == pytest.approx(np.ones(5), abs=1e-5)
    assert (look.global_ is None) == (structure == "stt")
    picture = cv2.imread(str(tmp_path / "a.png"))
    assert picture is not None
    assert picture.std() > 10


def test_a_convolutional_baseline_has_nothing_to_show() -> None:
    with pytest.raises(InvalidParameter, match="no attention"):
        attend(embedder("cnn"), tracklet(1, 0), 5)


def test_the_worst_queries_are_drawn(tmp_path: Path) -> None:
    model = embedder()
    embedded = embed_protocols(dataset().protocols, model, frames=2)[0]

    paths = draw_rankings(embedded, embedded.report().retrieval, model.size, tmp_path, count=3)

    assert len(paths) == 3
    assert all(path.stat().st_size > 5000 for path in paths)
