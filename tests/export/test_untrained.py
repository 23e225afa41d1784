"""Untrained networks repeat, and already tell pictures apart."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from export.pictures import mixed_tracklets
from export.untrained import untrained_network
from model.errors import InvalidParameter
from model.network.backbone import Backbone
from model.network.weights import model_id


def test_the_same_seed_gives_the_same_model() -> None:
    first, again, other = (model_id(untrained_network("tiny", seed=seed)) for seed in (1, 1, 2))

    assert first == again != other


@pytest.mark.parametrize("with_backbone", [False, True])
def test_different_tracklets_get_clearly_different_embeddings(
    with_backbone: bool, tmp_path: Path
) -> None:
    path = None
    if with_backbone:
        path = tmp_path / "backbone.safetensors"
        save_file(Backbone(8, (1, 1), "caffe").state_dict(), path)
    network = untrained_network("tiny", path)
    frames = [torch.from_numpy(frames)[None] for frames in mixed_tracklets(5, [2] * 4, 64, 32)]

    with torch.inference_mode():
        embeddings = torch.cat([network(tracklet).embedding for tracklet in frames])

    cosines = embeddings @ embeddings.T - torch.eye(8)
    assert cosines.max() < 0.95


def test_unusable_backbone_weights_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidParameter, match=r"absent\.npz"):
        untrained_network("tiny", tmp_path / "absent.npz")
