"""What a training measures on validation items: the bound of a model that has one, and samples where training has
several players or minimises something other than the bound.

Both are measured with the same random draws each time, so that two validations differ by the weights and not by the
noise, and leave all random states as they were.
"""

from __future__ import annotations

import torch
from torch import Tensor

from pipeline import device as devices
from pipeline.contract import Batch, Bounded, GenerativeModel
from pipeline.training.batches import in_order

SEED = 20_000
SAMPLE_DISTANCE = "energy_coefficient"
"""The name of `sample_distance` in the training curve."""
SAMPLES = 1000
"""The most samples that are drawn for one validation of an adversarial model."""


@torch.no_grad()
def mean_bound(model: Bounded, validation: Batch, batch_size: int) -> float:
    """Mean of `elbo` over the items.

    Args:
        model: in evaluation mode.
        validation: x (N, *event) and c (N, *condition), on the model's device.
        batch_size: items for one call.

    Returns:
        nats for each item.
    """
    with devices.preserved_random_states(validation[0].device):
        torch.manual_seed(SEED)
        bounds = [model.elbo(*batch) for batch in in_order(validation, batch_size)]
    return torch.cat(bounds).mean().item()


@torch.no_grad()
def sample_distance(model: GenerativeModel, validation: Batch, batch_size: int) -> float:
    """The energy coefficient of samples and of the first `SAMPLES` items, under the conditions of these items.

    Args:
        model: in evaluation mode.
        validation: x (N, *event) and c (N, *condition), on the model's device.
        batch_size: samples for one call.

    Returns:
        `energy_coefficient`.
    """
    x, c = (part[:SAMPLES] for part in validation)
    with devices.preserved_random_states(x.device):
        torch.manual_seed(SEED)
        drawn = torch.cat([model.sample(part) for part in torch.split(c, batch_size)])
    return energy_coefficient(drawn.cpu(), x.cpu()).item()  # in float64, which not every device has


def energy_coefficient(x: Tensor, y: Tensor) -> Tensor:
    """The energy distance of two samples as a share of the mean distance between them.

        H = 1 - (E|x - x'| + E|y - y'|) / (2 E|x - y|)

    with unbiased means over pairs of different items, so that H is near 0, of either sign, if both samples are of one
    distribution, and 1 if each is a single point and the two differ. It depends on neither scale nor place.

    Args:
        x: (N, *event), N >= 2.
        y: (M, *event), M >= 2.

    Returns:
        (), at most 1.

    References:
        Szekely & Rizzo 2013, Energy statistics: a class of statistics based on distances, J. Stat. Plan. Inference 143.
    """
    x, y = (part.flatten(1).double() for part in (x, y))
    within = sum(torch.cdist(part, part).sum() / (len(part) * (len(part) - 1)) for part in (x, y))
    between = 2 * torch.cdist(x, y).mean()
    return torch.where(between > 0, 1 - within / between, torch.zeros_like(between))
