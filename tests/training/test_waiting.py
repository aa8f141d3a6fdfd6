"""The host does not wait for the device between two rows of the training curve."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from pipeline.contract import Batch, Exact, GenerativeModel, Loss, Player
from pipeline.params import Training
from pipeline.training import loop, optimiser
from pipeline.training.batches import shuffled
from pipeline.training.curve_logger import CurveLogger
from pipeline.training.loop import TrainingLoop, fit
from pipeline.training.optimiser import FiniteCheck
from pipeline.training.resume import ResumePoints
from pipeline.training.transfer import Transfer

READS = ("aten._local_scalar_dense", "aten.nonzero", "aten.is_nonzero", "aten.equal")
CPU, META = torch.device("cpu"), torch.device("meta")


class Duel(GenerativeModel, Exact):
    """Two players of one number each, the first with two steps in a round; `reads` has its loss read a value."""

    def __init__(self, reads: bool = False) -> None:
        super().__init__()
        self.a, self.b, self.reads = nn.Parameter(torch.zeros(1)), nn.Parameter(torch.zeros(1)), reads
        self.register_buffer("seen", torch.zeros(()))

    def players(self) -> tuple[Player, ...]:
        return (Player("a", (self.a,), self._loss, steps_per_round=2), Player("b", (self.b,), self._loss))

    def _loss(self, x: Tensor, c: Tensor) -> Loss:
        with torch.no_grad():
            self.seen += 1
        total = -self.log_prob(x, c).mean()
        return Loss(total * (1 if not self.reads else 1 + 0 * total.item()), {"nll": total})

    def log_prob(self, x: Tensor, c: Tensor) -> Tensor:
        return -(x - self.a - self.b).square().sum(-1)

    def sample(self, c: Tensor) -> Tensor:
        return torch.zeros(len(c), 1, device=c.device)


class ReadCounter(TorchDispatchMode):
    """Counts operations that read a value of a tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(
        self, function: Any, types: Any, arguments: tuple[Any, ...] = (), keywords: dict[str, Any] | None = None
    ) -> Any:
        self.count += str(function).startswith(READS)
        return function(*arguments, **(keywords or {}))


class EachStep(ResumePoints):
    """Never written; calls `seen` after each step."""

    def __init__(self, seen: Callable[[], None]) -> None:
        self.seen = seen

    def load(self) -> None:
        return None

    def due(self) -> bool:
        self.seen()
        return False


def data() -> Batch:
    return torch.randn(40, 1), torch.empty(40, 0)


def settings(**changes: object) -> Training:
    known = {"steps": 20, "batch_size": 8, "learning_rate": 0.01, "validate_every": 20, "warmup": 2}
    return Training.model_validate(known | changes)


def reads_of_each_step(model: GenerativeModel) -> list[int]:
    """A row of the curve follows after steps 10 and 20, a validation after step 20."""
    found, counter = [0], ReadCounter()
    batches = shuffled(data(), 8, seed=0)
    training = TrainingLoop(model.train(), batches, data(), settings(), CurveLogger(), Transfer(CPU))
    with loop.step_progress("toy", 20, CPU) as progress, counter:
        training.run(progress, EachStep(lambda: found.append(counter.count)))
    return [after - before for before, after in pairwise(found)]


def test_no_value_is_read_between_two_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "ROWS", 2)
    reads = reads_of_each_step(Duel())
    assert len(reads) == 20
    assert [reads[step - 1] for step in range(1, 20) if step != 10] == [0] * 18
    assert min(reads_of_each_step(Duel(reads=True))) > 0


def test_on_another_device_the_loop_waits_at_rows_and_validations_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """On the meta device, where reading a value, or mixing devices, is an error. AdamW's fused step is not there."""
    steps = list[int]()
    monkeypatch.setattr(optimiser, "AdamW", lambda params, rate, betas, **_: torch.optim.SGD(params, rate))
    monkeypatch.setattr(FiniteCheck, "check", lambda self: None)
    monkeypatch.setattr(CurveLogger, "flush", lambda self, step: {})
    for measure in ("mean_bound", "sample_distance"):
        monkeypatch.setattr(loop, measure, lambda model, validation, batch_size: 0.0)
    points = EachStep(lambda: steps.append(0))
    trained, _, _ = fit(Duel(), data(), data(), settings(), CurveLogger(), "toy", seed=0, device=META, points=points)
    assert len(steps) == 20
    assert {parameter.device for parameter in trained.parameters()} == {META}
