"""Conditions beside what each model made of them: a row for each condition, several draws of each model on it.

A class is a word at the row's head, a box an outline, a segmentation a colour for each label, grayscale an image.
Real images stand between: the held-out one that a condition was taken from; for a class several that share it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from pipeline.data import manifest
from pipeline.report import sheet, style
from pipeline.report.board import Board, Standing
from pipeline.report.sheet import Panel
from pipeline.report.tiles import GAP, Array

CLASSES, ROWS = 10, 6
"""Conditions on a sheet at most: classes, and any other kind."""
CLASS_DRAWS, DRAWS = 4, 3
"""Samples of a model for each of them."""
PAPER = 0.96
"""Grey level on which a box is drawn: lighter than the lines between the images."""


class Answers(NamedTuple):
    """c (K, *condition) and what came of each: x (K, draws, C, H, W) in [0, 1]."""

    c: Array
    x: Array


def draw(board: Board) -> Figure | None:
    """None where the task has no condition, or no model's answers to one are kept."""
    known = manifest.read(board.task)
    kind, levels = known.condition.kind, known.event.levels
    if kind == "none" or levels is None:
        return None
    models = {s.model: answers for s in board.standings if (answers := _answers(s, levels))}
    if not models:
        return None
    test = manifest.read_split(board.task, "test", known)
    real, asked = Answers(test["c"], test["x"][:, None] / (levels - 1)), next(iter(models.values())).c
    if kind == "class":
        c, draws = np.sort(asked)[:CLASSES], CLASS_DRAWS
        lead, heads = [Panel("held-out data", rows(c, real, draws))], [str(one) for one in c]
    else:
        c, draws = asked[:ROWS], DRAWS
        lead, heads = [_given(kind, c, known.event.shape), Panel("real", rows(c, real, 1))], []
    return sheet.draw(lead, [Panel(model, rows(c, answers, draws)) for model, answers in models.items()], heads)


def rows(c: Array, answers: Answers, count: int) -> Array:
    """(R, count, C, H, W): for each of c (R, *condition) the first images that answer it, then empty places."""
    shape = answers.x.shape[2:]
    places = np.full((len(c), count, *shape), GAP)
    for place, one in zip(places, c, strict=True):
        same = (answers.c == one).reshape(len(answers.c), -1).all(axis=1)
        x = answers.x[same].reshape(-1, *shape)[:count]
        place[: len(x)] = x
    return places


def _given(kind: str, c: Array, shape: list[int]) -> Panel:
    """The conditions themselves, drawn."""
    if kind == "box":
        return Panel("given", np.full((len(c), 1, 1, *shape[1:]), PAPER), boxes=c)
    if kind == "segmentation":
        palette = np.array([to_rgb(colour) for colour in style.LABELS])
        return Panel("given", palette[c % len(palette)].transpose(0, 3, 1, 2)[:, None])  # (R, 1, 3, H, W)
    return Panel("given", (c[:, None] + 1) / 2)  # (R, 1, 1, H, W)


def _answers(standing: Standing, levels: int) -> Answers | None:
    """Of a model's first measured seed."""
    if standing.control or not standing.cells:
        return None
    kept = manifest.read_samples(standing.cells[0])
    both = {"repeated", "repeated_c"} <= kept.keys()
    return Answers(kept["repeated_c"], kept["repeated"] / (levels - 1)) if both else None
