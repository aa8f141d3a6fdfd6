"""What photographs' networks are given: an image's bytes, resized by Pillow, in ImageNet's mean and deviation."""

from __future__ import annotations

import pytest
import torch
from PIL import Image
from PIL.Image import Resampling
from torch import Tensor
from torchvision import transforms

from pipeline.metrics.extractors.frozen import MEAN, STD, photograph

TO = {how: transforms.InterpolationMode(how.name.lower()) for how in (Resampling.BICUBIC, Resampling.BILINEAR)}


def levels(x: Tensor) -> Tensor:
    """What was given, back in 0 to 255."""
    return 255 * (x * torch.tensor(STD)[:, None, None] + torch.tensor(MEAN)[:, None, None])


@pytest.mark.parametrize("how", TO)
@pytest.mark.parametrize("side", [16, 224])
@pytest.mark.parametrize("channels", [1, 3])
def test_they_see_what_torchvisions_transforms_make_of_a_file(how: Resampling, side: int, channels: int) -> None:
    """As dgm-eval, the code of Stein et al., shows files to DINOv2, by torchvision's transforms."""
    x = torch.randint(256, (channels, 40, 28), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    image = Image.fromarray(x.expand(3, -1, -1).permute(1, 2, 0).numpy())
    steps = [transforms.Resize((side, side), TO[how]), transforms.ToTensor(), transforms.Normalize(MEAN, STD)]
    expected = transforms.Compose(steps)(image)
    assert torch.allclose(photograph(x[None] / 127.5 - 1, side, how, MEAN, STD)[0], expected, atol=1e-5)


def test_an_edge_does_not_leave_the_range() -> None:
    x = torch.ones(1, 1, 28, 28)
    x[..., 14:] = -1
    found = levels(photograph(x, 224, Resampling.BICUBIC, MEAN, STD))
    assert found.min() > -1e-3
    assert found.max() < 255 + 1e-3
