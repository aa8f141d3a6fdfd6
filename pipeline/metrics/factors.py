"""Which of the known modes a sample visits, where each image is drawn from a few independent factors.

A mode is a combination of one value for each factor, and P(mode) is the product of their weights. A judge says which
mode a sample belongs to, as a classifier of digits does on stacked MNIST: each sample belongs to one, however poor it
is, so there is no share of high quality, and noise hits some modes too. The histogram is smoothed, and its tail told,
as a mixture's is.

Srivastava et al. 2017, VEEGAN, arXiv:1705.07761.
"""

from __future__ import annotations

import torch
from torch import Tensor

from pipeline.contract import Factor
from pipeline.metrics.modes import Histogram


def histogram(factors: tuple[Factor, ...], values: Tensor) -> Histogram:
    """values (N, F) long, each sample's value of each factor, in the combinations of the factors."""
    p = probabilities(factors)
    return Histogram(p, torch.bincount(mode(factors, values), minlength=len(p)))


def probabilities(factors: tuple[Factor, ...]) -> Tensor:
    """(K,) float64 of each mode, the last factor's value changing fastest."""
    p = torch.ones(1, dtype=torch.float64)
    for factor in factors:
        p = torch.outer(p, torch.tensor(factor.weights, dtype=torch.float64)).flatten()
    return p


def mode(factors: tuple[Factor, ...], values: Tensor) -> Tensor:
    """values (N, F) long -> (N,) long: the place of each in `probabilities`."""
    index = torch.zeros(len(values), dtype=torch.long)
    for factor, value in zip(factors, values.unbind(dim=1), strict=True):
        index = index * len(factor.weights) + value
    return index
