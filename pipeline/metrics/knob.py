"""What changing its knob does to a trained model: a curve in the plane of recall and precision.

    area    of the union over the settings of [0, recall] x [0, precision]: what the model can reach with one knob
    F_1     2 precision recall / (precision + recall)

Both select among noisy settings: on the samples that are scored, the largest area and the best F_1 exceed those of a
knob that does nothing. So settings are selected on the validation split, with samples of their own, and scored on the
test split. Let 1, ..., n be the settings on the validation split's frontier, those that no other one exceeds in both
recall r and precision p, by rising precision. With r and p of the test split and p_0 = 0,

    area = sum of r_i (p_i - p_{i-1})

which is the area if the two splits have one frontier. Its expectation is the product of recall and precision if all
settings are equal.

The setting 1 is the model as it was trained. Every setting starts from the same random numbers, so that two of them
differ by the knob alone (Kingma & Dhariwal 2018, arXiv:1807.03039, temperature; Brock et al. 2019, arXiv:1809.11096,
truncation, here by scaling; Ho & Salimans 2022, arXiv:2207.12598, guidance).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from pipeline.metrics.frechet import frechet
from pipeline.metrics.prdc import prdc
from pipeline.metrics.registry import Quantity

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from pipeline.contract import GenerativeModel, Task
    from pipeline.metrics.extractors.reference import Reference
    from pipeline.params import Evaluation


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
    model: GenerativeModel,
    task: Task,
    c: Tensor,
    of: Reference,
    knob: Iterable[float],
    settings: Evaluation,
    seed: int,
    split: str = "test",
) -> Iterator[Turn]:
    """The model at each setting of its knob.

    Args:
        c: (N, *condition), the conditions of the split, under which samples are drawn.
        knob: the settings. One whose samples are not finite, as those of a flow far above temperature 1 may be, is
            left out.
        seed: of the samples, the same for each setting.
        split: the real data that the samples are compared with.
    """
    import torch

    from pipeline.metrics.evaluation.draws import draw
    from pipeline.metrics.evaluation.placement import device_of, float64_device

    for setting in knob:
        torch.manual_seed(seed)
        try:
            with turned(model, setting):
                x, asked = draw(model, task.event, c, count=settings.samples, chunk=settings.chunk)
        except FloatingPointError:
            continue
        yield _turn(setting, x, asked, task, of, settings, split, float64_device(device_of(model)))


@contextmanager
def turned(model: GenerativeModel, setting: float) -> Iterator[None]:
    """The model at `setting`, for a while."""
    before, model.setting = model.setting, setting
    try:
        yield
    finally:
        model.setting = before


def _turn(
    setting: float, x: Tensor, c: Tensor, task: Task, of: Reference, settings: Evaluation, split: str,
    device: torch.device,
) -> Turn:  # fmt: skip
    real, fake = of.features[split][: settings.samples].to(device), of.extractor.extract(x).to(device)
    found = prdc(real=real, fake=fake, neighbours=settings.neighbours, coverage_neighbours=settings.coverage_neighbours)
    judge = of.judges.get(task.condition.kind)
    obedience = judge.score(x, c) if judge else None
    return Turn(setting, **found._asdict(), frechet=frechet(real=real, fake=fake), obedience=obedience)


def frontier(turns: Iterable[Turn]) -> list[Turn]:
    """Those that no other one exceeds or equals in both recall and precision, by rising precision."""
    found: list[Turn] = []
    for turn in sorted(turns, key=lambda turn: (-turn.recall, -turn.precision)):
        if not found or turn.precision > found[-1].precision:
            found.append(turn)
    return found


def area(turns: Iterable[Turn], selection: Iterable[Turn]) -> float:
    """The area under the knob, with settings selected on other samples.

    Args:
        turns: the settings as they are scored.
        selection: the settings as they are selected; one that `turns` lack is left out.

    Returns:
        The sum of r_i (p_i - p_{i-1}), in [-1, 1], and in [0, 1] of `turns` selected by themselves; 0 of no settings.
        Higher is better.
    """
    scored = {turn.setting: turn for turn in turns}
    total = height = 0.0
    for turn in (scored[chosen.setting] for chosen in frontier(t for t in selection if t.setting in scored)):
        total += turn.recall * (turn.precision - height)
        height = turn.precision
    return total


def best(turns: Iterable[Turn], selection: Iterable[Turn]) -> Turn | None:
    """The one of `turns` whose setting has the highest F_1 in `selection`; None of no settings."""
    scored = {turn.setting: turn for turn in turns}
    found = max((turn for turn in selection if turn.setting in scored), key=lambda turn: turn.f_1, default=None)
    return found and scored[found.setting]


def summary(turns: Sequence[Turn], selection: Sequence[Turn]) -> dict[str, Any]:
    """What the stage writes: the curve, its area and the best setting, and the settings as they were selected."""
    chosen = best(turns, selection)
    return {
        "turns": _records(turns),
        "validation": _records(selection),
        "area": area(turns, selection),
        "best": chosen and chosen.setting,
    }


def _records(turns: Iterable[Turn]) -> list[dict[str, float]]:
    return [{name: value for name, value in asdict(turn).items() if value is not None} for turn in turns]


METRICS = (
    Quantity(name="knob_area", title="area under the knob", order=340, table="file", digits=3),
    Quantity(name="knob_best", title="knob at best F_1", order=350, table="file", digits=2),
)
