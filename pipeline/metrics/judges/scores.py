"""Scores of a judge's answers against the conditions asked for (`condition_adherence` has their definitions).

Each is the mean over items of what every one adds to it, the mIoU a function of such a mean.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


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
    answered, asked = (F.one_hot(part, labels).flatten(1, 2) for part in (answer, c))
    return torch.stack([(answered & asked).sum(1), answered.sum(1), asked.sum(1)], dim=1).double()


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
