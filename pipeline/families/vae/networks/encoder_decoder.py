"""Encoders and decoders between an x of any shape and a latent z (B, latent) or a grid of codes (B, dims, h, w).

The prior over a grid of discrete codes is a recurrent network over their sequence.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipeline.contract import Event
from pipeline.networks.condition import Context
from pipeline.networks.layers import Fourier, Joined, Residual, convolution, down, up


def hidden(width: int, n_out: int, depth: int, dropout: float) -> nn.Sequential:
    """The layers after the first: (B, width) -> (B, n_out), `depth` activations, dropout after each."""
    after = [nn.Dropout(dropout)] if dropout else []
    layers: list[nn.Module] = [nn.SiLU(), *after]
    for _ in range(depth - 1):
        layers += [nn.Linear(width, width), nn.SiLU(), *after]
    return nn.Sequential(*layers, nn.Linear(width, n_out))


class DenseEncoder(nn.Module):
    """(x (B, *event), context) -> (B, n_out)."""

    def __init__(
        self, event: Event, context: int, n_out: int, width: int, depth: int, octaves: int = 0, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.embed = Fourier(octaves)
        self.enter = Joined(self.embed.width(event.dims), context, width)
        self.net = hidden(width, n_out, depth, dropout)

    def forward(self, x: Tensor, context: Context) -> Tensor:
        out: Tensor = self.net(self.enter(self.embed(x.flatten(1)), context.flat()))
        return out


class DenseDecoder(nn.Module):
    """(z (B, latent), context) -> (B, per_value * C, ...) parameters for each value of x.

    The map of a condition (`maps` channels) is also added at the end, by a convolution, so that its detail does not
    have to pass through the hidden layers.
    """

    def __init__(
        self,
        event: Event,
        latent: int,
        context: int,
        per_value: int,
        width: int,
        depth: int,
        dropout: float = 0.0,
        maps: int = 0,
    ) -> None:
        super().__init__()
        self.shape = (per_value * event.shape[0], *event.shape[1:])
        self.enter, self.net = Joined(latent, context, width), hidden(width, per_value * event.dims, depth, dropout)
        self.near = nn.Conv2d(maps, self.shape[0], 3, padding=1, bias=False) if maps else None

    def forward(self, z: Tensor, context: Context) -> Tensor:
        out: Tensor = self.net(self.enter(z, context.flat())).unflatten(1, self.shape)
        return out if self.near is None else out + self.near(context.map)


def downsample(
    n_in: int, channels: int, halvings: int, blocks: int, dropout: float = 0.0, axes: int = 2
) -> nn.Sequential:  # fmt: skip
    """(B, n_in, H, W) -> (B, channels << halvings, H >> halvings, W >> halvings), `blocks` before each halving.

    With one of the `axes` of sequences, (B, n_in, T) -> (B, channels << halvings, T >> halvings).
    """
    layers: list[nn.Module] = [convolution(n_in, channels, 3, axes, padding=1)]
    for i in range(halvings):
        layers += residuals(channels << i, blocks, dropout, axes)
        layers += [nn.SiLU(), down(channels << i, channels << (i + 1), axes)]
    return nn.Sequential(*layers, nn.SiLU())


def upsample(channels: int, halvings: int, blocks: int, dropout: float = 0.0, axes: int = 2) -> nn.Sequential:
    """The mirror of `downsample`: (B, channels << halvings, H >> halvings, W >> halvings) -> (B, channels, H, W)."""
    layers: list[nn.Module] = []
    for i in reversed(range(halvings)):
        layers += [nn.SiLU(), up(channels << (i + 1), channels << i, axes)]
        layers += residuals(channels << i, blocks, dropout, axes)
    return nn.Sequential(*layers, nn.SiLU())


def residuals(channels: int, blocks: int, dropout: float, axes: int = 2) -> list[DropoutResidual]:
    """`blocks` residual blocks."""
    return [DropoutResidual(channels, dropout, axes) for _ in range(blocks)]


class DropoutResidual(Residual):
    """A normalised residual block with dropout before its last convolution."""

    def __init__(self, channels: int, dropout: float, axes: int = 2) -> None:
        super().__init__(channels, normalise=True, axes=axes)
        self.drop = nn.Dropout(dropout)

    def forward(self, h: Tensor) -> Tensor:
        change: Tensor = self.second(self.drop(F.silu(self.first(F.silu(self.before(h))))))
        return h + change


class ImageEncoder(nn.Module):
    """(x (B, C, H, W), context) -> what `net` computes from x and the maps of the context, concatenated."""

    def __init__(self, net: nn.Sequential) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor, context: Context) -> Tensor:
        out: Tensor = self.net(torch.cat([x, context.everywhere()], dim=1))
        return out


class ImageDecoder(nn.Module):
    """(z (B, latent), context) -> (B, per_value * C, H, W).

    Args:
        start: of z and the context's vector, to the first map as a vector.
        shape: of the first map.
        grow: from the first map to the size of the image.
        head: of the last map and the maps of the context, concatenated, to the parameters.
    """

    def __init__(self, start: Joined, shape: tuple[int, ...], grow: nn.Sequential, head: nn.Module) -> None:
        super().__init__()
        self.start, self.shape, self.grow, self.head = start, shape, grow, head

    def forward(self, z: Tensor, context: Context) -> Tensor:
        h = self.grow(self.start(z, context.flat()).unflatten(1, self.shape))
        out: Tensor = self.head(torch.cat([h, context.everywhere()], dim=1))
        return out


class ConvEncoder(ImageEncoder):
    """(x (B, C, H, W) or (B, C, T), context) -> (B, n_out): halve x `halvings` times after `blocks` each, flatten."""

    def __init__(
        self,
        event: Event,
        context: int,
        n_out: int,
        channels: int,
        halvings: int,
        blocks: int,
        dropout: float = 0.0,
    ) -> None:
        depth, *size = event.shape
        flat = (channels << halvings) * math.prod(length >> halvings for length in size)
        trunk = downsample(depth + context, channels, halvings, blocks, dropout, len(size))
        super().__init__(nn.Sequential(*trunk, nn.Flatten(), nn.Linear(flat, n_out)))


class ConvDecoder(ImageDecoder):
    """(z (B, latent), context) -> (B, per_value * C, H, W) or (B, per_value * C, T): the encoder's mirror; the context
    joins at the end too."""

    def __init__(
        self,
        event: Event,
        latent: int,
        flat: int,
        context: int,
        per_value: int,
        channels: int,
        halvings: int,
        blocks: int,
        dropout: float = 0.0,
    ) -> None:
        depth, *size = event.shape
        shape = (channels << halvings, *(length >> halvings for length in size))
        start = Joined(latent, flat, math.prod(shape))
        grow = upsample(channels, halvings, blocks, dropout, len(size))
        head = convolution(channels + context, per_value * depth, 3, len(size), padding=1)
        super().__init__(start, shape, grow, head)


class GridEncoder(ImageEncoder):
    """(x (B, C, H, W), context) -> a code for each place of a coarser grid, (B, dims, h, w)."""

    def __init__(
        self, event: Event, context: int, dims: int, channels: int, halvings: int, blocks: int, dropout: float = 0.0
    ) -> None:
        trunk = downsample(event.shape[0] + context, channels, halvings, blocks, dropout)
        super().__init__(nn.Sequential(*trunk, nn.Conv2d(channels << halvings, dims, 1)))


class GridDecoder(nn.Module):
    """(codes (B, dims, h, w), context) -> (B, per_value * C, H, W)."""

    def __init__(
        self,
        event: Event,
        dims: int,
        context: int,
        per_value: int,
        channels: int,
        halvings: int,
        blocks: int,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.start = nn.Conv2d(dims, channels << halvings, 3, padding=1)
        self.grow = upsample(channels, halvings, blocks, dropout)
        self.head = nn.Conv2d(channels + context, per_value * event.shape[0], 3, padding=1)

    def forward(self, codes: Tensor, context: Context) -> Tensor:
        h = self.grow(self.start(codes))
        out: Tensor = self.head(torch.cat([h, context.everywhere()], dim=1))
        return out


class SymbolNetwork(nn.Module):
    """Symbols (B, P) long of 0 .. K-1 and a context (B, V) -> logits (B, P, K) of each given those before it.

    A gated recurrent unit (Cho et al. 2014, arXiv:1406.1078) of the embedded place and the symbol before it.
    """

    def __init__(self, symbols: int, places: int, context: int, width: int, dropout: float) -> None:
        super().__init__()
        self.start = symbols  # an extra symbol for the start of the sequence
        self.places = nn.Parameter(torch.zeros(places, width))
        self.embed = nn.Embedding(symbols + 1, width)
        self.recur = nn.GRU(width + context, width, batch_first=True)
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(width, symbols))

    def forward(self, symbols: Tensor, context: Tensor) -> Tensor:
        before = torch.cat([torch.full_like(symbols[:, :1], self.start), symbols[:, :-1]], dim=1)
        spread = context[:, None].expand(-1, symbols.shape[1], -1)
        h, _ = self.recur(torch.cat([self.embed(before) + self.places, spread], dim=-1))
        logits: Tensor = self.head(h)
        return logits

    def step(self, before: Tensor, place: int, context: Tensor, state: Tensor | None) -> tuple[Tensor, Tensor]:
        """The symbol before (B,) -> logits (B, K) at `place`, and the state for the next."""
        given = torch.cat([self.embed(before) + self.places[place], context], dim=-1)
        h, state = self.recur(given[:, None], state)
        return self.head(h[:, 0]), state
