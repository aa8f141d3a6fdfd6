"""The errors of reconstruction and restoration are the mean square per value, whatever the chunks."""

import pytest
import torch
from torch import Tensor

from pipeline.contract import Reconstructs
from pipeline.metrics.reconstruction import CORRUPTION, reconstruction_error, restoration_error


class Halves(Reconstructs):
    def encode(self, x: Tensor, c: Tensor) -> Tensor:
        return x.flatten(1)

    def decode(self, z: Tensor, c: Tensor) -> Tensor:
        return z.unflatten(1, (1, 2, 2)) / 2


@pytest.mark.parametrize("chunk", [1, 3, 7, 100])
def test_the_error_is_the_mean_square(chunk: int) -> None:
    x = torch.randn(7, 1, 2, 2)
    error = reconstruction_error(Halves(), (x, torch.empty(7, 0)), chunk=chunk)
    assert error.shape == (7,)
    assert error.mean().item() == pytest.approx((x / 2).square().mean().item(), rel=1e-6)


class Copies(Halves):
    """Gives back what it is shown."""

    def decode(self, z: Tensor, c: Tensor) -> Tensor:
        return z.unflatten(1, (1, 2, 2))


@pytest.mark.parametrize("scale", [1.0, 3.0])
def test_who_restores_nothing_pays_for_all_of_the_noise(scale: float) -> None:
    data = torch.randn(3000, 1, 2, 2), torch.empty(3000, 0)
    found = [restoration_error(Copies(), data, scale=scale, chunk=chunk).mean().item() for chunk in (100, 3000)]
    assert found[0] == pytest.approx(found[1], rel=1e-6)
    assert found[0] == pytest.approx((CORRUPTION * scale) ** 2, rel=0.05)
    assert reconstruction_error(Copies(), data, chunk=100).max() == 0
