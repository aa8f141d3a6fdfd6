"""Judges: what an image shows, in the words of the condition that it should have been made under.

    class, factors   a funnel with one softmax for each label                  fitted on the training split
    stacked factors  one funnel that reads each channel by itself              likewise
    box              a funnel that ends in the four sides of the box           likewise
    segmentation     a fully convolutional network, one softmax for a pixel    likewise
    grayscale        luma = 0.299 R + 0.587 G + 0.114 B, rounded to a level    arithmetic (contract.LUMA)

A judge has seen real images only. It errs, so its agreement with the truth of the test split is given with each of
its numbers, and so does its name, which holds the hash of its weights.
"""

from __future__ import annotations

import abc
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipeline.contract import LUMA, Event
from pipeline.metrics.evaluation.finite import check_finite
from pipeline.metrics.evaluation.placement import device_of, full_precision
from pipeline.metrics.extractors.network import as_image, block, fingerprint, funnel

WIDTH, FEATURES, GRID = 24, 64, 4
"""Of a funnel. WHY a grid of 4: pooled to 2 x 2 it would hardly know where a box ends."""
BLOCK = 1024
"""Label maps that are compared at a time."""
MAP_WIDTH = 16
"""Of a network that keeps the resolution: an item costs it as much as a funnel of 24 to 32."""


class Reading(NamedTuple):
    """What N images show, and how sure the judge is of it."""

    answer: Tensor
    """(N, ...)."""
    confidence: Tensor
    """(N,) in [0, 1]: the product over labels of the largest probability."""


class Judge(nn.Module, abc.ABC):
    """x (N, C, H, W) -> the condition, or the factors, that it shows."""

    @property
    @abc.abstractmethod
    def id(self) -> str:
        """The words by which its numbers may be compared."""

    @property
    def protocol(self) -> str:
        """The same, and how far to trust them."""
        return self.id

    @abc.abstractmethod
    def read(self, x: Tensor) -> Tensor:
        """One batch."""

    def read_with_confidence(self, x: Tensor) -> Reading:
        """One batch, with confidence: 1 of a judge that states none."""
        return Reading(self.read(x), x.new_ones(len(x)))

    @abc.abstractmethod
    def each(self, answer: Tensor, c: Tensor) -> Tensor:
        """Its answers and what was asked, both (N, ...) -> (N, ...) float64: what each item adds to the score."""

    def overall(self, mean: Tensor) -> Tensor:
        """The mean of `each` over items, (..., as `each`) -> the score (...)."""
        return mean

    @torch.no_grad()
    def answer(self, x: Tensor, batch: int = 512) -> Tensor:
        """x (N, C, H, W) -> what it shows, `batch` at a time on the device of the judge; the answer is on the CPU.

        Raises:
            FloatingPointError: An item is not finite; the message has its index.
        """
        check_finite(x, "image")
        device = device_of(self)
        with full_precision():
            return torch.cat([self.read(part.to(device)).cpu() for part in x.split(batch)])

    @torch.no_grad()
    def answer_with_confidence(self, x: Tensor, batch: int = 512) -> Reading:
        """Like `answer`, with the confidence of each item."""
        check_finite(x, "image")
        device = device_of(self)
        with full_precision():
            parts = [self.read_with_confidence(part.to(device)) for part in x.split(batch)]
        return Reading(*(torch.cat([part.cpu() for part in side]) for side in zip(*parts, strict=True)))

    def score(self, x: Tensor, c: Tensor) -> float:
        """How well x (N, C, H, W) obeys c (N, *condition)."""
        return float(self.overall(self.each(self.answer(x), c[:]).mean(dim=0)))


class Luma(Judge):
    """(N, 1, H, W) on the grid of [-1, 1]; an image of one channel is its own."""

    def __init__(self, event: Event) -> None:
        super().__init__()
        self.event = event

    @property
    def id(self) -> str:
        return "BT.601"

    def read(self, x: Tensor) -> Tensor:
        weighted = self.event.index(x) * torch.tensor(LUMA, device=x.device)[:, None, None]  # (B, 3, H, W)
        return self.event.value((weighted.sum(dim=1, keepdim=True) + 500) // 1000)

    def each(self, answer: Tensor, c: Tensor) -> Tensor:
        return luma_error(answer, c)


class Fitted(Judge):
    """A judge that learns; `name` is the dataset's and the kind's."""

    test: float
    """Its score on the test split."""

    def __init__(self, **architecture: Any) -> None:
        super().__init__()
        self.architecture = architecture
        """The keywords that build it again, without its weights."""

    @property
    def id(self) -> str:
        return f"{self.architecture['name']}@{fingerprint(self)}"

    @property
    def protocol(self) -> str:
        return f"{self.id} ({self.test:.3f} on test)"

    @abc.abstractmethod
    def loss(self, x: Tensor, c: Tensor) -> Tensor:
        """(): what it descends."""


class Labels(Fitted):
    """(N, heads) long: one label of each of `sizes`."""

    def __init__(self, *, name: str, channels: int, sizes: list[int]) -> None:
        super().__init__(name=name, channels=channels, sizes=sizes)
        self.body = funnel(channels, WIDTH, FEATURES, grid=GRID, normalised=True)
        self.heads = nn.ModuleList(nn.Linear(FEATURES, size) for size in sizes)

    def logits(self, x: Tensor) -> list[Tensor]:
        """One (B, size) for each head."""
        features = self.body(as_image(x))
        return [head(features) for head in self.heads]

    def read(self, x: Tensor) -> Tensor:
        return self.read_with_confidence(x).answer

    def read_with_confidence(self, x: Tensor) -> Reading:
        heads = [logits.softmax(dim=1).max(dim=1) for logits in self.logits(x)]
        answer = torch.stack([head.indices for head in heads], dim=1)
        return Reading(answer, torch.stack([head.values for head in heads]).prod(dim=0))

    def loss(self, x: Tensor, c: Tensor) -> Tensor:
        truth = c.reshape(len(c), -1).unbind(dim=1)
        return torch.stack([F.cross_entropy(*head) for head in zip(self.logits(x), truth, strict=True)]).sum()

    def each(self, answer: Tensor, c: Tensor) -> Tensor:
        return right(answer, c)


class Channels(Fitted):
    """(N, C) long: what each channel shows, all by one classifier of a single channel, which is how modes of stacked
    digits are recognised."""

    def __init__(self, *, name: str, channels: int, sizes: list[int], apart: bool) -> None:
        super().__init__(name=name, channels=channels, sizes=sizes, apart=apart)
        body = funnel(1, WIDTH, FEATURES, grid=GRID, normalised=True)
        self.classify = nn.Sequential(body, nn.Linear(FEATURES, max(sizes)))

    def logits(self, x: Tensor) -> Tensor:
        """(B, C, most sizes)."""
        logits: Tensor = self.classify(x.flatten(0, 1)[:, None]).unflatten(0, x.shape[:2])
        return logits

    def read(self, x: Tensor) -> Tensor:
        return self.read_with_confidence(x).answer

    def read_with_confidence(self, x: Tensor) -> Reading:
        best = self.logits(x).softmax(dim=2).max(dim=2)
        return Reading(best.indices, best.values.prod(dim=1))

    def loss(self, x: Tensor, c: Tensor) -> Tensor:
        return F.cross_entropy(self.logits(x).flatten(0, 1), c.flatten())

    def each(self, answer: Tensor, c: Tensor) -> Tensor:
        """Is every channel read right?"""
        return right(answer, c)


class Box(Fitted):
    """(N, 4) in [0, 1], put on the edges of pixels, where the tightest box around some pixels ends."""

    def __init__(self, *, name: str, channels: int) -> None:
        super().__init__(name=name, channels=channels)
        body = funnel(channels, WIDTH, FEATURES, grid=GRID, normalised=True)
        self.sides = nn.Sequential(body, nn.Linear(FEATURES, 4), nn.Sigmoid())

    def read(self, x: Tensor) -> Tensor:
        pixels = torch.tensor([x.shape[3], x.shape[2]], device=x.device).repeat(2)
        return (self.sides(x) * pixels).round() / pixels

    def loss(self, x: Tensor, c: Tensor) -> Tensor:
        return F.l1_loss(self.sides(x), c)

    def each(self, answer: Tensor, c: Tensor) -> Tensor:
        return box_iou(answer, c)


class Segmentation(Fitted):
    """(N, H, W) long: half the resolution sees far, the whole one keeps the edges (Long et al. 2015)."""

    def __init__(self, *, name: str, channels: int, size: int) -> None:
        super().__init__(name=name, channels=channels, size=size)
        wide = 2 * MAP_WIDTH
        self.near = nn.Sequential(*block(channels, MAP_WIDTH))
        self.far = nn.Sequential(
            *block(MAP_WIDTH, wide, 2), *block(wide, wide), *block(wide, wide), *block(wide, wide),
            nn.Conv2d(wide, MAP_WIDTH, 1),
        )  # fmt: skip
        self.both = nn.Sequential(*block(MAP_WIDTH, MAP_WIDTH), nn.Conv2d(MAP_WIDTH, size, 1))

    def logits(self, x: Tensor) -> Tensor:
        """(B, size, H, W)."""
        near = self.near(x)
        logits: Tensor = self.both(near + F.interpolate(self.far(near), size=near.shape[2:]))
        return logits

    def read(self, x: Tensor) -> Tensor:
        return self.logits(x).argmax(dim=1)

    def loss(self, x: Tensor, c: Tensor) -> Tensor:
        return F.cross_entropy(self.logits(x), c)

    def each(self, answer: Tensor, c: Tensor) -> Tensor:
        return pixels(answer, c, self.architecture["size"])

    def overall(self, mean: Tensor) -> Tensor:
        return mean_iou(mean)


# Scores of answers against the conditions asked for: what each item adds. `condition_adherence` defines them.


def right(answer: Tensor, c: Tensor) -> Tensor:
    """Both (N,) or (N, heads) long -> (N,): 1 where every label is the one asked for. The mean is the accuracy."""
    return (answer.reshape(len(c), -1) == c.reshape(len(c), -1)).all(dim=1).double()


def box_iou(answer: Tensor, c: Tensor) -> Tensor:
    """Both (N, 4), left, top, right, bottom -> (N,) in [0, 1]. A box inside out is empty."""
    common = torch.cat([torch.maximum(answer, c)[:, :2], torch.minimum(answer, c)[:, 2:]], dim=1)
    shared = _area(common)
    united = _area(answer) + _area(c) - shared
    return shared / united.clamp(min=1e-12)  # two empty boxes share nothing: no 0 / 0


def pixels(answer: Tensor, c: Tensor, labels: int) -> Tensor:
    """Both (N, H, W) long -> (N, 3, labels): of each label the pixels shared, answered and asked for."""
    found = []
    for some in zip(answer.split(BLOCK), c.split(BLOCK), strict=True):
        answered, asked = (F.one_hot(part, labels).flatten(1, 2) for part in some)
        found.append(torch.stack([(answered & asked).sum(1), answered.sum(1), asked.sum(1)], dim=1).double())
    return torch.cat(found)


def mean_iou(found: Tensor) -> Tensor:
    """The mean of `pixels` over items, (..., 3, labels) -> (...) in [0, 1]."""
    shared, answered, asked = found.unbind(dim=-2)
    united = answered + asked - shared
    return (shared / united.clamp(min=1e-12)).sum(dim=-1) / (united > 0).sum(dim=-1)


def luma_error(answer: Tensor, c: Tensor) -> Tensor:
    """Both (N, 1, H, W) in [-1, 1] -> (N,) in [0, 255]."""
    return (answer.double() - c.double()).abs().flatten(1).mean(dim=1) * 255 / 2


def _area(box: Tensor) -> Tensor:
    """(N, 4) -> (N,) float64."""
    width, height = (box[:, 2:] - box[:, :2]).double().clamp(min=0).unbind(dim=1)
    return width * height
