"""A law tells who breaks it, in words; and nobody else's law is broken by it."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from pipeline.contract import Condition, Event, Exact, GenerativeModel, Loss, Player, Reconstructs, SinglePlayer, Task
from pipeline.data.dataset import SPLITS, Dataset, Sizes, Split, unconditional
from pipeline.errors import UserError
from pipeline.laws import inspection
from pipeline.laws.inspection import Verdict
from pipeline.laws.problem import PROBLEMS
from pipeline.metrics.features import EXTRACTORS, Extractor, Identity
from pipeline.stages import check


class Honest(SinglePlayer, Exact, Reconstructs):
    """A Gaussian whose mean is where the condition says: points only, no condition or a box."""

    def __init__(self, task: Task) -> None:
        super().__init__()
        if task.event.levels is not None or task.condition.kind == "class":
            raise UserError("points only, and no class")
        self.centre = nn.Parameter(torch.zeros(2))
        self.slope = nn.Parameter(torch.randn(task.condition.shape[0], 2))

    def mean(self, c: Tensor) -> Tensor:
        return self.centre + c @ self.slope

    def log_prob(self, x: Tensor, c: Tensor) -> Tensor:
        return torch.distributions.Normal(self.mean(c), 1.0).log_prob(x).sum(-1)

    def loss(self, x: Tensor, c: Tensor) -> Loss:
        nll = -self.log_prob(x, c).mean()
        return Loss(nll, {"nll": nll})

    @torch.no_grad()
    def sample(self, c: Tensor) -> Tensor:
        return self.mean(c) + torch.randn(len(c), 2)

    def encode(self, x: Tensor, c: Tensor) -> Tensor:
        return x

    def decode(self, z: Tensor, c: Tensor) -> Tensor:
        return z


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


class Noisy(Honest):
    def log_prob(self, x: Tensor, c: Tensor) -> Tensor:
        return super().log_prob(x, c) + torch.randn(len(x))


class Summed(Honest):
    def log_prob(self, x: Tensor, c: Tensor) -> Tensor:
        return super().log_prob(x, c).sum()


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


def broken(verdicts: list[Verdict]) -> set[str]:
    return {verdict.words for verdict in verdicts if verdict.outcome == "broken"}


def test_an_honest_model_breaks_none_and_what_it_refuses_is_not_served() -> None:
    verdicts = list(inspection.model(Honest, "Honest"))
    assert not broken(verdicts)
    refused = {verdict.place for verdict in verdicts if verdict.outcome == "not served"}
    assert refused == {tuple(p) for p in PROBLEMS if p.event != "points" or p.condition == "class"}


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (OneShort, "7 rows of c gave samples of shape (6, 2)"),
        (Double, "samples are torch.float64"),
        (Elsewhere, "the restored model draws something else"),
        (Deaf, "the model does not hear it"),
        (Unowned, "no player owns spare, so it never learns"),
        (Idle, "does not reach its parameter spare"),
        (Silent, "has no parts"),
        (Noisy, "what is estimated by draws is Weighted"),
        (Summed, "elbo of 16 items has shape ()"),
        (Square, "6 items gave codes of shape (6, 2, 1)"),
        (Tied, "cannot be saved as safetensors"),
        (Curt, "ValueError: only points (test_laws.py:"),
    ],
)
def test_who_breaks_a_law_is_told_so(model: type[GenerativeModel], words: str) -> None:
    found = broken(list(inspection.model(model, "x_points")))
    assert any(words in said for said in found), found


def made(sizes: Sizes, seed: int, **changes: Any) -> Dataset:
    rng = np.random.default_rng(seed)
    splits = {
        name: Split(rng.normal(size=(n, 2)).astype(np.float32), unconditional(n))
        for name, n in zip(SPLITS, sizes, strict=True)
    }
    scale = float(np.abs(splits["train"].x).max())
    return Dataset(Event((2,), scale=scale), splits, **changes)


def unseeded(sizes: Sizes, seed: int) -> Dataset:
    return made(sizes, int(np.random.randint(1000)))


def repeating(sizes: Sizes, seed: int) -> Dataset:
    found = made(sizes, seed)
    x = found.splits["train"].x[: sizes.test]
    return Dataset(found.event, found.splits | {"test": Split(x, unconditional(len(x)))})


def conditional(sizes: Sizes, seed: int) -> Dataset:
    return made(sizes, seed, condition=Condition("class", (), 2))


def larger(sizes: Sizes, seed: int) -> Dataset:
    return made(Sizes(9, 9, 9), seed)


def flat(sizes: Sizes, seed: int) -> Dataset:
    found = made(sizes, seed)
    return Dataset(Event((2,), scale=100.0), found.splits)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (unseeded, "differs from call to call"),
        (repeating, "16 of 16 items of test are in train too"),
        (conditional, "c of train is (0,)"),
        (larger, "x of train has 9 items; asked for were 64"),
        (flat, "the event's scale is 100"),
    ],
)
def test_a_dataset_that_breaks_a_law_is_told_so(function: Callable[..., Dataset], words: str) -> None:
    assert not broken(list(inspection.dataset(made)))
    assert any(words in said for said in broken(list(inspection.dataset(function))))


class Jittering(Identity):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + torch.randn(len(x), 1)


def jittering(dataset: str, x: Tensor, label: Tensor | None) -> Extractor:
    return Jittering(size=x[0].numel())


def test_an_extractor_that_breaks_a_law_is_told_so() -> None:
    assert not broken(list(inspection.extractor(EXTRACTORS["identity"])))
    assert any("is it in evaluation mode" in said for said in broken(list(inspection.extractor(jittering))))


PACKAGE = """
from pipeline.families.control.density import UniformBox
from pipeline.contract import Task
from pipeline.errors import UserError
class Good(UniformBox):
    def __init__(self, task: Task):
        if task.event.levels or task.condition.kind != "none":
            raise UserError("points alone")
        super().__init__(task.event, 0.2)
class Bad(Good):
    def sample(self, c):
        return super().sample(c)[1:]
def unsaid(task): ...
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "checked_here.py").write_text(PACKAGE)
    monkeypatch.syspath_prepend(str(tmp_path))
    return "checked_here"


def test_the_command_says_what_is_wrong_first_and_exits_with_one(
    package: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check.main(f"{package}:Bad") == 1
    said = " ".join(capsys.readouterr().out.split())
    assert said.index("broken:") < said.index(" ok ")


@pytest.mark.parametrize("word", ["checked_here:Good", "control/oracle", "control/noise", "ring", "identity"])
def test_the_command_exits_with_zero_where_every_law_is_kept(
    package: str, word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check.main(word) == 0
    assert "0 broken" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("word", "why"),
    [
        ("nowhere:Model", r"cannot be imported \(ModuleNotFoundError"),
        ("checked_here:Lost", r"cannot be imported \(AttributeError"),
        ("checked_here:unsaid", "does not say what it makes"),
        ("vea/vae", "did you mean vae"),
        ("vae/nope", "nothing is called 'vae/nope'"),
    ],
)
def test_a_word_that_names_nothing_is_refused(package: str, word: str, why: str) -> None:
    with pytest.raises(UserError, match=why):
        check.main(word)


@pytest.mark.parametrize(
    ("setting", "why"),
    [
        ("sigma", "give a keyword and its value"),
        ("sigma=-1", r"^--set\.sigma: input should be greater than 0, not -1"),
        ("sgima=1", r"^--set\.sgima is not a known key; .*did you mean sigma"),
    ],
)
def test_a_setting_that_does_not_fit_is_refused(setting: str, why: str) -> None:
    with pytest.raises(UserError, match=why):
        check.main("ring", [setting])


def test_a_setting_is_heard(capsys: pytest.CaptureFixture[str]) -> None:
    assert check.main("shapes", ["condition=segmentation"]) == 0
    with pytest.raises(UserError, match=r"--set\.data_root is missing"):
        check.main("mnist")
