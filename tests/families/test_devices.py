"""Every operation of every model runs on the device that its parameters and its data are on, and reads no value there.

A fake tensor has a device, a shape and a type, and no values: no GPU is needed (`torch._subclasses.FakeTensorMode`).
On a fake device an operation on tensors of two devices raises, and so does one that needs a value on the host:
`.item()`, a branch on a tensor, `nonzero`, a mask as an index. The fake device is `cuda`, or `meta` for what torch
starts a real device for where there is none. Numbers that models draw on the host are set here.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import pytest
import torch
from small_models import Case, cases
from torch import Tensor, nn
from torch._subclasses import FakeTensorMode
from torch._subclasses.fake_tensor import DataDependentOutputException, DynamicOutputShapeException

from pipeline.contract import (
    Batch,
    Bounded,
    Exact,
    GenerativeModel,
    Reconstructs,
    SamplesByMarkovChain,
    SupportsUnconditional,
    Unnormalised,
    Weighted,
)
from pipeline.distributions import host_draws
from pipeline.families.control.stored_items import StoredItems
from pipeline.families.diffusion.flow_matching import FlowMatching
from pipeline.families.energy.ebm import EBM

CUDA = torch.device("cuda", 0)
FALLBACK = CUDA if torch.cuda.is_available() else torch.device("meta")
"""For gradients and `torch.nn.GRU`, for which torch starts the real device."""


class OnDevice(NamedTuple):
    """A model and a batch, all of them fake and on one device."""

    mode: FakeTensorMode
    model: GenerativeModel
    batch: Batch


@lru_cache(maxsize=2)
def on_device(name: str, device: torch.device) -> OnDevice:
    """The model of a case, moved as `.to` moves it; one for all operations, which are next to each other."""

    def move(tensor: Tensor) -> Tensor:
        return mode.from_tensor(tensor).to(device)

    subject, mode = CASES[name].subject, FakeTensorMode()
    model = subject.build() if subject.learns else subject.calibrated()
    batch = subject.batch(4)
    with mode:
        model._apply(move)
        x, c = (move(part) for part in batch)
    return OnDevice(mode, model, (x, c))


def train(model: GenerativeModel, x: Tensor, c: Tensor) -> list[Tensor]:
    model.train()
    results = []
    for player in model.players():
        loss = player.loss(x, c)
        loss.total.backward(inputs=player.params)
        gradients = [parameter.grad for parameter in player.params if parameter.grad is not None]
        results += [loss.total, *loss.parts.values(), *gradients]
    return results


def calibrate(model: GenerativeModel, x: Tensor, c: Tensor) -> list[Tensor]:
    model.eval().calibrate([(x, c), (x, c)], [(x, c)])
    return list(model.buffers())


def sample(model: GenerativeModel, x: Tensor, c: Tensor) -> list[Tensor]:
    return [model.eval().sample(c)]


def sample_at_another_setting(model: GenerativeModel, x: Tensor, c: Tensor) -> list[Tensor]:
    model.setting = 0.7
    found = model.eval().sample(c)
    model.setting = 1.0
    return [found]


def likelihood(model: GenerativeModel, x: Tensor, c: Tensor) -> list[Tensor]:
    model.eval()
    assert isinstance(model, Bounded)
    kind = Exact if isinstance(model, Exact) else Weighted
    results = [getattr(model, "log_prob" if kind is Exact else "log_weight")(x, c)] if isinstance(model, kind) else []
    return [*results, model.elbo(x, c)] if type(model).elbo is not Weighted.elbo else results


def normaliser(model: GenerativeModel, x: Tensor, c: Tensor) -> list[Tensor]:
    assert isinstance(model, Unnormalised)
    found = model.eval().log_normaliser(c)
    return [model.log_unnormalised(x, c), found.log_z, found.error]


def diagnostics(model: GenerativeModel, x: Tensor, c: Tensor) -> list[Tensor]:
    assert isinstance(model, SamplesByMarkovChain)
    found = model.eval().diagnostics(c)
    return [found.acceptance, found.effective]


def encode_and_decode(model: GenerativeModel, x: Tensor, c: Tensor) -> list[Tensor]:
    assert isinstance(model, Reconstructs)
    z = model.eval().encode(x, c)
    return [z, model.decode(z, c)]


def without_condition(model: GenerativeModel, x: Tensor, c: Tensor) -> list[Tensor]:
    assert isinstance(model, SupportsUnconditional)
    view = model.unconditional().eval()
    return [view.sample(c), *([view.elbo(x, c)] if isinstance(view, Bounded) else [])]


class Operation(NamedTuple):
    """What a model does, and which models do it."""

    run: Callable[[GenerativeModel, Tensor, Tensor], list[Tensor]]
    applies: Callable[[GenerativeModel], bool]
    differentiates: Callable[[GenerativeModel], bool] = lambda _: False


def _follows_gradients(model: GenerativeModel) -> bool:
    return isinstance(model, EBM)


OPERATIONS = (
    Operation(train, lambda model: bool(model.players()), lambda _: True),
    Operation(calibrate, lambda model: type(model).calibrate is not GenerativeModel.calibrate, _follows_gradients),
    Operation(sample, lambda _: True, _follows_gradients),
    Operation(sample_at_another_setting, lambda model: model.knob is not None, _follows_gradients),
    Operation(
        likelihood, lambda model: isinstance(model, Bounded), lambda model: isinstance(model, FlowMatching | EBM)
    ),
    Operation(normaliser, lambda model: isinstance(model, Unnormalised), _follows_gradients),
    Operation(diagnostics, lambda model: isinstance(model, SamplesByMarkovChain), _follows_gradients),
    Operation(encode_and_decode, lambda model: isinstance(model, Reconstructs)),
    Operation(
        without_condition,
        lambda model: isinstance(model, SupportsUnconditional),
        lambda model: isinstance(model, FlowMatching),
    ),
)
CASES = {case.name: case for case in cases()}


def _marks(case: Case) -> tuple[pytest.MarkDecorator, ...]:
    """A third of all: classes are those of points, grayscale maps take the path of segmentations."""
    often = case.toy.event != "grey" or case.toy.condition not in ("class", "grayscale")
    return () if often else (pytest.mark.slow,)


def _items() -> list[object]:
    found = [(case, case.subject.model) for case in CASES.values()]
    return [
        pytest.param(case, operation, marks=_marks(case), id=f"{case.name}-{operation.run.__name__}")
        for case, model in found
        for operation in OPERATIONS
        if operation.applies(model)
    ]


@pytest.fixture(autouse=True)
def _host_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fixed numbers in place of those that are drawn on the host, with which every step has its penalty."""
    monkeypatch.setattr(host_draws, "uniform", lambda: 0.0)
    monkeypatch.setattr(host_draws, "integer", lambda high: high - 1)
    monkeypatch.setattr(host_draws, "integers", lambda high, count: [i % high for i in range(count)])
    monkeypatch.setattr(StoredItems, "_rows", lambda self, c: torch.zeros(len(c), dtype=torch.long))


def _device(model: GenerativeModel, operation: Operation) -> torch.device:
    recurrent = any(isinstance(module, nn.RNNBase) for module in model.modules())
    return FALLBACK if recurrent or operation.differentiates(model) else CUDA


@pytest.mark.parametrize(("case", "operation"), _items())
def test_an_operation_stays_on_its_device(case: Case, operation: Operation) -> None:
    device = _device(case.subject.model, operation)
    mode, model, (x, c) = on_device(case.name, device)
    with mode:
        results = operation.run(model, x, c)
    assert {result.device for result in results} <= {device}


@pytest.mark.parametrize("device", sorted({CUDA, FALLBACK}, key=str), ids=str)
def test_a_mix_of_devices_and_a_read_of_a_value_raise(device: torch.device) -> None:
    with FakeTensorMode():
        there, here = torch.ones(3, device=device), torch.ones(3)
        with pytest.raises(RuntimeError, match="same device"):
            there + here
        with pytest.raises(DataDependentOutputException):
            there.sum().item()
        with pytest.raises(DynamicOutputShapeException):
            there.nonzero()
