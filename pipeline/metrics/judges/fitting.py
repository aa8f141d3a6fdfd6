"""Which judges a task has, and how they come to be: fitted on its training split, or by arithmetic."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from pipeline import device as devices
from pipeline.contract import Batch, Task
from pipeline.metrics.extractors.network import descend
from pipeline.metrics.judges.judge import Box, Channels, Fitted, Judge, Labels, Luma, Segmentation

STEPS = 600
"""Of 64 items each: about 10 s on one core for 16 x 16 colour images, whose labels it then reads to 99 %."""
LEARNING_RATE = 5e-3
"""WHY above the extractor's: batch normalisation bears it, and STEPS are few."""


def factors(*, apart: bool = False, **architecture: Any) -> Fitted:
    """A judge of the whole image, or of its channels `apart`."""
    return Channels(apart=apart, **architecture) if apart else Labels(**architecture)


FITTED: dict[str, Callable[..., Fitted]] = {
    "class": Labels, "factors": factors, "box": Box, "segmentation": Segmentation
}  # fmt: skip


def needed(task: Task) -> list[str]:
    """The kinds of the judges that have to be fitted for `task`."""
    if task.event.kind == "points":
        return []
    return [kind for kind in (task.condition.kind, "factors" if task.factors else "none") if kind in FITTED]


def arithmetic(task: Task) -> dict[str, Judge]:
    """By kind, the judges of `task` that need no fitting."""
    images = task.event.kind == "images"
    return {"grayscale": Luma(task.event)} if images and task.condition.kind == "grayscale" else {}


def fit(kind: str, dataset: str, task: Task, *, train: Batch, test: Batch, steps: int = STEPS, seed: int = 0) -> Fitted:
    """Train a judge of `kind` on x (N, C, H, W) or (N, C, T) with its conditions or its factors; score it on `test`.

    On the CPU: the hash of its weights is in its name.
    """
    x, c = train
    with devices.preserved_random_states(devices.CPU):
        torch.manual_seed(seed)
        judge = FITTED[kind](name=f"{dataset}-{kind}", channels=x.shape[1], **_sizes(kind, task))
        descend(judge, lambda rows: judge.loss(x[rows], c[rows]), len(x), steps, LEARNING_RATE)
    judge.eval().requires_grad_(False)
    judge.test = judge.score(*test)
    return judge


def restore(kind: str, described: Mapping[str, Any], state: Mapping[str, Tensor]) -> Fitted:
    """The judge that was fitted before, from its description and its weights."""
    judge = FITTED[kind](**described["architecture"])
    judge.load_state_dict(state)
    judge.test = float(described["test"])
    judge.eval().requires_grad_(False)
    return judge


def _sizes(kind: str, task: Task) -> dict[str, Any]:
    """The keywords of a judge of `kind` that the task decides."""
    match kind:
        case "class":
            return {"sizes": [task.condition.size]}
        case "factors":
            sizes = [len(factor.weights) for factor in task.factors]
            apart = [factor.channel for factor in task.factors] == list(range(task.event.shape[0]))
            return {"sizes": sizes, "apart": True} if apart else {"sizes": sizes}
        case "segmentation":
            return {"size": task.condition.size}
    return {}
