"""How well a model with an encoder and a decoder reconstructs held-out data.

    (1 / D) E |x - D(E(x, c), c)|^2

per value, in squared units of the data; images lie in [-1, 1]. Restoration is the same from a corrupted input,
x + σ ε, as in denoising.

References:
    Vincent et al. 2008, Denoising autoencoders, doi:10.1145/1390156.1390294.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.metrics.evaluation import protocol
from pipeline.metrics.evaluation.intervals import of_mean
from pipeline.metrics.registry import Metric, shared

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import Tensor

    from pipeline.contract import Batch, Reconstructs
    from pipeline.metrics.evaluation.context import EvaluationContext

CORRUPTION = 0.3
"""σ, in units of the data's scale."""


def reconstruction_error(model: Reconstructs, data: Batch, *, chunk: int) -> Tensor:
    """(N,) float64: mean squared error per value of (x (N, *event), c (N, *condition)), `chunk` items at a time."""
    return _error(model, data[0].split(chunk), data, chunk)


def restoration_error(model: Reconstructs, data: Batch, *, scale: float, chunk: int) -> Tensor:
    """The same, where the model is shown x corrupted by the same noise each time."""
    import torch

    from pipeline.items import CompactItems

    x, rng = data[0], torch.Generator().manual_seed(0)
    items: object = x
    parts = items.split(chunk) if isinstance(items, CompactItems) else [x]  # one draw for all that is in memory
    shown = (part + CORRUPTION * scale * torch.randn(part.shape, generator=rng) for part in parts)
    return _error(model, (some for part in shown for some in part.split(chunk)), data, chunk)


def _error(model: Reconstructs, shown: Iterable[Tensor], data: Batch, chunk: int) -> Tensor:
    """Of the reconstructions of `shown`, chunks of (N, *event), against x: on the CPU, from the model's device."""
    import torch

    from pipeline.metrics.evaluation.finite import check_finite
    from pipeline.metrics.evaluation.placement import device_of, double, full_precision

    device, errors = device_of(model), []
    with torch.no_grad(), full_precision():
        for part in zip(shown, *(side.split(chunk) for side in data), strict=True):
            s, x, c = (side.to(device) for side in part)
            errors.append(double(model.decode(model.encode(s, c), c) - x).square().flatten(1).mean(1).cpu())
    return check_finite(torch.cat(errors), "the reconstruction error of item")


@shared
def _reconstruction(context: EvaluationContext) -> Tensor:
    return reconstruction_error(_model(context), context.test, chunk=context.settings.chunk)


@shared
def _restoration(context: EvaluationContext) -> Tensor:
    scale = context.task.event.scale
    return restoration_error(_model(context), context.test, scale=scale, chunk=context.settings.chunk)


def _model(context: EvaluationContext) -> Reconstructs:
    from pipeline.contract import Reconstructs

    assert isinstance(context.model, Reconstructs)
    return context.model


METRICS = (
    Metric(
        name="reconstruction", title="reconstruction MSE", unit="squared error per value", better="lower", order=230,
        compute=lambda c: float(_reconstruction(c).double().mean()), requires=lambda c: c.reconstructs,
        protocol=protocol.test, kind="measured", interval=of_mean("real", _reconstruction, 0),
    ),
    Metric(
        name="restoration", title="restoration MSE", unit="squared error per value", better="lower", order=240,
        compute=lambda c: float(_restoration(c).double().mean()), requires=lambda c: c.reconstructs,
        protocol=lambda c: f"{protocol.test(c)}, Gaussian noise of {CORRUPTION:g} of the scale", kind="measured",
        interval=of_mean("real", _restoration, 0),
    ),
)  # fmt: skip
