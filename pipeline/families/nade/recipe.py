"""The recipe of NADE, for its published number."""

from __future__ import annotations

from pipeline.contract import Task
from pipeline.errors import UserError
from pipeline.families.nade.nade import NADE
from pipeline.params import Count

__all__ = ["nade_images"]


def nade_images(task: Task, *, width: Count = 500) -> NADE:
    """NADE: the hidden layer of each value has one input more than the one before (Larochelle & Murray 2011).

    Equation: p(x) = Π_i softmax(V_i relu(b + Σ_(j<i) W_j x_j) + d_i)[x_i].

    Args:
        width: hidden units, from 1.
    """
    if task.condition.kind != "none":
        kind = task.condition.kind
        raise UserError(f"family nade has no model of condition {kind}; allowed: none; take the family autoregressive")
    return NADE(task.event, width)
