"""The normalising constant of a model that is known up to it, and the likelihood that follows: p(x) = f(x) / Z.

    exact        Z is a sum that was computed                                log p(x) is exact
    quadrature   Z is an integral on a grid                                  log p(x) is exact up to a numerical error
    AIS          E[estimate of Z] = Z, hence E[estimate of log Z] <= log Z   log f(x) - log Z errs upwards

An estimate of log Z by AIS that misses a mode is too small, and nothing in it shows that: the likelihood that follows
is an upper bound in expectation, which flatters the model. So it is shown, and neither ranked nor bold. What is ranked
of such a model is a lower bound, RAISE (`log_likelihood`): where both are close they hold the truth between them.

References:
    Neal 2001, Annealed importance sampling, arXiv:physics/9803008; Burda, Grosse & Salakhutdinov 2015, Accurate and
    conservative estimates of MRF log-likelihood using reverse annealing, arXiv:1412.8566.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from pipeline.metrics.evaluation import protocol
from pipeline.metrics.evaluation.intervals import of_mean
from pipeline.metrics.log_likelihood import bits_per_dim
from pipeline.metrics.registry import Ends, Metric, shared

if TYPE_CHECKING:
    from torch import Tensor

    from pipeline.metrics.evaluation.context import EvaluationContext

Z_95 = 1.96
"""Standard errors of a 95 % interval."""


class Normaliser(NamedTuple):
    """log Z for each test item, and its mean over them."""

    log_z: Tensor
    """(N,) float64 nats."""
    error: float
    """Of the mean: at most that of an item, since items of one condition share their estimate."""
    kind: str


@shared
def test_normaliser(context: EvaluationContext) -> Normaliser:
    """Under the conditions of the test split. The chains start from the seed of the context."""
    import torch

    from pipeline.contract import Unnormalised
    from pipeline.device import preserved_random_states
    from pipeline.metrics.evaluation.finite import check_finite
    from pipeline.metrics.evaluation.placement import device_of, full_precision

    model = context.model
    assert isinstance(model, Unnormalised)
    device, c = device_of(model), context.test[1][:]
    with torch.no_grad(), preserved_random_states(device), full_precision():
        torch.manual_seed(context.seed)
        found = model.log_normaliser(c.to(device))
    log_z = check_finite(found.log_z.cpu().double(), "log Z of item")
    return Normaliser(log_z, float(found.error.cpu().double().mean()), found.kind)


@shared
def _log_p(context: EvaluationContext) -> Tensor:
    """(N,) float64 nats: log f(x | c) - log Z(c) of the test split."""
    return _log_f(context) - test_normaliser(context).log_z


@shared
def _log_f(context: EvaluationContext) -> Tensor:
    """(N,) float64 nats of the test split."""
    import torch

    from pipeline.metrics.evaluation.finite import check_finite
    from pipeline.metrics.evaluation.placement import device_of, double, full_precision

    model, device = context.model, device_of(context.model)
    with torch.no_grad(), full_precision():
        parts = zip(*(part.split(context.settings.chunk) for part in context.test), strict=True)
        found = [double(_unnormalised(model, x.to(device), c.to(device))).cpu() for x, c in parts]
    return check_finite(torch.cat(found), "log f of item")


def _unnormalised(model: object, x: Tensor, c: Tensor) -> Tensor:
    from pipeline.contract import Unnormalised

    assert isinstance(model, Unnormalised)
    return model.log_unnormalised(x, c)


def _is_estimated(context: EvaluationContext) -> bool:
    """Whether log Z is an estimate, so that the likelihood is none of a model that is `Exact`."""
    return context.is_unnormalised and not context.is_exact


def _kind(context: EvaluationContext) -> str:
    kind = test_normaliser(context).kind
    return ">= (AIS)" if kind == "AIS" else kind


def _around(context: EvaluationContext, value: float) -> Ends | None:
    margin = Z_95 * test_normaliser(context).error
    return Ends(value - margin, value + margin) if margin else None


def _with_error(ends: Ends | None, value: float, margin: float) -> Ends | None:
    """An interval widened by an independent error."""
    if ends is None:
        return None
    return Ends(value - math.hypot(value - ends.low, margin), value + math.hypot(ends.high - value, margin))


def _nats_interval(context: EvaluationContext, value: float) -> Ends | None:
    return _with_error(of_mean("real", _log_p)(context, value), value, Z_95 * test_normaliser(context).error)


def _bits_interval(context: EvaluationContext, value: float) -> Ends | None:
    dims = context.task.event.dims
    ends = of_mean("real", lambda c: bits_per_dim(_log_p(c), dims))(context, value)
    return _with_error(ends, value, -bits_per_dim(Z_95 * test_normaliser(context).error, dims))


METRICS = (
    Metric(
        name="log_normaliser", title="log Z", unit="nats", better="none", order=33, digits=2, low=-math.inf,
        compute=lambda c: float(test_normaliser(c).log_z.mean()), requires=lambda c: c.is_unnormalised,
        protocol=protocol.test, kind=_kind, interval=_around,
    ),
    Metric(
        name="nats_ais", title="nats by AIS", unit="nats", better="higher", order=36, digits=3, low=-math.inf,
        compute=lambda c: float(_log_p(c).mean()), requires=lambda c: c.is_points and _is_estimated(c),
        protocol=protocol.test, kind="<= (AIS)", interval=_nats_interval,
    ),
    Metric(
        name="bits_per_dim_ais", title="bits/dim by AIS", unit="bits/dim", better="lower", order=38, digits=3,
        compute=lambda c: bits_per_dim(float(_log_p(c).mean()), c.task.event.dims),
        requires=lambda c: c.is_images and _is_estimated(c), protocol=protocol.test, kind=">= (AIS)",
        interval=_bits_interval, low=-math.inf,
    ),
)  # fmt: skip
