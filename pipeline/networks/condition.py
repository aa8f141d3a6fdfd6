"""Encoders of conditions: from c to the features that networks concatenate.

    Context(vector (B, V), map (B, M, H, W))

A part that a kind of condition does not have is of width 0, so that networks concatenate it without a branch. Learned
parameters (an embedding, a projection) are trained with the model that has the encoder.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from pipeline.contract import Condition, Event
from pipeline.networks.layers import one_hot


class Context(NamedTuple):
    """The encoded condition of a batch."""

    vector: Tensor
    """(B, V)"""
    map: Tensor
    """(B, M, H, W) of images, (B, M, T) of sequences, (B, 0, 0, 0) of points."""

    def everywhere(self) -> Tensor:
        """The vector at each place of the map: (B, V + M, H, W), or (B, V + M, T).

        The vector is divided by V: an optimiser that scales the step of each weight on its own, as Adam does, would
        otherwise move the sum of V equal channels V times as far as a channel of the map.
        """
        size = self.map.shape[2:]
        spread = self.vector.view(*self.vector.shape, *[1] * len(size)).expand(-1, -1, *size)
        return torch.cat([spread / max(1, spread.shape[1]), self.map], dim=1)

    def flat(self) -> Tensor:
        """Everything in one vector: (B, V + M H W), or (B, V + M T)."""
        return torch.cat([self.vector, self.map.flatten(1)], dim=1)


class Encoder(nn.Module):
    """c (B, *condition) -> Context; `vector` and `maps` are its widths, `size` the map's size."""

    vector = 0
    maps = 0

    def __init__(self, event: Event) -> None:
        super().__init__()
        self.size: tuple[int, ...] = (0, 0) if event.kind == "points" else event.shape[1:]

    @property
    def everywhere(self) -> int:
        """Channels of `Context.everywhere`."""
        return self.vector + self.maps

    @property
    def flat(self) -> int:
        """Width of `Context.flat`."""
        return self.vector + self.maps * math.prod(self.size)

    def forward(self, c: Tensor) -> Context:
        return Context(self.encode_vector(c), self.encode_map(c))

    def encode_vector(self, c: Tensor) -> Tensor:
        return c.new_empty((len(c), 0), dtype=torch.float32)

    def encode_map(self, c: Tensor) -> Tensor:
        return c.new_empty((len(c), 0, *self.size), dtype=torch.float32)


class ClassEncoder(Encoder):
    """c (B,) long -> a learned embedding."""

    def __init__(self, condition: Condition, event: Event, width: int) -> None:
        super().__init__(event)
        self.vector, self.table = width, nn.Embedding(condition.size, width)

    def encode_vector(self, c: Tensor) -> Tensor:
        embedded: Tensor = self.table(c)
        return embedded


class BoxEncoder(Encoder):
    """c (B, 4) = (left, top, right, bottom) in [0, 1] -> a linear projection, and the box as a mask."""

    def __init__(self, condition: Condition, event: Event, width: int) -> None:
        super().__init__(event)
        self.vector, self.project = width, nn.Linear(4, width)
        self.maps = int(event.kind == "images")

    def encode_vector(self, c: Tensor) -> Tensor:
        projected: Tensor = self.project(c)
        return projected

    def encode_map(self, c: Tensor) -> Tensor:
        height, width = self.size
        y = (torch.arange(height, device=c.device) + 0.5)[:, None] / max(height, 1)  # (H, 1)
        x = (torch.arange(width, device=c.device) + 0.5)[None, :] / max(width, 1)  # (1, W)
        left, top, right, bottom = (side[:, None, None] for side in c.unbind(-1))  # (B, 1, 1)
        inside = (x >= left) & (x <= right) & (y >= top) & (y <= bottom)
        return inside.to(c.dtype)[:, None][:, : self.maps]  # (B, M, H, W)


class SegmentationEncoder(Encoder):
    """c (B, H, W) long -> one map for each label."""

    def __init__(self, condition: Condition, event: Event, width: int) -> None:
        super().__init__(event)
        self.maps = condition.size

    def encode_map(self, c: Tensor) -> Tensor:
        return one_hot(c, self.maps).movedim(-1, 1)


class GrayscaleEncoder(Encoder):
    """c (B, 1, H, W) in [-1, 1] -> itself, and a map of ones, which a dropped condition (all zeros) does not have."""

    def __init__(self, condition: Condition, event: Event, width: int) -> None:
        super().__init__(event)
        self.maps = 2

    def encode_map(self, c: Tensor) -> Tensor:
        return torch.cat([c, torch.ones_like(c)], dim=1)


class NoEncoder(Encoder):
    """c (B, 0) -> nothing."""

    def __init__(self, condition: Condition, event: Event, width: int) -> None:
        super().__init__(event)


ENCODERS = {
    "none": NoEncoder,
    "class": ClassEncoder,
    "box": BoxEncoder,
    "segmentation": SegmentationEncoder,
    "grayscale": GrayscaleEncoder,
}


def encoder(condition: Condition, event: Event, width: int = 16) -> Encoder:
    """The encoder of a condition's kind; `width` is the size of a learned vector."""
    made: Encoder = ENCODERS[condition.kind](condition, event, width)
    return made
