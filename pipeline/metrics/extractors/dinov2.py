"""DINOv2's vision transformers, whose features judge pictures more as people do than Inception's.

The weights are Meta's (dinov2_vits14_pretrain.pth and its like), by the names that they have there. Images are resized
to 224 x 224, 16 x 16 patches; the features are those of the class token.

Compared with the source of facebookresearch/dinov2 at 9c7e324, models/vision_transformer.py and layers/: the names,
which it loads with strict=True; attention, exact GELU, LayerScale and LayerNorm's eps; how positions are interpolated;
`x_norm_clstoken`, which its `forward` returns. Its variants with registers interpolate otherwise, and are not these.
With layer6ai-labs/dgm-eval, models/dinov2.py, that of Stein et al.: the side, the resize, ImageNet's mean and
deviation. No published features were at hand to compare with.

Oquab et al. 2023, arXiv:2304.07193; Stein et al. 2023, Exposing flaws of generative model evaluation metrics,
arXiv:2306.04675.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from PIL.Image import Resampling
from torch import Tensor, nn

from pipeline.metrics.extractors.frozen import MEAN, STD, Frozen, images, photograph

PATCH, SIDE = 14, 224
TRAINED = 37
"""Patches along a side of the images for which there are positions in the file."""


class Shape(NamedTuple):
    width: int
    depth: int
    heads: int


Size = Literal["s", "b", "l"]
SHAPES: dict[Size, Shape] = {"s": Shape(384, 12, 6), "b": Shape(768, 12, 12), "l": Shape(1024, 24, 16)}


class Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)  # (B, heads, T, width / heads)
        mixed: Tensor = self.proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))
        return mixed


class Perceptron(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.fc2(F.gelu(self.fc1(x)))
        return y


class LayerScale(nn.Module):
    """By a learned factor for each channel."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gamma


class Block(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1, self.attn, self.ls1 = nn.LayerNorm(width, eps=1e-6), Attention(width, heads), LayerScale(width)
        self.norm2, self.mlp, self.ls2 = nn.LayerNorm(width, eps=1e-6), Perceptron(width), LayerScale(width)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.ls1(self.attn(self.norm1(x)))
        return x + self.ls2(self.mlp(self.norm2(x)))


class Patches(nn.Module):
    """(B, 3, H, W) -> (B, H W / PATCH², width)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, width, PATCH, stride=PATCH)

    def forward(self, x: Tensor) -> Tensor:
        return self.proj(x).flatten(2).mT


class Transformer(nn.Module):
    """(B, 3, H, W), sides multiples of PATCH -> (B, width): the class token of the last layer."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.cls_token = nn.Parameter(torch.zeros(1, 1, shape.width))
        self.mask_token = nn.Parameter(torch.zeros(1, shape.width))  # of the training only, but it is in the file
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + TRAINED**2, shape.width))
        self.patch_embed = Patches(shape.width)
        self.blocks = nn.Sequential(*[Block(shape.width, shape.heads) for _ in range(shape.depth)])
        self.norm = nn.LayerNorm(shape.width, eps=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.patch_embed(x) + self.positions(x.shape[-2] // PATCH, x.shape[-1] // PATCH)
        first = (self.cls_token + self.pos_embed[:, :1]).expand(len(x), -1, -1)
        features: Tensor = self.norm(self.blocks(torch.cat([first, tokens], dim=1))[:, 0])
        return features

    def positions(self, rows: int, columns: int) -> Tensor:
        """(1, rows columns, width), bicubic without antialias.

        WHY + 0.1: theirs, against a wrong rounding of the size (facebookresearch/dino, issue 8); the scale moves too.
        """
        grid = self.pos_embed[:, 1:].mT.unflatten(-1, (TRAINED, TRAINED))
        if (rows, columns) != (TRAINED, TRAINED):
            scale = ((rows + 0.1) / TRAINED, (columns + 0.1) / TRAINED)
            grid = F.interpolate(grid, scale_factor=scale, mode="bicubic")
        return grid.flatten(2).mT


class Dinov2(Frozen):
    """Images in [-1, 1] -> the class token, 384 (s), 768 (b) or 1,024 (l) features."""

    name = "dinov2"
    wanted = "dinov2_vits14_pretrain.pth (or vitb14, vitl14) as Meta publishes it"

    def __init__(self, *, model: Size, weights: str, sha256: str | None = None) -> None:
        super().__init__(weights=weights, sha256=sha256, model=model)
        self.network = self.fill(Transformer(SHAPES[model]))
        self.size = SHAPES[model].width

    @property
    def id(self) -> str:
        return f"dinov2-{self.architecture['model']}14@{self.digest}"

    def forward(self, x: Tensor) -> Tensor:
        features: Tensor = self.network(photograph(x, SIDE, Resampling.BICUBIC, MEAN, STD))
        return features


def dinov2(dataset: str, x: Tensor, label: Tensor | None, *, weights: str, model: Size = "s") -> Dinov2:
    """x (N, 1 or 3, H, W).

    Raises:
        UserError: x are no images, or the weights are not there, or are those of another size.
    """
    images(dataset, x, "dinov2")
    return Dinov2(model=model, weights=weights)
