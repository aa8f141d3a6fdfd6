"""Models on a GPU: their losses are those of the CPU, and what they compute is finite.

The cases with the device `cuda` are skipped where there is none (`pytest -m gpu` selects them). Some run with the CPU
in its place, so that the tests themselves are tested everywhere.

Two devices add in different orders, which changes a loss by about 1e-7 of itself; a wrong device, layout or generator
changes it by far more. The steps are those of plain gradient descent: AdamW divides a gradient by its own size, so that
where a gradient is rounding error alone, so is the direction of the step.
"""

from __future__ import annotations

import copy
import inspect
from dataclasses import replace

import pytest
import torch
from small_models import Case, cases
from torch import Tensor

from pipeline.contract import Batch, Bounded, Exact, GenerativeModel, Weighted
from pipeline.device import CPU
from pipeline.params import Training
from pipeline.training.optimiser import FiniteCheck, PlayerOptimiser

STEPS, ITEMS = 20, 32
RATE = 1e-2
"""20 such steps change a loss by more than the tolerance, and rounding changes it by less than 1e-6 of itself."""
TOLERANCE = 1e-4
SETTINGS = Training(steps=STEPS, batch_size=ITEMS, learning_rate=1e-3)
CUDA = torch.device("cuda", 0)
ON_CUDA = (
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device"),
)
UNSUPPORTED = pytest.mark.xfail(
    raises=RuntimeError, strict=True, reason="grid_sample has no deterministic gradient on CUDA: docs/devices.md"
)
MAPS = ("box", "segmentation", "grayscale")
"""Conditions with a map of learned features, through which augmentation is differentiated."""
DRAWING = {"diffusion", "energy", "gan", "pacgan", "vae"}
"""Families whose losses have latents, noise, times or chains."""


def draws(case: Case) -> bool:
    """Whether the loss of a model draws random numbers, dropout aside."""
    toy, changes = case.toy, case.changes
    if toy.family in DRAWING or changes.get("augmented") or changes.get("objective", "forward_kl") != "forward_kl":
        return True
    if toy.family == "flow":
        return toy.event not in ("points", "series")  # dequantisation
    return toy.recipe in ("denoising_autoencoder", "made_ensemble")


def without_dropout(case: Case) -> Case:
    """The same model with dropout 0, if it has the keyword."""
    known = inspect.signature(case.subject.recipe).parameters
    return replace(case, changes={**case.changes, "dropout": 0.0}) if "dropout" in known else case


def one_of_each_family(found: list[Case]) -> list[Case]:
    return list({case.toy.family: case for case in found}.values())


ALL = cases()
TRAINED = [case for case in ALL if case.toy.family != "control"]
FIXED = [without_dropout(case) for case in TRAINED if not draws(case)]


def on_devices(found: list[Case]) -> list[object]:
    """Each case on CUDA, and one of each family on the CPU."""
    return [
        *(pytest.param(case, CUDA, marks=_marks(case), id=f"{case.name}-cuda") for case in found),
        *(pytest.param(case, CPU, id=f"{case.name}-cpu") for case in one_of_each_family(found)),
    ]


def _marks(case: Case) -> tuple[pytest.MarkDecorator, ...]:
    unsupported = case.changes.get("augmented") and case.toy.condition in MAPS
    return (*ON_CUDA, UNSUPPORTED) if unsupported else ON_CUDA


def moved(batch: Batch, device: torch.device) -> Batch:
    x, c = batch
    return x.to(device), c.to(device)


def losses(model: GenerativeModel, batch: Batch) -> Tensor:
    """The loss of each player's steps, on the CPU: (STEPS * players,)."""
    model.train()
    values: list[Tensor] = []
    for _ in range(STEPS):
        for player in model.players():
            loss = player.loss(*batch).total
            gradients = torch.autograd.grad(loss, player.params, allow_unused=True)
            with torch.no_grad():
                for parameter, gradient in zip(player.params, gradients, strict=True):
                    if gradient is not None:
                        parameter.sub_(gradient, alpha=RATE)
            values.append(loss.detach())
    return torch.stack(values).cpu()


@pytest.mark.parametrize(("case", "device"), on_devices(FIXED))
def test_losses_without_draws_are_those_of_the_cpu(case: Case, device: torch.device) -> None:
    model, batch = case.subject.build(), case.subject.batch(ITEMS)
    twin = copy.deepcopy(model).to(device)
    torch.testing.assert_close(losses(twin, moved(batch, device)), losses(model, batch), rtol=TOLERANCE, atol=TOLERANCE)


@pytest.mark.parametrize("case", one_of_each_family(FIXED), ids=lambda case: case.name)
def test_these_losses_decrease_and_draw_nothing(case: Case) -> None:
    model, batch = case.subject.build(), case.subject.batch(ITEMS)
    before = torch.get_rng_state()
    found = losses(model, batch)
    assert torch.equal(torch.get_rng_state(), before)
    assert found[-1] < found[0]


@pytest.mark.slow
@pytest.mark.parametrize("case", [case for case in TRAINED if draws(case)], ids=lambda case: case.name)
def test_the_losses_of_the_other_models_draw(case: Case) -> None:
    """Else they would belong to those that are compared with the CPU's."""
    model, batch = without_dropout(case).subject.build().train(), case.subject.batch(4)
    before = torch.get_rng_state()
    for player in model.players():
        player.loss(*batch)
    assert not torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(("case", "device"), on_devices(ALL))
def test_a_step_a_sample_and_a_likelihood_are_finite(case: Case, device: torch.device) -> None:
    model = case.subject.build().to(device).train()
    x, c = moved(case.subject.batch(ITEMS), device)
    finite = FiniteCheck()
    for player in model.players():
        PlayerOptimiser(player, SETTINGS).step(player.loss(x, c), 1, finite)
    finite.check()
    model.eval().calibrate([(x, c)], [(x, c)])
    results = [model.sample(c), *likelihoods(model, x, c)]
    assert results[0].shape == x.shape
    for result in results:
        assert result.device == x.device
        assert result.isfinite().all()


@torch.no_grad()
def likelihoods(model: GenerativeModel, x: Tensor, c: Tensor) -> list[Tensor]:
    """Of each kind that the model has."""
    kinds = {"log_prob": Exact, "log_weight": Weighted, "elbo": Bounded}
    return [getattr(model, name)(x, c) for name, kind in kinds.items() if isinstance(model, kind)]
