"""A law tells which model breaks it, in words, and no right one."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import torch
from honest import Estimated, Honest, Pixels
from torch import Tensor, nn
from verdicts import broken, told

from pipeline.contract import GenerativeModel, Loss, Player, Task
from pipeline.laws import inspection
from pipeline.laws.problem import PROBLEMS


class OneShort(Honest):
    def sample(self, c: Tensor) -> Tensor:
        return super().sample(c)[1:]


class Double(Honest):
    def sample(self, c: Tensor) -> Tensor:
        return super().sample(c).double()


class Elsewhere(Honest):
    def sample(self, c: Tensor) -> Tensor:
        return super().sample(c) + random.random()


class Deaf(Honest):
    def sample(self, c: Tensor) -> Tensor:
        return torch.randn(len(c), 2)


class Wild(Honest):
    def sample(self, c: Tensor) -> Tensor:
        return super().sample(c) + (1e4 * self.centre).exp().log()


class Pooled(Pixels):
    def log_p(self, c: Tensor) -> Tensor:
        return super().log_p(c.mean((-2, -1), keepdim=True).expand_as(c))


class Undefined(Pixels):
    def log_prob(self, x: Tensor, c: Tensor) -> Tensor:
        return super().log_prob(x, c) + (1e4 * self.logits).exp().log().sum()


class Idle(Honest):
    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self.spare = nn.Parameter(torch.ones(1))


class Unowned(Idle):
    def players(self) -> tuple[Player, ...]:
        return (Player("model", (self.centre, self.slope), self.loss),)


class Silent(Honest):
    def loss(self, x: Tensor, c: Tensor) -> Loss:
        return Loss(-self.log_prob(x, c).mean(), {})


class Steep(Honest):
    def loss(self, x: Tensor, c: Tensor) -> Loss:
        nll = -self.log_prob(x, c).mean() + self.centre.abs().sqrt().sum()
        return Loss(nll, {"nll": nll})


class Square(Honest):
    def encode(self, x: Tensor, c: Tensor) -> Tensor:
        return x[..., None]


class Tied(Honest):
    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self.register_buffer("copy", self.centre.data)


class Curt(Honest):
    def __init__(self, task: Task) -> None:
        raise ValueError("only points")


class Lazy(Honest):
    def players(self) -> tuple[Player, ...]:
        raise RuntimeError("nobody plays")


@pytest.mark.parametrize("model", [Honest, Estimated])
def test_an_honest_model_breaks_none_and_what_it_refuses_is_not_served(model: type[GenerativeModel]) -> None:
    verdicts = list(inspection.model(model, "Honest"))
    assert not broken(verdicts)
    refused = {verdict.place for verdict in verdicts if verdict.outcome == "not served"}
    assert refused == {tuple(p) for p in PROBLEMS if p.event != "points" or p.condition == "class"}


def test_an_honest_model_of_images_breaks_none() -> None:
    assert not broken(inspection.model(Pixels, "x_images"))


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (OneShort, "7 rows of c gave samples of shape (6, 2)"),
        (Double, "samples are torch.float64"),
        (Elsewhere, "the restored model draws something else"),
        (Deaf, "the model does not hear it"),
        (Wild, "samples are not finite under random weights"),
        (Pooled, "the condition is pooled or blurred"),
        (Undefined, "likelihoods or losses are not finite under random weights"),
        (Unowned, "no player owns spare, so it never learns"),
        (Idle, "does not reach its parameter spare"),
        (Steep, "the gradient of centre is not finite"),
        (Silent, "has no parts"),
        (Square, "6 items gave codes of shape (6, 2, 1)"),
        (Tied, "cannot be saved as safetensors"),
        (Curt, "ValueError: only points (test_models.py:"),
        (Lazy, "RuntimeError: nobody plays (test_models.py:"),
    ],
)
def test_who_breaks_a_law_is_told_so(model: type[GenerativeModel], words: str) -> None:
    found = list(inspection.model(model, "x"))
    assert told(words, found), broken(found)


def test_the_place_of_an_error_is_the_authors_wherever_that_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "torch" / "mine"
    folder.mkdir(parents=True)
    (folder / "raises_here.py").write_text("def model(task):\n    raise ValueError('what')\n")
    monkeypatch.syspath_prepend(str(folder))
    import raises_here

    assert told("ValueError: what (raises_here.py:2)", inspection.model(raises_here.model, "x_points"))
