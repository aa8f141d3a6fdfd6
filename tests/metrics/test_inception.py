"""Inception-v3 as FID has it, with random weights: torch-fidelity's, and torchvision's with TensorFlow's pools."""

from __future__ import annotations

import hashlib
import sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipeline.contract import Event
from pipeline.errors import UserError
from pipeline.metrics.extractors import inception as module
from pipeline.metrics.extractors.inception import Inception, inception


@pytest.fixture(scope="module")
def theirs() -> Any:
    """torch-fidelity's network with random weights."""
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    class Untrained(FeatureExtractorInceptionV3):
        def load_state_dict(self, *_: object) -> None:
            torch.manual_seed(0)
            for name, value in self.state_dict().items():
                if name.endswith(("conv.weight", "fc.weight")):
                    nn.init.kaiming_normal_(value)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "load", lambda *_, **__: {})
        return Untrained("inception", ["2048"], feature_extractor_weights_path="none")


@pytest.fixture(scope="module")
def weights(theirs: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "inception.pth"
    torch.save(theirs.state_dict(), path)
    return path


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("channels", [1, 3])
def test_inception_is_that_of_torch_fidelity_on_bytes(theirs: Any, weights: Path, channels: int) -> None:
    levels = torch.randint(256, (3, channels, 28, 20), generator=torch.Generator().manual_seed(1))
    x = Event((channels, 28, 20), levels=256).value(levels)
    extractor = inception("toy", x, None, weights=str(weights))
    expected = theirs(levels.to(torch.uint8).repeat(1, 3 // channels, 1, 1))[0]
    found = extractor.extract(x)
    assert torch.equal(found, expected)
    assert found.shape == (3, extractor.size)
    assert extractor.extract(x[:0]).shape == (0, extractor.size)
    assert found.std(dim=0).max() > 0.01, "different images have different features"
    assert extractor.id == f"inception@{sha256(weights)[:6]}"


@pytest.mark.slow
def test_the_distance_is_that_of_torchmetrics_with_the_same_network(theirs: Any, weights: Path) -> None:
    from torchmetrics.image.fid import FrechetInceptionDistance

    from pipeline.metrics.frechet import frechet

    class Bare(nn.Module):
        num_features = 2048

        def forward(self, levels: Tensor) -> Tensor:
            return theirs(levels)[0]

    levels = torch.randint(256, (2, 4, 3, 16, 16), generator=torch.Generator().manual_seed(2))
    metric = FrechetInceptionDistance(Bare())
    for part, real in zip(levels, (True, False), strict=True):
        metric.update(part.to(torch.uint8), real=real)
    extractor = Inception(weights=str(weights))
    real, fake = (extractor.extract(Event((3, 16, 16), levels=256).value(part)) for part in levels)
    assert frechet(real=real, fake=fake) == pytest.approx(float(metric.compute()), rel=1e-3)


def test_only_the_published_weights_may_be_called_fid(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "FID" not in Inception(weights=str(weights)).id
    monkeypatch.setattr(module, "PUBLISHED", sha256(weights)[:8])
    assert Inception(weights=str(weights)).id == f"FID-inception@{sha256(weights)[:6]}"


def test_who_lacks_the_file_is_told_which_one(gray: Tensor) -> None:
    with pytest.raises(UserError, match=r"no weights at none\.pth .*; put there weights-inc.*-6726825d\.pth"):
        inception("toy", gray, None, weights="none.pth")


def test_who_lacks_the_package_is_told_so(weights: Path, gray: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch_fidelity.feature_extractor_inceptionv3", None)
    with pytest.raises(UserError, match=r"pip install 'coverseek\[extractors\]'"):
        inception("toy", gray, None, weights=str(weights))


def stretch(size: int, side: int) -> Tensor:
    """(side, size): TensorFlow 1's bilinear resize, which reads at i size / side, half a pixel off."""
    at = torch.arange(side) * size / side
    low = at.long()
    rows, rest = torch.arange(side), at - low
    weight = torch.zeros(side, size)
    weight[rows, low] += 1 - rest
    weight[rows, (low + 1).clamp(max=size - 1)] += rest
    return weight


@torch.no_grad()
def test_the_network_is_torchvisions_with_the_pools_of_tensorflow(
    theirs: Any, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pytorch-fid's statement of it: averages that leave the padding out, and a maximum in the last block."""
    from torchvision.models import inception as tv

    network = tv.Inception3(num_classes=1008, aux_logits=False, init_weights=False).eval()
    network.load_state_dict(theirs.state_dict())
    network.fc = nn.Identity()
    average = partial(F.avg_pool2d, count_include_pad=False)
    pools = SimpleNamespace(avg_pool2d=average, max_pool2d=F.max_pool2d, relu=F.relu)
    network.Mixed_7c.register_forward_pre_hook(lambda *_: setattr(pools, "avg_pool2d", F.max_pool2d))
    monkeypatch.setattr(tv, "F", pools)
    levels = torch.randint(256, (2, 3, 28, 20), generator=torch.Generator().manual_seed(1))
    x = (stretch(28, 299) @ levels.float() @ stretch(20, 299).mT - 128) / 128
    expected = network(x)
    found = Inception(weights=str(weights)).extract(Event((3, 28, 20), levels=256).value(levels))
    assert expected.std(dim=0).max() > 0.01
    assert torch.allclose(found, expected, rtol=1e-3, atol=1e-4)
