"""The latent plane: the first code grows to the right, the second upwards, over the prior's quantiles."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from pipeline.contract import Event, GenerativeModel, Player, Reconstructs, Weighted
from pipeline.metrics.evaluation.draws import SIDE, latent_plane

EVENT = Event((2, 1, 1), levels=256)
DATA = torch.zeros(3, 2, 1, 1), torch.empty(3, 0)


class Transparent(GenerativeModel, Weighted, Reconstructs):
    """Decodes a code to itself."""

    def players(self) -> tuple[Player, ...]:
        return ()

    def sample(self, c: Tensor) -> Tensor:
        return torch.randn(len(c), 2, 1, 1)

    def log_weight(self, x: Tensor, c: Tensor) -> Tensor:
        return torch.zeros(len(x))

    def encode(self, x: Tensor, c: Tensor) -> Tensor:
        return x.flatten(1)

    def decode(self, z: Tensor, c: Tensor) -> Tensor:
        assert len(z) == len(c)
        return z[:, :, None, None]


class Wide(Transparent):
    def encode(self, x: Tensor, c: Tensor) -> Tensor:
        return x.flatten(1).repeat(1, 2)


def test_codes_lie_at_the_priors_quantiles() -> None:
    drawn = latent_plane(Transparent(), EVENT, DATA)
    assert drawn is not None
    first, second = drawn[..., 0, 0, 0], drawn[..., 1, 0, 0]
    probability = (torch.arange(SIDE) + 0.5) / SIDE
    torch.testing.assert_close(torch.special.ndtr(first), probability.expand(SIDE, SIDE))
    torch.testing.assert_close(torch.special.ndtr(second), probability.flip(0)[:, None].expand(SIDE, SIDE))


@pytest.mark.parametrize(("model", "event"), [(Wide(), EVENT), (Transparent(), Event((2,)))])
def test_other_codes_and_points_have_no_plane(model: Transparent, event: Event) -> None:
    assert latent_plane(model, event, DATA) is None
