"""Configurations that cannot work are refused when they are made."""

import pytest
from pydantic import ValidationError

from model.network.config import NetworkConfig, preset
from model.network.variants import build_network, parameter_groups, with_structure
from tests.support.networks import mask_of, pictures


@pytest.mark.parametrize(
    "wrong",
    [
        {"token_width": 50},
        {"height": 100},
        {"height": 64, "width": 32},
        {"depths": ()},
        {"heads": 4},
    ],
)
def test_refuses_what_does_not_fit(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        NetworkConfig.model_validate(wrong)


def test_presets_have_the_papers_shapes() -> None:
    for config in (preset("paper"), preset("full")):
        assert config.grid == (8, 4)
        assert config.feature_channels == 1024
        assert config.embedding_width == 1536
    assert preset("paper").temporal_query == "cls"
    assert preset("full").temporal_query == "cls+mean"


def test_survives_json() -> None:
    config = preset("tiny")

    assert NetworkConfig.model_validate_json(config.model_dump_json()) == config


@pytest.mark.parametrize(
    ("structure", "width"), [("cnn", 128), ("cnn-three-stages", 64), ("stt", 48), ("stt-gt", 96)]
)
def test_every_structure_of_the_papers_tables_runs(structure: str, width: int) -> None:
    config = with_structure(preset("tiny"), structure)
    network = build_network(config).eval()
    frames, mask = pictures(2, 3), mask_of(3, 1)

    out = network(frames, mask)

    assert out.embedding.shape == (2, width) == (2, config.embedding_width)
    assert out.embedding.norm(dim=1).tolist() == pytest.approx([1, 1])
    alone = network(frames[1:, :1]).embedding[0]
    assert (out.embedding[1] - alone).abs().max() < 1e-5
    assert (out.average is not None) == structure.startswith("cnn")


def test_the_cnn_baseline_has_all_four_stages() -> None:
    assert with_structure(preset("paper"), "cnn").depths == (3, 4, 6, 3)


def test_parameter_groups_hold_each_trainable_parameter_once() -> None:
    config = NetworkConfig.model_validate(preset("tiny").model_dump() | {"identities": 5})
    network = build_network(config)
    network.backbone.freeze(stages=1, statistics=True)

    groups = parameter_groups(network)

    trainable = [p for p in network.parameters() if p.requires_grad]
    assert sorted(map(id, trainable)) == sorted(id(p) for group in groups.values() for p in group)
    assert {tuple(p.shape) for p in groups["classifiers"]} == {(5, 48), (5, 64)}
