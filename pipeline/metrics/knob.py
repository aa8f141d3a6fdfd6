"""What turning its knob does to a trained model: a curve in the plane of recall and precision.

    area    of the union over the settings of [0, recall] x [0, precision]: what the model can reach with one knob
    F_1     2 precision recall / (precision + recall)

The setting 1 is the model as it was trained. Every setting starts from the same random numbers, so that two of them
differ by the knob alone (Kingma & Dhariwal 2018, arXiv:1807.03039, temperature; Brock et al. 2019, arXiv:1809.11096,
truncation, here by scaling; Ho & Salimans 2022, arXiv:2207.12598, guidance).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from pipeline.contract import GenerativeModel, Task
from pipeline.metrics.frechet import frechet
from pipeline.metrics.manifold import manifold
from pipeline.metrics.reference import Reference
from pipeline.metrics.sampling import draw
from pipeline.metrics.settings import Settings


@dataclass(frozen=True)
class Turn:
    """The model at one setting. `obedience`: as the judge of the task's condition scores it, if there is one."""

    setting: float
    precision: float
    recall: float
    density: float
    coverage: float
    frechet: float
    obedience: float | None = None

    @property
    def f_1(self) -> float:
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def curve(
    model: GenerativeModel, task: Task, c: Tensor, of: Reference, knob: Iterable[float], settings: Settings, seed: int
) -> Iterator[Turn]:
    """The model at each setting of `knob`, under the rows of c (N, *condition). One whose samples are not finite, as
    those of a flow far above temperature 1 may be, is left out."""
    for setting in knob:
        torch.manual_seed(seed)
        try:
            with turned(model, setting):
                x, asked = draw(model, task.event, c, count=settings.samples, chunk=settings.chunk)
        except FloatingPointError:
            continue
        yield _turn(setting, x, asked, task, of, settings)


@contextmanager
def turned(model: GenerativeModel, setting: float) -> Iterator[None]:
    """The model at `setting`, for a while."""
    before, model.setting = model.setting, setting
    try:
        yield
    finally:
        model.setting = before


def _turn(setting: float, x: Tensor, c: Tensor, task: Task, of: Reference, settings: Settings) -> Turn:
    real, fake = of.features["test"][: settings.samples], of.extractor.extract(x)
    found = manifold(
        real=real, fake=fake, neighbours=settings.neighbours, coverage_neighbours=settings.coverage_neighbours
    )
    judge = of.judges.get(task.condition.kind)
    obedience = judge.score(x, c) if judge else None
    return Turn(setting, **found._asdict(), frechet=frechet(real=real, fake=fake), obedience=obedience)


def area(turns: Sequence[Turn]) -> float:
    """In [0, 1]; higher is better. 0 of no settings."""
    corners = sorted(((t.recall, t.precision) for t in turns), reverse=True)
    total = height = 0.0
    for recall, precision in corners:  # from the right: each adds what it rises above those with more recall
        total += recall * max(0.0, precision - height)
        height = max(height, precision)
    return total


def summary(turns: Sequence[Turn]) -> dict[str, Any]:
    """As it is written: the curve, its area and the setting that is best for F_1."""
    best = max(turns, key=lambda turn: turn.f_1, default=None)
    return {
        "turns": [{name: value for name, value in asdict(turn).items() if value is not None} for turn in turns],
        "area": area(turns),
        "best": best and best.setting,
    }
