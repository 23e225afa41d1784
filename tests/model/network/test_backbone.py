"""Two layouts, torchvision's names, and batch norms that stay frozen."""

import pytest
import torch

from model.network.backbone import Backbone
from model.network.config import Layout


@pytest.mark.parametrize("layout", ["torchvision", "caffe"])
def test_both_layouts_reduce_by_sixteen_with_the_papers_channels(layout: Layout) -> None:
    backbone = Backbone(64, (3, 4, 6), layout).eval()

    with torch.inference_mode():
        assert backbone(torch.zeros(1, 3, 64, 32)).shape == (1, 1024, 4, 2)


def test_layouts_stride_in_different_convolutions() -> None:
    strides = {
        layout: [
            (block.conv1.stride[0], block.conv2.stride[0])
            for block in (Backbone(8, (1, 1), layout).layer2[0],)
        ]
        for layout in ("torchvision", "caffe")
    }

    assert strides == {"torchvision": [(1, 2)], "caffe": [(2, 1)]}


def test_names_are_torchvisions() -> None:
    names = Backbone(64, (3, 4, 6), "torchvision").state_dict().keys()

    expected = {"conv1.weight", "bn1.running_var", "layer1.0.downsample.0.weight"}
    expected |= {"layer2.0.downsample.1.bias", "layer3.5.conv3.weight", "layer3.5.bn3.weight"}
    assert expected <= names
    assert "layer1.1.downsample.0.weight" not in names


def test_frozen_statistics_survive_train_mode() -> None:
    backbone = Backbone(8, (1, 1), "caffe")
    backbone.freeze(stages=1, statistics=True)
    before = {name: value.clone() for name, value in backbone.state_dict().items()}

    backbone.train()(torch.randn(2, 3, 64, 32)).sum().backward()

    after = backbone.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert backbone.training


def test_freezing_stops_the_stem_and_the_first_stages() -> None:
    backbone = Backbone(8, (1, 1), "caffe")

    backbone.freeze(stages=1, statistics=False)

    learning = {name.split(".")[0] for name, p in backbone.named_parameters() if p.requires_grad}
    assert learning == {"layer2"}


def test_folding_in_training_changes_neither_features_nor_gradients() -> None:
    torch.manual_seed(0)
    backbone = Backbone(8, (1, 1), "caffe").double()
    for module in backbone.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
            torch.nn.init.normal_(module.weight)
            torch.nn.init.normal_(module.bias)
    frames = torch.rand(2, 3, 64, 32, dtype=torch.double)
    separate = backbone.eval()(frames)
    expected = torch.autograd.grad(separate.square().sum(), list(backbone.parameters()))

    backbone.freeze(stages=-1, statistics=True)
    folded = backbone.train()(frames)
    given = torch.autograd.grad(folded.square().sum(), list(backbone.parameters()))

    torch.testing.assert_close(folded, separate)
    torch.testing.assert_close(given, expected)
