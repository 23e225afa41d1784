"""Checkpoints rebuild their network; nothing else is taken for one."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from model.errors import InvalidParameter
from model.network.backbone import Backbone
from model.network.config import preset
from model.network.stt_gt import SttGt
from model.network.variants import build_network, with_structure
from model.network.weights import (
    copy_weights,
    load_backbone,
    load_checkpoint,
    load_weights,
    model_id,
    save_weights,
)
from tests.support.networks import pictures, tiny_network

SHARED = Path(__file__).parents[4] / "shared/data/resnet50_imagenet/resnet50_stages1-3_rgb.npz"


@pytest.mark.parametrize("structure", ["cnn", "stt-gt"])
def test_a_checkpoint_rebuilds_its_network(tmp_path: Path, structure: str) -> None:
    network = build_network(with_structure(preset("tiny"), structure)).eval()
    path = tmp_path / "run" / "weights.safetensors"

    save_weights(path, network, {"seed": 3})
    checkpoint = load_checkpoint(path)

    frames = pictures(1, 2)
    assert checkpoint.training == {"seed": 3}
    assert checkpoint.network.config == network.config
    assert torch.equal(checkpoint.network(frames).embedding, network(frames).embedding)
    assert [file.name for file in path.parent.iterdir()] == ["weights.safetensors"]


def test_foreign_files_are_no_checkpoints(tmp_path: Path) -> None:
    foreign, broken = tmp_path / "foreign.safetensors", tmp_path / "broken.safetensors"
    save_file({"a": torch.zeros(1)}, foreign)
    broken.write_bytes(b"not a checkpoint")

    for path in (foreign, broken, tmp_path / "absent.safetensors"):
        with pytest.raises(InvalidParameter, match=path.name):
            load_weights(path)


def test_fine_tuning_keeps_all_but_the_classifiers(network: SttGt) -> None:
    target = tiny_network(identities=3)

    left = copy_weights(network, target)

    assert {name.rpartition(".classifier.")[2] for name in left} == {"weight"}
    assert model_id(target) == model_id(network)


def test_the_model_id_follows_what_an_embedding_depends_on(network: SttGt) -> None:
    original = model_id(network)
    with torch.no_grad():
        network.cnn_head.neck.weight.add_(1)
        assert network.temporal_head.classifier is not None
        network.temporal_head.classifier.weight.add_(1)
        assert model_id(network) == original
        network.positions[0, 0, 0].add_(1e-3)
    assert model_id(network) != original
    assert len(original) == 16


@pytest.mark.parametrize("suffix", [".npz", ".safetensors", ".pth"])
def test_backbone_weights_load_from_each_format(tmp_path: Path, suffix: str) -> None:
    source, target = Backbone(8, (1, 1), "caffe"), Backbone(8, (1, 1), "caffe")
    tensors = source.state_dict() | {"fc.weight": torch.zeros(2, 2)}
    path = tmp_path / f"backbone{suffix}"
    if suffix == ".npz":
        np.savez(path, **{name: value.numpy() for name, value in tensors.items()})
    elif suffix == ".safetensors":
        save_file(tensors, path)
    else:
        torch.save(tensors, path)

    assert load_backbone(target, path) == []

    assert all(torch.equal(source.state_dict()[k], v) for k, v in target.state_dict().items())


def test_a_backbone_file_may_lack_the_last_stage_but_no_single_tensor(tmp_path: Path) -> None:
    target = Backbone(8, (1, 1), "caffe")
    tensors = Backbone(8, (1,), "caffe").state_dict()
    path = tmp_path / "backbone.safetensors"

    save_file(tensors, path)
    assert {name.split(".")[0] for name in load_backbone(target, path)} == {"layer2"}

    del tensors["layer1.0.bn2.bias"]
    save_file(tensors, path)
    with pytest.raises(InvalidParameter, match=r"layer1\.0\.bn2\.bias"):
        load_backbone(target, path)


def test_a_backbone_of_another_width_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "backbone.safetensors"
    save_file(Backbone(16, (1, 1), "caffe").state_dict(), path)

    with pytest.raises(InvalidParameter, match="shape"):
        load_backbone(Backbone(8, (1, 1), "caffe"), path)


@pytest.mark.needs_shared
@pytest.mark.skipif(not SHARED.exists(), reason=f"no ImageNet weights at {SHARED}")
def test_the_caffe_weights_see_what_their_own_statistics_expect() -> None:
    """In the right layout the last batch norm's inputs have about the variance it stored."""
    backbone = Backbone(64, (3, 4, 6), "caffe").eval()

    assert load_backbone(backbone, SHARED) == []

    block = backbone.get_submodule("layer3.5")
    seen: list[torch.Tensor] = []
    block.bn1.register_forward_hook(lambda _m, inputs, _o: seen.append(inputs[0]))
    rows = torch.linspace(-120, 120, 256)[:, None]
    with torch.inference_mode():
        backbone((rows * torch.linspace(-1, 1, 128)).expand(1, 3, 256, 128).contiguous())
    ratio = seen[0].var((0, 2, 3)).mean() / block.bn1.running_var.mean()
    assert 0.05 < ratio < 5
