"""Laws of those that know a likelihood, or a bound on one. All numbers are nats."""

from __future__ import annotations

import torch
from torch import Tensor

from pipeline.contract import Bounded, Exact, Weighted
from pipeline.laws.law import law, require
from pipeline.laws.subject import Subject

ITEMS = 16


@law(lambda subject: isinstance(subject.made, Bounded))
def a_bound_is_one_number_for_each_item(subject: Subject) -> None:
    """`elbo(x, c)`, and `log_weight` and `log_prob` where there are any, give one number for each x, below infinity."""
    model = subject.calibrated()
    x, c = subject.batch(ITEMS)
    for kind, name in ((Bounded, "elbo"), (Weighted, "log_weight"), (Exact, "log_prob")):
        if isinstance(model, kind):
            with torch.no_grad():
                _one_each(name, getattr(model, name)(x, c))


def _one_each(name: str, nats: Tensor) -> None:
    require(nats.shape == (ITEMS,), f"{name} of {ITEMS} items has shape {tuple(nats.shape)}; it must be ({ITEMS},)")
    require(not nats.isnan().any() and not nats.isposinf().any(), f"{name} is not a number, or infinitely likely")


@law(lambda subject: isinstance(subject.made, Exact))
def an_exact_likelihood_has_no_noise(subject: Subject) -> None:
    """`log_prob` of an `Exact` model is the same each time."""
    model = subject.calibrated()
    assert isinstance(model, Exact)
    x, c = subject.batch(ITEMS)
    with torch.no_grad():
        first, second = model.log_prob(x, c), model.log_prob(x, c)
    require(
        torch.equal(first, second),
        "log_prob gave two answers for the same x and c: what is estimated by draws is Weighted, not Exact",
    )


@law(lambda subject: isinstance(subject.made, Exact))
def an_exact_model_has_one_likelihood(subject: Subject) -> None:
    """`log_weight` and `elbo` of an `Exact` model are its `log_prob`."""
    model = subject.calibrated()
    assert isinstance(model, Exact)
    x, c = subject.batch(ITEMS)
    with torch.no_grad():
        log_p = model.log_prob(x, c)
        for name in ("log_weight", "elbo"):
            same = torch.allclose(getattr(model, name)(x, c), log_p)
            require(same, f"{name} is not log_prob: leave it to contract.Exact")
