"""Networks of the very deep VAE: many layers of latents at each size, the last of a single place.

    bottom-up   conv -> [block] x n at each size, mean pooling between sizes
    top-down    [prior, z, block] x m at each size, the coarsest first, nearest-neighbour upsampling between sizes

A block is 1 x 1, 3 x 3, 3 x 3 and 1 x 1 convolutions through a quarter of the features; 1 x 1 ones alone where the map
is smaller than 3 x 3. Bottom-up and top-down features are the input of each layer's Gaussian in z. In the paper that
Gaussian is the posterior; here it is multiplied by the prior, as in the ladder VAE.

References:
    Child 2021, arXiv:2011.10650, section 3 and figure 3.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipeline.contract import Event
from pipeline.families.vae.networks.top_down import ImageTopDown, InitialFeatures
from pipeline.networks.condition import Context
from pipeline.networks.layers import check_halvings, zero_init

Size = tuple[int, int]


class BottleneckBlock(nn.Module):
    """(B, n_in, H, W) -> (B, n_out, H, W) through `middle` features, GELU before each convolution."""

    def __init__(self, n_in: int, middle: int, n_out: int, size: Size) -> None:
        super().__init__()
        inner = 3 if min(size) > 2 else 1
        self.convs = nn.ModuleList(
            [
                nn.Conv2d(n_in, middle, 1),
                nn.Conv2d(middle, middle, inner, padding=inner // 2),
                nn.Conv2d(middle, middle, inner, padding=inner // 2),
                nn.Conv2d(middle, n_out, 1),
            ]
        )

    def forward(self, h: Tensor) -> Tensor:
        for conv in self.convs:
            h = conv(F.gelu(h))
        return h


def _scaled(block: BottleneckBlock, count: int) -> BottleneckBlock:
    """The last convolution divided by the root of the number of blocks, so that their sum does not grow with it."""
    with torch.no_grad():
        for parameter in block.convs[-1].parameters():
            parameter.mul_(count**-0.5)
    return block


class VeryDeepLayer(nn.Module):
    """One layer of latents z (B, latent, H, W), the features of `width` maps before and after it.

    `finer`: the size of the next layer where that is another one.
    """

    def __init__(self, latent: int, width: int, size: Size, finer: Size | None, count: int) -> None:
        super().__init__()
        middle = max(1, width // 4)
        self.shape = (latent, *size)
        self.observe = BottleneckBlock(2 * width, middle, 2 * latent, size)
        self.expect = BottleneckBlock(width, middle, 2 * latent + width, size)
        zero_init(nn.Sequential(*self.expect.convs))
        self.project = nn.Conv2d(latent, width, 1)
        self.after = _scaled(BottleneckBlock(width, middle, width, size), count)
        self.place = nn.Parameter(torch.zeros(width, *finer)) if finer else None

    def prior(self, h: Tensor) -> tuple[Tensor, Tensor]:
        """Features (B, width, H, W) -> (B, 2 latent, H, W), and the features that `combine` takes."""
        parameters, change = self.expect(h).split([2 * self.shape[0], h.shape[1]], dim=1)
        return parameters, h + change

    def likelihood(self, seen: Tensor, h: Tensor) -> Tensor:
        """Bottom-up and top-down features -> (B, 2 latent, H, W)."""
        out: Tensor = self.observe(torch.cat([h, seen], dim=1))
        return out

    def combine(self, h: Tensor, z: Tensor) -> Tensor:
        """Features of the next layer, given z."""
        h = h + self.project(z)
        h = h + self.after(h)
        return h if self.place is None else F.interpolate(h, size=self.place.shape[1:]) + self.place


class VeryDeepTopDown(ImageTopDown):
    """Layers of latents, the coarsest first.

    Args:
        event: the images.
        flat: width of the context as a vector.
        everywhere: channels of the context as a map.
        per_value: parameters of the likelihood for each value of x.
        latent: channels of z in each layer.
        channels: feature maps of both passes.
        depths: layers of latents at each size, the finest first. Each size is half of the one before; the last is one
            place where there are several.
        encoder_depths: blocks of the bottom-up pass at each of these sizes.

    Raises:
        ValueError: the two have different lengths, or the image cannot be halved so often.
    """

    def __init__(
        self,
        event: Event,
        flat: int,
        everywhere: int,
        per_value: int,
        *,
        latent: int,
        channels: int,
        depths: tuple[int, ...],
        encoder_depths: tuple[int, ...],
    ) -> None:
        super().__init__()
        depth, height, width = event.shape
        halvings = max(0, len(depths) - 2)
        if len(depths) != len(encoder_depths):
            raise ValueError(f"encoder_depths has {len(encoder_depths)} sizes and depths {len(depths)}")
        check_halvings((height, width), halvings)
        sizes = [(height >> i, width >> i) for i in range(halvings + 1)] + [(1, 1)] * (len(depths) > 1)
        middle, blocks = max(1, channels // 4), sum(encoder_depths)
        self.sizes, self.depths = sizes, depths
        self.stem = nn.Conv2d(depth + everywhere, channels, 3, padding=1)
        self.steps = nn.ModuleList(
            nn.ModuleList(_scaled(BottleneckBlock(channels, middle, channels, size), blocks) for _ in range(count))
            for size, count in zip(sizes, encoder_depths, strict=True)
        )
        self.start = InitialFeatures(flat, (channels, *sizes[-1]))
        places = [size for size, count in reversed(list(zip(sizes, depths, strict=True))) for _ in range(count)]
        self.layers = nn.ModuleList(
            VeryDeepLayer(latent, channels, size, finer if finer != size else None, len(places))
            for size, finer in pairwise([*places, places[-1]])
        )
        self.head = nn.Conv2d(channels + everywhere, per_value * depth, 1)

    def bottom_up(self, x: Tensor, context: Context) -> list[Tensor]:
        """(x (B, C, H, W), context) -> (B, channels, h, w) for each layer."""
        h = self.stem(torch.cat([x, context.everywhere()], dim=1))
        seen = []
        for level, (size, blocks) in enumerate(zip(self.sizes, self.steps, strict=True)):
            if level:
                h = F.avg_pool2d(h, (h.shape[2] // size[0], h.shape[3] // size[1]))
            for block in cast("Iterable[BottleneckBlock]", blocks):
                h = h + block(h)
            seen.append(h)
        return [h for h, count in reversed(list(zip(seen, self.depths, strict=True))) for _ in range(count)]
