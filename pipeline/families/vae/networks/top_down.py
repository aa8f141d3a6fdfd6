"""Networks of hierarchical VAEs: a bottom-up pass over x and a top-down pass over the latents, a block for each layer.

The blocks are dense layers, or convolutions at one resolution each, with residual connections (He et al. 2016,
arXiv:1603.05027).

References:
    Ladder VAE: Sonderby et al. 2016, arXiv:1602.02282, figure 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from pipeline.contract import Event
from pipeline.families.vae.networks.encoder_decoder import residuals
from pipeline.networks.condition import Context
from pipeline.networks.layers import Fourier, down, up

Layer = Callable[[int, int], nn.Module]
"""(features in, features out) -> a linear or convolutional layer."""


class TopDownBlock(nn.Module):
    """One layer of latents z (B, latent, ...): parameters of its prior and of its likelihood, and what follows it."""

    def __init__(self, shape: tuple[int, ...], features: int, layer: Layer, after: nn.Module) -> None:
        super().__init__()
        self.shape, self.after = shape, after
        self.expect = nn.Sequential(nn.SiLU(), layer(features, 2 * shape[0]))
        self.observe = nn.Sequential(nn.SiLU(), layer(features, 2 * shape[0]))
        self.project = layer(shape[0], features)

    def prior(self, h: Tensor) -> tuple[Tensor, Tensor]:
        """Top-down features (B, features, ...) -> (B, 2 latent, ...), and the features that `combine` takes."""
        return self.expect(h), h

    def likelihood(self, seen: Tensor, h: Tensor) -> Tensor:
        """Bottom-up features (B, features, ...) -> (B, 2 latent, ...); the top-down ones are not used."""
        out: Tensor = self.observe(seen)
        return out

    def combine(self, h: Tensor, z: Tensor) -> Tensor:
        """Top-down features of the next layer, given z."""
        out: Tensor = self.after(h + self.project(z))
        return out


class InitialFeatures(nn.Module):
    """Context (B, V) -> the first top-down features, (B, *shape); a learned constant if V = 0."""

    def __init__(self, context: int, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.constant = nn.Parameter(torch.zeros(shape))
        self.condition = nn.Linear(context, math.prod(shape)) if context else None

    def forward(self, context: Tensor) -> Tensor:
        start = self.constant.expand(len(context), *self.constant.shape)
        return start if self.condition is None else start + self.condition(context).view_as(start)


class TopDown(nn.Module):
    """Layers of latents, of which `start` computes the first features."""

    start: InitialFeatures

    def top(self, context: Context) -> Tensor:
        """The features (B, features, ...) of the topmost layer."""
        out: Tensor = self.start(context.flat())
        return out


class ImageTopDown(TopDown):
    """Layers of latents over images, the coarsest first, of which `head` computes the last features."""

    head: nn.Module

    def output(self, h: Tensor, context: Context) -> Tensor:
        """(B, channels, H, W) -> (B, per_value * C, H, W)."""
        out: Tensor = self.head(torch.cat([h, context.everywhere()], dim=1))
        return out


class DenseTopDown(TopDown):
    """Dense layers of `latents` units, the topmost first, with `width` features between."""

    def __init__(
        self,
        event: Event,
        context: int,
        per_value: int,
        *,
        latents: list[int],
        width: int,
        octaves: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.embed, self.shape = Fourier(octaves), (per_value * event.shape[0], *event.shape[1:])
        self.stem = nn.Linear(self.embed.width(event.dims) + context, width)
        self.steps = nn.ModuleList(DenseResidual(width, dropout) for _ in latents)
        self.start = InitialFeatures(context, (width,))
        self.layers = nn.ModuleList(
            TopDownBlock((n,), width, nn.Linear, DenseResidual(width, dropout)) for n in latents
        )
        self.head = nn.Sequential(nn.SiLU(), nn.Linear(width + context, per_value * event.dims))

    def bottom_up(self, x: Tensor, context: Context) -> list[Tensor]:
        """(x (B, *event), context) -> (B, width) for each layer."""
        h = self.stem(torch.cat([self.embed(x.flatten(1)), context.flat()], dim=1))
        seen = [h := step(h) for step in self.steps]
        return seen[::-1]

    def output(self, h: Tensor, context: Context) -> Tensor:
        """(B, width) -> (B, per_value * C, ...)."""
        out: Tensor = self.head(torch.cat([h, context.flat()], dim=1))
        return out.unflatten(1, self.shape)


class DenseResidual(nn.Module):
    """h + W dropout(silu(W' silu(h))), (B, width) -> the same."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        first, second = nn.Linear(width, width), nn.Linear(width, width)
        self.change = nn.Sequential(nn.SiLU(), first, nn.SiLU(), nn.Dropout(dropout), second)

    def forward(self, h: Tensor) -> Tensor:
        change: Tensor = self.change(h)
        return h + change


class ConvTopDown(ImageTopDown):
    """`halvings` + 1 layers of latents, the coarsest first; `flat` and `everywhere` are the widths of the context."""

    def __init__(
        self,
        event: Event,
        flat: int,
        everywhere: int,
        per_value: int,
        *,
        latent: int,
        channels: int,
        halvings: int,
        blocks: int,
        dropout: float,
    ) -> None:
        super().__init__()
        depth, height, width = event.shape
        sizes = [(height >> i, width >> i) for i in reversed(range(halvings + 1))]
        self.stem = _conv(depth + everywhere, channels)
        self.steps = nn.ModuleList(nn.Sequential(*residuals(channels, blocks, dropout)) for _ in sizes)
        self.halve = nn.ModuleList(down(channels, channels) for _ in range(halvings))
        self.start = InitialFeatures(flat, (channels, *sizes[0]))
        self.layers = nn.ModuleList()
        for size in sizes:
            grow = [up(channels, channels)] if size != sizes[-1] else []
            after = nn.Sequential(*residuals(channels, blocks, dropout), *grow)
            self.layers.append(TopDownBlock((latent, *size), channels, _conv, after))
        self.head = nn.Sequential(nn.SiLU(), _conv(channels + everywhere, per_value * depth))

    def bottom_up(self, x: Tensor, context: Context) -> list[Tensor]:
        """(x (B, C, H, W), context) -> (B, channels, h, w) for each layer."""
        h = self.steps[0](self.stem(torch.cat([x, context.everywhere()], dim=1)))
        seen = [h]
        for halve, step in zip(self.halve, list(self.steps)[1:], strict=True):
            seen.append(h := step(halve(h)))
        return seen[::-1]


def _conv(n_in: int, n_out: int) -> nn.Conv2d:
    """(B, n_in, H, W) -> (B, n_out, H, W)."""
    return nn.Conv2d(n_in, n_out, 3, padding=1)
