"""PixelCNN: an image as a sequence of pixels, each a softmax over the levels.

    p(x | c) = prod_i p(x_i | x_<i, c)

in raster order, the sub-pixels of a pixel in order R, G, B. One pass scores an image, H W C passes draw one
(van den Oord, Kalchbrenner & Kavukcuoglu 2016, arXiv:1601.06759; with a condition: arXiv:1606.05328).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pipeline.contract import Event, Exact, Loss, SinglePlayer
from pipeline.families.likelihood import Categorical


class PixelCNN(SinglePlayer, Exact):
    """`network` maps (x, context) to logits (B, L C, H, W) that are causal in raster order."""

    def __init__(self, event: Event, condition: nn.Module, network: nn.Module) -> None:
        super().__init__()
        self.event, self.condition, self.network = event, condition, network
        self.pixels = Categorical(event)

    def logits(self, x: Tensor, c: Tensor) -> Tensor:
        logits: Tensor = self.network(x, self.condition(c).everywhere())
        return logits

    def log_prob(self, x: Tensor, c: Tensor) -> Tensor:
        return self.pixels.log_prob(x, self.logits(x, c))

    def loss(self, x: Tensor, c: Tensor) -> Loss:
        nll = -self.log_prob(x, c).mean()
        return Loss(nll, {"nll": nll})

    @torch.no_grad()
    def sample(self, c: Tensor) -> Tensor:
        channels, height, width = self.event.shape
        context = self.condition(c).everywhere()
        x = torch.zeros(len(c), *self.event.shape)
        for row in range(height):
            seen = context[:, :, : row + 1]  # rows below cannot matter, so they are not computed
            for column in range(width):
                for channel in range(channels):
                    drawn = self.pixels.draw(self.network(x[:, :, : row + 1], seen))
                    x[:, channel, row, column] = drawn[:, channel, row, column]
        return x
