"""Does a sample show what was asked of it? A judge's answer to it, held against the condition that it was made under.

    accuracy     share of items whose every label is the one asked for
    box IoU      mean over items of |A ∩ B| / |A ∪ B|, the areas of two boxes
    mIoU         mean over labels of |A_l ∩ B_l| / |A_l ∪ B_l|, the pixels with label l in all items together; a label
                 that is neither asked for nor answered does not count (Everingham et al. 2010, PASCAL VOC)
    luma error   mean |luma - c| in 8-bit levels, of 255

A judge errs, so each number stands between a ceiling, real images under their own conditions, and a floor, the same
images under conditions that were dealt out anew: what a sampler scores that ignores c and is perfect otherwise.
"""

from __future__ import annotations

import torch
from torch import Tensor


def accuracy(answer: Tensor, c: Tensor) -> float:
    """Both (N,) or (N, heads) long -> the share in [0, 1]; higher is better."""
    right = answer.reshape(len(c), -1) == c.reshape(len(c), -1)
    return float(right.all(dim=1).double().mean())


def box_iou(answer: Tensor, c: Tensor) -> float:
    """Both (N, 4), left, top, right, bottom -> the mean in [0, 1]; higher is better. A box inside out is empty."""
    common = torch.cat([torch.maximum(answer, c)[:, :2], torch.minimum(answer, c)[:, 2:]], dim=1)
    shared = _area(common)
    united = _area(answer) + _area(c) - shared
    return float((shared / united.clamp(min=1e-12)).mean())  # two empty boxes share nothing: no 0 / 0


def segmentation_miou(answer: Tensor, c: Tensor) -> float:
    """Both (N, H, W) long -> the mean in [0, 1]; higher is better."""
    labels = int(torch.maximum(answer.max(), c.max())) + 1
    shared, answered, asked = (
        torch.bincount(part.flatten(), minlength=labels).double() for part in (answer[answer == c], answer, c)
    )
    united = answered + asked - shared
    return float((shared / united)[united > 0].mean())


def luma_error(answer: Tensor, c: Tensor) -> float:
    """Both (N, 1, H, W) in [-1, 1] -> the mean in [0, 255]; lower is better."""
    return float((answer.double() - c.double()).abs().mean()) * 255 / 2


def shuffled(c: Tensor) -> Tensor:
    """The rows of c (N, *condition) dealt out anew, always alike: every item gets the row of another one."""
    order = torch.randperm(len(c), generator=torch.Generator().manual_seed(0))
    other = torch.empty_like(order)
    other[order] = order.roll(1)  # one cycle through all items
    return c[other]


def _area(box: Tensor) -> Tensor:
    """(N, 4) -> (N,) float64."""
    width, height = (box[:, 2:] - box[:, :2]).double().clamp(min=0).unbind(dim=1)
    return width * height
