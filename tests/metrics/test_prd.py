"""Precision and recall as a curve: the closed form on discrete distributions, and what swapping the sides does."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from pipeline.metrics import prd as paper
from pipeline.metrics.prd import BETA, PRD, cells, curve, f_score, shares

histograms = st.lists(st.floats(0.01, 1), min_size=4, max_size=4).map(lambda w: torch.tensor(w).double() / sum(w))


def scores(p: Tensor, q: Tensor) -> tuple[float, float]:
    """F_8 and F_1/8 of two histograms."""
    found = curve(p, q)
    return f_score(*found, BETA).item(), f_score(*found, 1 / BETA).item()


def prd(*, real: Tensor, fake: Tensor) -> PRD:
    """Of one sample: every item once."""
    found = cells(real=real, fake=fake)
    p, q = ([shares(cell, torch.ones(1, len(cell)).double())[0] for cell in side] for side in found)
    return paper.prd(p, q)


def test_a_model_of_one_of_two_modes_in_closed_form() -> None:
    """All of q lies in p, and half of p in q: alpha = 1 at beta = 1/2."""
    f_8, f_1_8 = scores(torch.tensor([0.5, 0.5]).double(), torch.tensor([1.0, 0.0]).double())
    assert f_8 == pytest.approx(65 * 0.5 / (64 + 0.5), abs=1e-3)
    assert f_1_8 == pytest.approx((1 + 1 / 64) * 0.5 / (1 / 64 + 0.5), abs=1e-3)


@given(histograms, histograms)
def test_swapping_the_sides_swaps_the_scores(p: Tensor, q: Tensor) -> None:
    assert scores(p, q) == pytest.approx(scores(q, p)[::-1], abs=1e-9)


@given(histograms)
def test_equal_histograms_score_one(p: Tensor) -> None:
    assert scores(p, p) == pytest.approx((1, 1), abs=2e-3)


def test_what_has_nothing_in_common_scores_nothing() -> None:
    real, fake = torch.randn(200, 2), torch.randn(200, 2) + 1000
    assert prd(real=real, fake=fake) == pytest.approx((0, 0), abs=1e-6)


def test_dropped_modes_cost_the_score_of_recall_and_noise_that_of_precision() -> None:
    torch.manual_seed(0)
    centres = 10 * torch.tensor([[0.0, 0], [1, 0], [0, 1], [1, 1]])
    real = centres[torch.arange(800) % 4] + 0.1 * torch.randn(800, 2)
    dropped = centres[torch.arange(800) % 2] + 0.1 * torch.randn(800, 2)
    noisy = torch.where(torch.arange(800)[:, None] // 4 % 2 == 0, real.roll(8, 0), 100 + torch.randn(800, 2))
    assert prd(real=real, fake=dropped).f_recall < 0.6 < 0.9 < prd(real=real, fake=dropped).f_precision
    assert prd(real=real, fake=noisy).f_precision < 0.6 < 0.9 < prd(real=real, fake=noisy).f_recall


def test_the_same_samples_give_the_same_scores() -> None:
    real, fake = torch.randn(100, 8), torch.randn(100, 8)
    assert prd(real=real, fake=fake) == prd(real=real, fake=fake)
