"""Recipes of the controls: untrained models that show the floor and the ceiling of each metric."""

from __future__ import annotations

from pipeline.contract import GenerativeModel, Mixture, Task
from pipeline.errors import UserError
from pipeline.families.control.density import Marginal, OneMode, Oracle, UniformBox, UniformLevels, Untrained
from pipeline.families.control.process import ProcessOracle
from pipeline.families.control.stored_items import Collapsed, Copycat, Real
from pipeline.params import Positive, Share

__all__ = [
    "collapsed",
    "copycat",
    "marginal_images",
    "marginal_sequences",
    "noise_images",
    "noise_points",
    "noise_sequences",
    "oracle_points",
    "oracle_sequences",
    "real",
]

UNIQUE_CONDITIONS = ("box", "segmentation", "grayscale")
"""Kinds of which each item has a condition of its own."""


def oracle_points(task: Task) -> Oracle:
    """The truth itself."""
    if not isinstance(task.truth, Mixture):
        raise _no_truth(task)
    return Oracle(task.truth)


def oracle_sequences(task: Task) -> ProcessOracle:
    """The true process itself, without a condition."""
    if task.truth is None or isinstance(task.truth, Mixture) or task.condition.kind != "none":
        raise _no_truth(task)
    return ProcessOracle(task.event, task.truth)


def _no_truth(task: Task) -> UserError:
    return UserError(f"task {task.name} has no known truth, so it has no oracle; take this model out of its suite")


def real(task: Task) -> Real:
    """Held-out data."""
    return Real(part=0.5 if task.condition.kind in UNIQUE_CONDITIONS else 1.0)


def copycat(task: Task) -> Copycat:
    """The training set."""
    return Copycat()


def collapsed(task: Task, *, share: Share = 0.02) -> GenerativeModel:
    """One mode: of the truth where that is a mixture, else the `share` of the training set around one item.

    Args:
        share: share of the training set that is drawn from, in (0, 1]: the nearest neighbours of one item. Unused where
            the truth is a mixture.
    """
    return OneMode(task.truth) if isinstance(task.truth, Mixture) else Collapsed(share)


def noise_points(task: Task, *, margin: Positive = 0.25) -> UniformBox:
    """Uniform over a box around the data.

    Args:
        margin: by how much the box is wider on each side than the data, as a share of their range; above 0.
    """
    return UniformBox(task.event, margin)


def noise_images(task: Task) -> UniformLevels:
    """Uniform over the level grid."""
    return UniformLevels(task.event)


def marginal_images(task: Task, *, smoothing: Positive = 0.1) -> Marginal:
    """Independent pixels.

    Args:
        smoothing: pseudo-count added to every level of every pixel, above 0.
    """
    return Marginal(task.event, smoothing)


def noise_sequences(task: Task, *, margin: Positive = 0.25) -> Untrained:
    """Uniform over the level grid, or over a box around real values.

    Args:
        margin: by how much the box is wider on each side than the data, as a share of their range; above 0. Unused
            where the sequences have levels.
    """
    return UniformBox(task.event, margin) if task.event.levels is None else UniformLevels(task.event)


def marginal_sequences(task: Task, *, smoothing: Positive = 0.1) -> Marginal:
    """Independent steps.

    Args:
        smoothing: pseudo-count added to every level of every step, above 0.
    """
    if task.event.levels is None:
        raise UserError(
            f"marginal counts levels, and task {task.name} has real values; take this model out of its suite"
        )
    return Marginal(task.event, smoothing)
