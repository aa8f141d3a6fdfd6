"""Encoders and decoders between an x of any shape and a code z (B, latent)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pipeline.contract import Event
from pipeline.networks.condition import Context
from pipeline.networks.conv import Residual, down, up
from pipeline.networks.mlp import Fourier, mlp


class DenseEncoder(nn.Module):
    """(x (B, *event), context) -> (B, n_out)."""

    def __init__(self, event: Event, context: int, n_out: int, width: int, depth: int, octaves: int = 0) -> None:
        super().__init__()
        self.embed = Fourier(octaves)
        self.net = mlp(self.embed.width(event.dims) + context, n_out, width, depth)

    def forward(self, x: Tensor, context: Context) -> Tensor:
        out: Tensor = self.net(torch.cat([self.embed(x.flatten(1)), context.flat()], dim=1))
        return out


class DenseDecoder(nn.Module):
    """(z (B, latent), context) -> (B, per_value * C, ...) parameters for each value of x."""

    def __init__(self, event: Event, latent: int, context: int, per_value: int, width: int, depth: int) -> None:
        super().__init__()
        self.shape = (per_value * event.shape[0], *event.shape[1:])
        self.net = mlp(latent + context, per_value * event.dims, width, depth)

    def forward(self, z: Tensor, context: Context) -> Tensor:
        out: Tensor = self.net(torch.cat([z, context.flat()], dim=1))
        return out.unflatten(1, self.shape)


class ConvEncoder(nn.Module):
    """(x (B, C, H, W), context) -> (B, n_out): halve the image `halvings` times after `blocks` each, then flatten."""

    def __init__(self, event: Event, context: int, n_out: int, channels: int, halvings: int, blocks: int) -> None:
        super().__init__()
        depth, height, width = event.shape
        layers: list[nn.Module] = [nn.Conv2d(depth + context, channels, 3, padding=1)]
        for i in range(halvings):
            layers += [Residual(channels << i, normalise=True) for _ in range(blocks)]
            layers += [nn.SiLU(), down(channels << i, channels << (i + 1))]
        flat = (channels << halvings) * (height >> halvings) * (width >> halvings)
        self.net = nn.Sequential(*layers, nn.SiLU(), nn.Flatten(), nn.Linear(flat, n_out))

    def forward(self, x: Tensor, context: Context) -> Tensor:
        out: Tensor = self.net(torch.cat([x, context.everywhere()], dim=1))
        return out


class ConvDecoder(nn.Module):
    """(z (B, latent), context) -> (B, per_value * C, H, W): the encoder's mirror; the context joins at the end too."""

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
    ) -> None:
        super().__init__()
        depth, height, width = event.shape
        self.shape = (channels << halvings, height >> halvings, width >> halvings)
        self.start = nn.Linear(latent + flat, channels * height * width >> halvings)
        layers: list[nn.Module] = []
        for i in reversed(range(halvings)):
            layers += [nn.SiLU(), up(channels << (i + 1), channels << i)]
            layers += [Residual(channels << i, normalise=True) for _ in range(blocks)]
        self.grow = nn.Sequential(*layers, nn.SiLU())
        self.head = nn.Conv2d(channels + context, per_value * depth, 3, padding=1)

    def forward(self, z: Tensor, context: Context) -> Tensor:
        h = self.start(torch.cat([z, context.flat()], dim=1)).unflatten(1, self.shape)
        out: Tensor = self.head(torch.cat([self.grow(h), context.everywhere()], dim=1))
        return out
