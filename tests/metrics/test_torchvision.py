"""Any classifier of torchvision: what it is given, how its published weights fit, and what is refused in one line."""

from __future__ import annotations

import hashlib
import inspect
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn
from torchvision import models

from pipeline.errors import UserError
from pipeline.metrics.extractors.frozen import MEAN, STD, photograph
from pipeline.metrics.extractors.torchvision import torchvision


def test_a_node_of_torchvision_sees_photographs(resnet: tuple[nn.Module, Path], gray: Tensor) -> None:
    network, path = resnet
    extractor = torchvision("toy", gray, None, model="resnet18", weights=str(path), resize=32)
    bytes_ = ((gray + 1) * 127.5).round().byte()
    seen = [np.array(Image.fromarray(item[0].numpy()).resize((32, 32), Image.Resampling.BILINEAR)) for item in bytes_]
    x = torch.from_numpy(np.stack(seen))[:, None].repeat(1, 3, 1, 1)
    x = (x / 255 - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]
    headless = nn.Sequential(*list(network.children())[:-1], nn.Flatten())
    assert torch.allclose(extractor.extract(gray), headless(x), atol=1e-4)
    assert extractor.extract(gray[:0]).shape == (0, extractor.size)
    assert extractor.size == 512
    assert extractor.id == f"resnet18.avgpool@{hashlib.sha256(path.read_bytes()).hexdigest()[:6]} 32px"


def test_what_could_change_the_numbers_is_in_the_id(resnet: tuple[nn.Module, Path], gray: Tensor) -> None:
    def name(**keywords: Any) -> str:
        return torchvision("toy", gray, None, model="resnet18", weights=str(resnet[1]), **keywords).id

    ids = {name(), name(resize=32), name(node="layer4"), name(mean=(0.5,) * 3), name(std=(0.5,) * 3)}
    assert len(ids) == 5


@pytest.mark.parametrize(
    ("keywords", "words"),
    [
        ({"model": "resnet81"}, "no image classifier 'resnet81'.*resnet18"),
        ({"model": "fasterrcnn_resnet50_fpn"}, "no image classifier 'fasterrcnn_resnet50_fpn'; allowed: alexnet, "),
        ({"model": "deeplabv3_resnet50"}, "no image classifier"),
        ({"model": "resnet18", "node": "pool"}, "no node 'pool'"),
    ],
)
def test_what_torchvision_lacks_is_named(
    keywords: dict[str, str], words: str, resnet: tuple[nn.Module, Path], gray: Tensor
) -> None:
    with pytest.raises(UserError, match=words):
        torchvision("toy", gray, None, weights=str(resnet[1]), **keywords)


def test_no_classifier_downloads_a_backbone() -> None:
    for name in models.list_models(module=models):
        assert "weights_backbone" not in inspect.signature(models.get_model_builder(name)).parameters


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("model", ["googlenet", "inception_v3"])
def test_networks_with_a_range_of_their_own_see_it(model: str, gray: Tensor, tmp_path: Path) -> None:
    """As where torchvision loads the weights itself: ImageNet's mean and deviation are turned into [-1, 1]."""
    torch.manual_seed(0)
    network = models.get_model(model, weights=None, transform_input=False, init_weights=False).eval()
    torch.save(network.state_dict(), tmp_path / "weights.pth")
    extractor = torchvision("toy", gray, None, model=model, weights=str(tmp_path / "weights.pth"), resize=96)
    network.fc = nn.Identity()
    with torch.no_grad():
        expected = network(photograph(gray, 96, Image.Resampling.BILINEAR, (0.5,) * 3, (0.5,) * 3))
    assert torch.allclose(extractor.extract(gray), expected, rtol=1e-3, atol=1e-5)


def test_densenet_is_read_by_the_names_that_were_published(gray: Tensor, tmp_path: Path) -> None:
    """denselayer1.norm.1, from before a module's name could hold no dot."""
    state = models.densenet121(weights=None).state_dict()
    old = {re.sub(r"(denselayer\d+\.(?:norm|conv))([12])", r"\1.\2", name): value for name, value in state.items()}
    for name, content in (("old.pth", old), ("new.pth", state)):
        torch.save(content, tmp_path / name)
    one, other = (
        torchvision("toy", gray, None, model="densenet121", weights=str(path), node="features", resize=32)
        for path in (tmp_path / "old.pth", tmp_path / "new.pth")
    )
    assert old.keys() != state.keys()
    assert torch.equal(one.extract(gray), other.extract(gray))


def test_the_version_beside_the_weights_is_heard(gray: Tensor, tmp_path: Path) -> None:
    """MNASNet's state is read by its version, and a file without one is refused."""
    state = models.mnasnet0_5(weights=None).state_dict()
    torch.save(state, tmp_path / "told.pth")
    torch.save(dict(state), tmp_path / "untold.pth")
    given: dict[str, Any] = {"model": "mnasnet0_5", "node": "mean", "resize": 32}
    assert torchvision("toy", gray, None, weights=str(tmp_path / "told.pth"), **given).size == 1280
    with pytest.raises(UserError, match=r"untold\.pth does not fit extractor torchvision: version"):
        torchvision("toy", gray, None, weights=str(tmp_path / "untold.pth"), **given)


def test_a_size_that_a_network_cannot_see_is_refused_in_one_line(
    resnet: tuple[nn.Module, Path], gray: Tensor, tmp_path: Path
) -> None:
    torch.save(models.alexnet(weights=None, num_classes=1000).state_dict(), tmp_path / "alexnet.pth")
    with pytest.raises(UserError, match=r"'avgpool' of torchvision's alexnet gives no features at resize 8 [^\n]+$"):
        torchvision("toy", gray, None, model="alexnet", weights=str(tmp_path / "alexnet.pth"), resize=8)
