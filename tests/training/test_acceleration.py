"""Faster arithmetic is asked for, never assumed, and off where it gains nothing."""

from __future__ import annotations

import os

import pytest
import torch
from torch import Tensor, nn

from pipeline.contract import Loss, Player
from pipeline.params import Training
from pipeline.training import acceleration as module
from pipeline.training import reproducible
from pipeline.training.acceleration import Acceleration, acceleration

IMAGES, POINTS = torch.randn(4, 3, 8, 8), torch.randn(4, 2)
NONE = torch.empty(4, 0)


def settings(**options: object) -> Training:
    return Training.model_validate({"steps": 1, "batch_size": 4, "learning_rate": 0.1} | options)


def player(network: nn.Module) -> Player:
    def loss(x: Tensor, c: Tensor) -> Loss:
        total = network(x).square().mean()
        return Loss(total, {"square": total})

    return Player("model", tuple(network.parameters()), loss)


def test_nothing_is_accelerated_unasked() -> None:
    assert acceleration(settings(), IMAGES) == Acceleration()


def test_channels_last_is_for_images() -> None:
    options = settings(channels_last=True)
    assert acceleration(options, IMAGES).channels_last
    assert not acceleration(options, POINTS).channels_last


@pytest.mark.parametrize(
    ("option", "what"),
    [
        ({"precision": "bfloat16"}, "has_bfloat16"),
        ({"precision": "tf32"}, "has_tf32"),
        ({"compile": True}, "has_compiler"),
    ],
)
def test_what_the_machine_lacks_stays_off_and_says_why(
    option: dict[str, object], what: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, what, lambda device: False)
    assert acceleration(settings(**option), IMAGES) == Acceleration()
    assert "stays off: " in capsys.readouterr().out
    monkeypatch.setattr(module, what, lambda device: True)
    assert acceleration(settings(**option), IMAGES) != Acceleration()


@pytest.mark.parametrize(
    ("fast", "tolerance"), [(Acceleration(channels_last=True), 1e-6), (Acceleration(bfloat16=True), 2e-2)]
)
def test_a_faster_loss_is_the_same_loss(fast: Acceleration, tolerance: float) -> None:
    network = nn.Conv2d(3, 8, 3)
    plain = player(network)
    expected = plain.loss(IMAGES, NONE).total
    fast.place(network)
    assert fast.player(plain).loss(IMAGES, NONE).total.item() == pytest.approx(expected.item(), rel=tolerance)


def test_tf32_is_for_the_rounds_of_training_alone() -> None:
    reproducible.seed(0)
    with Acceleration(tf32=True).arithmetic():
        assert torch.get_float32_matmul_precision() == "high"
    with Acceleration().arithmetic():
        assert torch.get_float32_matmul_precision() == "highest"
    assert not torch.backends.cudnn.allow_tf32


def test_cublas_is_deterministic_before_cuda_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    reproducible.seed(0)
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"


@pytest.mark.slow
def test_a_compiled_loss_has_the_same_gradients() -> None:
    network = nn.Sequential(nn.Linear(2, 8), nn.SiLU(), nn.Linear(8, 1))
    plain = player(network)
    fast = Acceleration(compile=True).player(plain)
    ours, theirs = (torch.autograd.grad(p.loss(POINTS, NONE).total, p.params) for p in (plain, fast))
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b)
