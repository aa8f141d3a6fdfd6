"""Each law of models fails, with the reason, on a model that breaks it, and passes on correct models."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import torch
from correct_models import Estimated, Gaussian, Pixels
from torch import Tensor, nn
from verdicts import failures, reports

from pipeline.conformance import inspection
from pipeline.conformance.toy_tasks import PROBLEMS
from pipeline.contract import GenerativeModel, Loss, Player, Task


class OneShort(Gaussian):
    def sample(self, c: Tensor) -> Tensor:
        return super().sample(c)[1:]


class Double(Gaussian):
    def sample(self, c: Tensor) -> Tensor:
        return super().sample(c).double()


class OtherGenerator(Gaussian):
    def sample(self, c: Tensor) -> Tensor:
        return super().sample(c) + random.random()


class Unconditional(Gaussian):
    def sample(self, c: Tensor) -> Tensor:
        return torch.randn(len(c), 2)


class Overflowing(Gaussian):
    def sample(self, c: Tensor) -> Tensor:
        return super().sample(c) + (1e4 * self.centre).exp().log()


class Pooled(Pixels):
    def log_p(self, c: Tensor) -> Tensor:
        return super().log_p(c.mean((-2, -1), keepdim=True).expand_as(c))


class Undefined(Pixels):
    def log_prob(self, x: Tensor, c: Tensor) -> Tensor:
        return super().log_prob(x, c) + (1e4 * self.logits).exp().log().sum()


class Unused(Gaussian):
    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self.spare = nn.Parameter(torch.ones(1))


class Unowned(Unused):
    def players(self) -> tuple[Player, ...]:
        return (Player("model", (self.centre, self.slope), self.loss),)


class WithoutParts(Gaussian):
    def loss(self, x: Tensor, c: Tensor) -> Loss:
        return Loss(-self.log_prob(x, c).mean(), {})


class Steep(Gaussian):
    def loss(self, x: Tensor, c: Tensor) -> Loss:
        nll = -self.log_prob(x, c).mean() + self.centre.abs().sqrt().sum()
        return Loss(nll, {"nll": nll})


class Square(Gaussian):
    def encode(self, x: Tensor, c: Tensor) -> Tensor:
        return x[..., None]


class Tied(Gaussian):
    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self.register_buffer("copy", self.centre.data)


class WrongError(Gaussian):
    def __init__(self, task: Task) -> None:
        raise ValueError("only points")


class Raising(Gaussian):
    def players(self) -> tuple[Player, ...]:
        raise RuntimeError("no players")


@pytest.mark.parametrize("model", [Gaussian, Estimated])
def test_a_correct_model_passes_and_tasks_that_it_refuses_are_not_supported(model: type[GenerativeModel]) -> None:
    verdicts = list(inspection.inspect_model(model, "Gaussian"))
    assert not failures(verdicts)
    refused = {verdict.place for verdict in verdicts if verdict.outcome == "not supported"}
    assert refused == {tuple(p) for p in PROBLEMS if p.event != "points" or p.condition == "class"}


def test_a_correct_model_of_images_passes() -> None:
    assert not failures(inspection.inspect_model(Pixels, "x_images"))


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (OneShort, "7 rows of c gave samples of shape (6, 2)"),
        (Double, "samples are torch.float64"),
        (OtherGenerator, "the restored model draws other samples"),
        (Unconditional, "the model ignores it"),
        (Overflowing, "samples are not finite with random weights"),
        (Pooled, "the condition is pooled or blurred"),
        (Undefined, "likelihoods or losses are not finite with random weights"),
        (Unowned, "no player owns spare, so it is not trained"),
        (Unused, "does not reach its parameter spare"),
        (Steep, "the gradient of centre is not finite"),
        (WithoutParts, "has no parts"),
        (Square, "6 items gave codes of shape (6, 2, 1)"),
        (Tied, "cannot be saved as safetensors"),
        (WrongError, "ValueError: only points (test_model_laws.py:"),
        (Raising, "RuntimeError: no players (test_model_laws.py:"),
    ],
)
def test_a_model_that_breaks_a_law_fails_with_the_reason(model: type[GenerativeModel], message: str) -> None:
    found = list(inspection.inspect_model(model, "x"))
    assert reports(message, found), failures(found)


def test_an_error_is_located_in_the_authors_code_in_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "torch" / "mine"
    folder.mkdir(parents=True)
    (folder / "raises_here.py").write_text("def model(task):\n    raise ValueError('what')\n")
    monkeypatch.syspath_prepend(str(folder))
    import raises_here

    assert reports("ValueError: what (raises_here.py:2)", inspection.inspect_model(raises_here.model, "x_points"))
