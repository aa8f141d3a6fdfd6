"""Encoders and decoders of strided convolutions and batch normalisation, in the manner of DCGAN (arXiv:1511.06434).

    encoder   [conv, stride 2, batch norm, relu] x n -> linear
    decoder   linear -> 8 x 8 -> [transposed conv, stride 2, batch norm, relu] x m -> conv

Feature maps double at each halving and halve at each doubling. The decoder starts at 8 x 8, or at the size of the
encoder's last map where that is larger. With 128 channels and four halvings they are the networks of Ghosh et al. 2020,
arXiv:1903.12436, appendix, after Tolstikhin et al. 2018, arXiv:1711.01558.
"""

from __future__ import annotations

import math

from torch import nn

from pipeline.contract import Event
from pipeline.families.vae.networks.encoder_decoder import ImageDecoder, ImageEncoder
from pipeline.networks.layers import Joined

START = 8
"""Least height and width of the decoder's first map."""


class StridedEncoder(ImageEncoder):
    """(x (B, C, H, W), context) -> (B, n_out); `channels` maps after the first of `halvings` convolutions."""

    def __init__(self, event: Event, context: int, n_out: int, channels: int, halvings: int, kernel: int) -> None:
        depth, height, width = event.shape
        layers: list[nn.Module] = []
        n_in = depth + context
        for i in range(halvings):
            n = channels << i
            conv = nn.Conv2d(n_in, n, kernel, stride=2, padding=(kernel - 1) // 2)
            layers += [conv, nn.BatchNorm2d(n), nn.ReLU()]
            n_in = n
        flat = n_in * (height >> halvings) * (width >> halvings)
        super().__init__(nn.Sequential(*layers, nn.Flatten(), nn.Linear(flat, n_out)))


class StridedDecoder(ImageDecoder):
    """(z (B, latent), context) -> (B, per_value * C, H, W); the context joins at the end too."""

    def __init__(
        self,
        event: Event,
        latent: int,
        flat: int,
        context: int,
        per_value: int,
        channels: int,
        halvings: int,
        kernel: int,
    ) -> None:
        depth, height, width = event.shape
        doublings = next(i for i in range(halvings, -1, -1) if i == 0 or min(height, width) >> i >= START)
        n = channels << (halvings - 1)
        shape = (n, height >> doublings, width >> doublings)
        start = Joined(latent, flat, math.prod(shape))
        layers: list[nn.Module] = []
        for _ in range(doublings):
            half, odd = max(1, n // 2), kernel % 2
            conv = nn.ConvTranspose2d(n, half, kernel, stride=2, padding=(kernel - 1) // 2, output_padding=odd)
            layers += [conv, nn.BatchNorm2d(half), nn.ReLU()]
            n = half
        head = nn.Conv2d(n + context, per_value * depth, 3, padding=1)
        super().__init__(start, shape, nn.Sequential(*layers), head)
