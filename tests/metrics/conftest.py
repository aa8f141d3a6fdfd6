"""What the tests of the metrics share."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn


@pytest.fixture(scope="session")
def gray() -> Tensor:
    """(5, 1, 8, 8) on a grid of 17 levels."""
    return torch.randint(17, (5, 1, 8, 8), generator=torch.Generator().manual_seed(0)) / 8 - 1


@pytest.fixture(scope="session")
def resnet(tmp_path_factory: pytest.TempPathFactory) -> tuple[nn.Module, Path]:
    """An untrained one, and the file of its weights."""
    from torchvision.models import resnet18

    torch.manual_seed(0)
    network = resnet18(weights=None).eval()
    path = tmp_path_factory.mktemp("weights") / "resnet18.pth"
    torch.save(network.state_dict(), path)
    return network, path
