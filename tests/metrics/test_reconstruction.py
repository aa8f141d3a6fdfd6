"""The reconstruction error is the mean square per value, whatever the chunks."""

import pytest
import torch
from torch import Tensor

from pipeline.contract import Reconstructs
from pipeline.metrics.reconstruction import reconstruction_error


class Halves(Reconstructs):
    def encode(self, x: Tensor, c: Tensor) -> Tensor:
        return x.flatten(1)

    def decode(self, z: Tensor, c: Tensor) -> Tensor:
        return z.unflatten(1, (1, 2, 2)) / 2


@pytest.mark.parametrize("chunk", [1, 3, 7, 100])
def test_the_error_is_the_mean_square(chunk: int) -> None:
    x = torch.randn(7, 1, 2, 2)
    error = reconstruction_error(Halves(), (x, torch.empty(7, 0)), chunk=chunk)
    assert error == pytest.approx((x / 2).square().mean().item(), rel=1e-6)
