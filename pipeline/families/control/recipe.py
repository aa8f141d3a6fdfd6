"""The controls: each metric is shown with its floor and its ceiling."""

from __future__ import annotations

from pipeline.contract import GenerativeModel, Task
from pipeline.errors import UserError
from pipeline.families.control.density import Marginal, OneMode, Oracle, UniformBox, UniformLevels
from pipeline.families.control.stored_items import Collapsed, Copycat, Real
from pipeline.params import Positive, Share

__all__ = ["collapsed", "copycat", "marginal_images", "noise_images", "noise_points", "oracle_points", "real"]

LOOKED_UP = ("box", "segmentation", "grayscale")
"""Conditions that an item has to itself."""


def oracle_points(task: Task) -> Oracle:
    """The truth itself."""
    if task.truth is None:
        raise UserError(f"task {task.name} has no known truth, so it has no oracle; take this model out of its suite")
    return Oracle(task.truth)


def real(task: Task) -> Real:
    """Held-out data."""
    return Real(part=0.5 if task.condition.kind in LOOKED_UP else 1.0)


def copycat(task: Task) -> Copycat:
    """The training set."""
    return Copycat()


def collapsed(task: Task, *, share: Share = 0.02) -> GenerativeModel:
    """One mode: of the truth where it is known, else the `share` of the training set around one item."""
    return OneMode(task.truth) if task.truth else Collapsed(share)


def noise_points(task: Task, *, margin: Positive = 0.25) -> UniformBox:
    """Uniform over a box around the data."""
    return UniformBox(task.event, margin)


def noise_images(task: Task) -> UniformLevels:
    """Uniform over the level grid."""
    return UniformLevels(task.event)


def marginal_images(task: Task, *, smoothing: Positive = 0.1) -> Marginal:
    """Independent pixels."""
    return Marginal(task.event, smoothing)
