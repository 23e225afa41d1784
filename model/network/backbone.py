"""ResNet's stem and first stages, with torchvision's parameter names and two weight layouts.

torchvision strides in the 3x3 of a stage's first block and pads its max-pool; the Caffe release
strides in the first 1x1 and pools with ceil mode and no padding. Weights of one layout give
meaningless features in the other, so the layout is part of the configuration.
"""

from torch import Tensor, nn
from torch.nn.functional import conv2d

from model.network.config import Layout


def convolve(conv: nn.Module, norm: nn.Module, x: Tensor) -> Tensor:
    """`norm(conv(x))`, as one convolution where training leaves the statistics alone.

    A batch norm with fixed statistics only scales and shifts. Folded into the weights of its
    convolution, which stay trainable, it costs nothing; on its own it takes a fifth of a step on
    a CPU, because it reads and writes every activation once more.
    """
    if conv.training and isinstance(norm, nn.BatchNorm2d) and not norm.training:
        assert isinstance(conv, nn.Conv2d)
        assert norm.running_mean is not None
        assert norm.running_var is not None
        scale = norm.weight / (norm.running_var + norm.eps).sqrt()
        weight = conv.weight * scale[:, None, None, None]
        bias = norm.bias - norm.running_mean * scale
        return conv2d(x, weight, bias, conv.stride, conv.padding)
    out: Tensor = norm(conv(x))
    return out


class Bottleneck(nn.Module):
    """1x1 reduce, 3x3, 1x1 expand by four, around a residual connection (He et al. 2016)."""

    def __init__(self, channels: int, planes: int, stride: int, layout: Layout) -> None:
        super().__init__()
        first, second = (stride, 1) if layout == "caffe" else (1, stride)
        self.conv1 = nn.Conv2d(channels, planes, 1, first, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, second, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.conv3 = nn.Conv2d(planes, planes * 4, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(planes * 4)
        self.relu = nn.ReLU(inplace=True)
        self.downsample: nn.Sequential | None = None
        if stride > 1 or channels != planes * 4:
            shortcut = nn.Conv2d(channels, planes * 4, 1, stride, bias=False)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(planes * 4))

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x
        if self.downsample is not None:
            conv, norm = self.downsample
            shortcut = convolve(conv, norm, x)
        y = self.relu(convolve(self.conv1, self.bn1, x))
        y = self.relu(convolve(self.conv2, self.bn2, y))
        y = convolve(self.conv3, self.bn3, y)
        y += shortcut
        out: Tensor = self.relu(y)
        return out


class Backbone(nn.Module):
    """Stem and `len(depths)` stages: normalised frames [n, 3, H, W] -> features [n, C, h, w]."""

    def __init__(self, stem_width: int, depths: tuple[int, ...], layout: Layout) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, stem_width, 7, 2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(stem_width)
        self.relu = nn.ReLU(inplace=True)
        caffe = layout == "caffe"
        self.maxpool = nn.MaxPool2d(3, 2, padding=0 if caffe else 1, ceil_mode=caffe)
        self.stage_names = [f"layer{i + 1}" for i in range(len(depths))]
        self._frozen_statistics = False
        channels = stem_width
        for i, (name, depth) in enumerate(zip(self.stage_names, depths, strict=True)):
            planes = stem_width * 2**i
            blocks = [Bottleneck(channels, planes, 1 if i == 0 else 2, layout)]
            channels = planes * 4
            blocks += [Bottleneck(channels, planes, 1, layout) for _ in range(depth - 1)]
            self.add_module(name, nn.Sequential(*blocks))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(self.relu(convolve(self.conv1, self.bn1, x)))
        for name in self.stage_names:
            x = self.get_submodule(name)(x)
        return x

    def freeze(self, *, stages: int, statistics: bool) -> None:
        """Stop training the stem and the first `stages` stages (-1: not even the stem).

        With `statistics`, batch norms of the whole backbone keep their running statistics in
        training too, so that small or unusual batches cannot spoil what ImageNet taught.
        """
        frozen = ["conv1", "bn1", *self.stage_names[:stages]] if stages >= 0 else []
        for name in frozen:
            self.get_submodule(name).requires_grad_(False)
        self._frozen_statistics = statistics
        self.train(self.training)

    def train(self, mode: bool = True) -> "Backbone":
        super().train(mode)
        if self._frozen_statistics:
            for module in self.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.eval()
        return self
