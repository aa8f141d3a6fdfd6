"""Networks that predict the noise of diffusion or the velocity of flow matching: MLP for points, U-Net for the rest.

    z -> [blocks, halve] x n -> blocks -> attention -> blocks(h, skips) -> [double, blocks(h, skips)] x n -> head

The U-Net (Ronneberger et al. 2015, arXiv:1505.04597) is the one of diffusion: the time scales and shifts the normalised
features of each block (Ho et al. 2020, arXiv:2006.11239; Dhariwal & Nichol 2021, arXiv:2105.05233, section 3), and
Fourier features of the input resolve where a value lies between two levels, which a smooth network would not (Kingma et
al. 2021, arXiv:2107.00630, section 4.2). The map of a condition is concatenated to the input, its vector is added to
the embedding of the time.
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipeline.contract import Event
from pipeline.networks.condition import Context
from pipeline.networks.layers import Fourier, check_halvings, convolution, down, mlp, norm, up


class TimedResidual(nn.Module):
    """(h (B, n_in, H, W) or (B, n_in, T), time (B, E)) -> as many places of n_out; the skip alone at the start."""

    def __init__(self, n_in: int, n_out: int, time: int, dropout: float, axes: int = 2) -> None:
        super().__init__()
        self.before, self.first = norm(n_in), convolution(n_in, n_out, 3, axes, padding=1)
        self.between, self.second = norm(n_out), convolution(n_out, n_out, 3, axes, padding=1)
        self.film, self.dropout = nn.Linear(time, 2 * n_out), nn.Dropout(dropout)
        self.skip = convolution(n_in, n_out, 1, axes) if n_in != n_out else nn.Identity()
        nn.init.zeros_(self.second.weight)

    def forward(self, h: Tensor, time: Tensor) -> Tensor:
        film: Tensor = self.film(time)
        scale, shift = film.view(*film.shape, *[1] * (h.dim() - 2)).chunk(2, dim=1)
        change = self.between(self.first(F.silu(self.before(h)))) * (1 + scale) + shift
        out: Tensor = self.skip(h) + self.second(self.dropout(F.silu(change)))
        return out


class SelfAttention(nn.Module):
    """h + self-attention over all places, (B, C, H, W) or (B, C, T) -> the same (Vaswani et al. 2017,
    arXiv:1706.03762)."""

    def __init__(self, channels: int, heads: int, axes: int = 2) -> None:
        super().__init__()
        self.norm, self.heads = norm(channels), heads
        self.qkv, self.out = convolution(channels, 3 * channels, 1, axes), convolution(channels, channels, 1, axes)
        nn.init.zeros_(self.out.weight)

    def forward(self, h: Tensor) -> Tensor:
        places = self.qkv(self.norm(h)).flatten(2).unflatten(1, (3, self.heads, -1))  # (B, 3, heads, C / heads, H W)
        q, k, v = places.transpose(-1, -2).unbind(1)  # (B, heads, H W, C / heads)
        seen = F.scaled_dot_product_attention(q, k, v).transpose(-1, -2).reshape(h.shape)
        return h + self.out(seen)


class DownBlock(nn.Module):
    """`resize`, then blocks of a width: (h, time) -> the output of each block, in order."""

    def __init__(self, resize: nn.Module, wide: int, time: int, blocks: int, dropout: float, axes: int = 2) -> None:
        super().__init__()
        self.resize = resize
        self.blocks = nn.ModuleList(TimedResidual(wide, wide, time, dropout, axes) for _ in range(blocks))

    def forward(self, h: Tensor, time: Tensor) -> list[Tensor]:
        outputs = [self.resize(h)]
        for block in self.blocks:
            outputs.append(block(outputs[-1], time))
        return outputs[1:]


class UpBlock(nn.Module):
    """The mirror of `DownBlock`: blocks with one skip connection each, then `resize`."""

    def __init__(self, resize: nn.Module, wide: int, time: int, blocks: int, dropout: float, axes: int = 2) -> None:
        super().__init__()
        self.resize = resize
        self.blocks = nn.ModuleList(TimedResidual(2 * wide, wide, time, dropout, axes) for _ in range(blocks))

    def forward(self, h: Tensor, skips: list[Tensor], time: Tensor) -> Tensor:
        for block, skip in zip(self.blocks, reversed(skips), strict=True):
            h = block(torch.cat([h, skip], dim=1), time)
        return self.resize(h)


class TimedNetwork(nn.Module):
    """A network of the time and of the vector of a condition, whose embeddings are added.

    Args:
        features: width of the features of the time.
        vector: width of the condition's vector.
        timed: width E of the embedding.
    """

    def __init__(self, features: int, vector: int, timed: int) -> None:
        super().__init__()
        self.embed = mlp(features, timed, timed, depth=1)
        self.condition = nn.Linear(vector, timed, bias=False) if vector else None

    def embedding(self, features: Tensor, vector: Tensor) -> Tensor:
        """(B, features), (B, vector) -> (B, E), after the activation."""
        time = self.embed(features)
        return F.silu(time if self.condition is None else time + self.condition(vector))


class UNet(TimedNetwork):
    """(z (B, C, H, W) or (B, C, T), t (B,) in [0, 1], context) -> the same shape as z.

    `vector` and `maps` are the context's widths. `channels` double at each of the `halvings`; `heads` of attention at
    the smallest size, none at 0; `octaves` of Fourier features, the fastest with one period for each level, none for
    real values.

    Raises:
        ValueError: the height, the width or the length cannot be halved so often.
    """

    def __init__(
        self,
        event: Event,
        vector: int,
        maps: int,
        channels: int,
        halvings: int,
        blocks: int,
        dropout: float = 0.0,
        octaves: int = 0,
        heads: int = 0,
    ) -> None:
        time, timed = Fourier(4, base=math.pi), 2 * channels
        super().__init__(time.width(1), vector, timed)
        depth, *size = event.shape
        axes = len(size)
        check_halvings(size, halvings)
        octaves = octaves if event.levels else 0
        self.space = Fourier(octaves, base=math.pi * ((event.levels or 2) - 1) / 2 ** (octaves - 1))
        self.time = time
        self.first = convolution(self.space.width(depth) + maps, channels, 3, axes, padding=1)
        self.place = nn.Parameter(
            torch.zeros(channels, *size)
        )  # a learned bias for each place: makes the network depend on the position
        wide = [channels << i for i in range(halvings + 1)]
        smaller = [nn.Identity(), *(down(a, b, axes) for a, b in pairwise(wide))]
        larger = [nn.Identity(), *(up(b, a, axes) for a, b in pairwise(wide))]
        block = timed, blocks, dropout, axes
        self.shrink = nn.ModuleList(DownBlock(r, w, *block) for r, w in zip(smaller, wide, strict=True))
        self.attention = SelfAttention(wide[-1], heads, axes) if heads else nn.Identity()
        self.grow = nn.ModuleList(UpBlock(r, w, *block) for r, w in zip(larger, wide, strict=True))
        self.head = nn.Sequential(norm(channels), nn.SiLU(), convolution(channels, 2 * depth, 3, axes, padding=1))

    def forward(self, z: Tensor, t: Tensor, context: Context) -> Tensor:
        time = self.embedding(self.time(t[:, None]), context.vector)
        h, skips = self._first(z, context), list[list[Tensor]]()
        for shrink in self.shrink:
            skips.append(shrink(h, time))
            h = skips[-1][-1]
        h = self.attention(h)
        for grow in reversed(self.grow):
            h = grow(h, skips.pop(), time)
        gate, shift = self.head(h).chunk(2, dim=1)
        return gate * z + shift  # at high noise the answer is nearly a multiple of z

    def _first(self, z: Tensor, context: Context) -> Tensor:
        values = z.movedim(1, -1)  # (B, H, W, C) or (B, T, C)
        features = self.space(values.flatten(0, -2)).unflatten(0, values.shape[:-1]).movedim(-1, 1)
        first: Tensor = self.first(torch.cat([features, context.map], dim=1)) + self.place
        return first


class DenseNetwork(nn.Module):
    """(z (B, D), t (B,) in [0, 1], context) -> (B, D)."""

    def __init__(self, dims: int, context: int, width: int, depth: int, octaves: int) -> None:
        super().__init__()
        self.space, self.time = Fourier(octaves), Fourier(4, base=torch.pi)
        self.net = mlp(self.space.width(dims) + self.time.width(1) + context, 2 * dims, width, depth)

    def forward(self, z: Tensor, t: Tensor, context: Context) -> Tensor:
        seen = torch.cat([self.space(z), self.time(t[:, None]), context.flat()], dim=1)
        gate, shift = self.net(seen).chunk(2, dim=1)
        return gate * z + shift  # at high noise eps is nearly z: the network learns the difference
