"""Each law of extractors fails, with the reason, on an extractor that breaks it, and passes on correct ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor
from verdicts import failures, reports

from pipeline.conformance import inspection
from pipeline.metrics.extractors.lookup import EXTRACTORS, Extractor, Identity
from pipeline.metrics.extractors.network import fingerprint


class Centred(Extractor):
    """The data minus the mean of the training split."""

    name = "centred"
    centre: Tensor

    def __init__(self, *, size: int) -> None:
        super().__init__()
        self.size, self.architecture = size, {"size": size}
        self.register_buffer("centre", torch.zeros(size))

    @property
    def id(self) -> str:
        return f"centred@{fingerprint(self)}"

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1) - self.centre


class Nameless(Centred):
    @property
    def id(self) -> str:
        return "centred"


class Hidden(Identity):
    """Its centre is not in a buffer."""

    centre = torch.zeros(())

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) - self.centre


class Jittering(Identity):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + torch.randn(len(x), 1)


class Filed(Identity):
    def __init__(self, *, size: int, path: Path = Path()) -> None:
        super().__init__(size=size)
        self.architecture["path"] = path


def fitted(extractor: Centred, x: Tensor) -> Centred:
    extractor.centre.copy_(x.flatten(1).mean(0))
    return extractor


def centred(dataset: str, x: Tensor, label: Tensor | None) -> Centred:
    return fitted(Centred(size=x[0].numel()), x)


def nameless(dataset: str, x: Tensor, label: Tensor | None) -> Nameless:
    made = Nameless(size=x[0].numel())
    fitted(made, x)
    return made


def hidden(dataset: str, x: Tensor, label: Tensor | None) -> Hidden:
    made = Hidden(size=x[0].numel())
    made.centre = x.flatten(1).mean(0)
    return made


def jittering(dataset: str, x: Tensor, label: Tensor | None) -> Jittering:
    return Jittering(size=x[0].numel())


def filed(dataset: str, x: Tensor, label: Tensor | None) -> Filed:
    return Filed(size=x[0].numel())


def some(dataset: str, x: Tensor, label: Tensor | None) -> Extractor:
    return Identity(size=x[0].numel())


@pytest.mark.parametrize("function", [EXTRACTORS["identity"], centred])
def test_a_correct_extractor_passes(function: Callable[..., Extractor]) -> None:
    assert not failures(inspection.inspect_extractor(function))


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (jittering, "is it in evaluation mode"),
        (hidden, "restored it gives other features"),
        (some, "it must name the class to restore"),
        (filed, "its architecture cannot be written as JSON"),
        (nameless, "its id is centred again: add their hash to the id"),
    ],
)
def test_an_extractor_that_breaks_a_law_fails_with_the_reason(function: Callable[..., Extractor], message: str) -> None:
    found = list(inspection.inspect_extractor(function))
    assert reports(message, found), failures(found)
