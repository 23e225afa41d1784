from pathlib import Path

import numpy as np
import pytest
import torch

from model.errors import InvalidParameter
from model.learning.baselines import ColourStripes, imagenet_average, open_baseline
from model.learning.embed import embed_tracklets
from model.network.config import preset
from model.network.variants import build_network, with_structure
from tests.support.people import tracklet

CPU = torch.device("cpu")


def test_stripes_know_people_by_their_clothes() -> None:
    sources = [tracklet(person, camera) for person in range(4) for camera in range(2)]

    vectors = embed_tracklets(sources, ColourStripes(), frames=4)

    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(8), abs=1e-5)
    similarity = vectors @ vectors.T
    same = [similarity[2 * k, 2 * k + 1] for k in range(4)]
    other = [similarity[2 * k, (2 * k + 2) % 8] for k in range(4)]
    assert np.mean(same) > np.mean(other)


def test_the_imagenet_average_is_the_mean_of_the_backbones_features(tmp_path: Path) -> None:
    torch.manual_seed(0)
    config = with_structure(preset("tiny"), "cnn-three-stages")
    backbone = build_network(config).backbone
    np.savez(tmp_path / "net.npz", **{k: v.numpy() for k, v in backbone.state_dict().items()})
    clip = np.random.default_rng(0).integers(0, 256, (3, 64, 32, 3)).astype(np.uint8)

    (vector,) = imagenet_average(tmp_path / "net.npz", CPU, preset("tiny")).embed([clip])

    network = build_network(config).eval()
    network.backbone.load_state_dict(backbone.state_dict())
    pixels = torch.from_numpy(clip).float() - network.pixel_mean
    with torch.no_grad():
        mean = network.backbone(pixels.permute(0, 3, 1, 2)).mean((0, 2, 3)).numpy()
    assert vector == pytest.approx(mean / np.linalg.norm(mean), abs=1e-4)


@pytest.mark.parametrize(
    "text", ["best", "imagenet-gap", "colour-stripes=file", "imagenet-gap=/no"]
)
def test_what_is_no_baseline_is_said_so(text: str) -> None:
    with pytest.raises(InvalidParameter):
        open_baseline(text, CPU)
