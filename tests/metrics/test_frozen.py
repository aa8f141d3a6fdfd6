"""Networks trained elsewhere: a file is named and hashed, and what is wrong with it is said in one line.

No weights come from anywhere: networks with random weights are saved, and read again.
"""

from __future__ import annotations

import hashlib
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from pipeline import plugins
from pipeline.contract import Event, Task
from pipeline.errors import UserError
from pipeline.metrics import features, reference
from pipeline.metrics.extractors import inception as module
from pipeline.metrics.extractors.frozen import Frozen
from pipeline.metrics.extractors.inception import Inception, inception
from pipeline.metrics.extractors.photograph import MEAN, STD
from pipeline.metrics.extractors.torchvision import torchvision

EVENT = Event((1, 8, 8), levels=17)
TOY = Task("toy", EVENT)


@pytest.fixture(scope="module")
def gray() -> Tensor:
    return EVENT.value(torch.randint(17, (5, 1, 8, 8), generator=torch.Generator().manual_seed(0)))


@pytest.fixture(scope="module")
def resnet(tmp_path_factory: pytest.TempPathFactory) -> tuple[nn.Module, Path]:
    """An untrained one, and the file of its weights."""
    from torchvision.models import resnet18

    torch.manual_seed(0)
    network = resnet18(weights=None).eval()
    path = tmp_path_factory.mktemp("weights") / "resnet18.pth"
    torch.save(network.state_dict(), path)
    return network, path


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
    with pytest.raises(UserError, match=r"no weights at none\.pth; put there weights-inception.*-6726825d\.pth"):
        inception("toy", gray, None, weights="none.pth")


def test_who_lacks_the_package_is_told_so(weights: Path, gray: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch_fidelity.feature_extractor_inceptionv3", None)
    with pytest.raises(UserError, match=r"pip install 'coverseek\[extractors\]'"):
        inception("toy", gray, None, weights=str(weights))


@pytest.mark.parametrize("make", [inception, lambda *data, weights: torchvision(*data, model="vgg11", weights=weights)])
def test_weights_of_another_network_are_refused_in_one_line(
    make: Any, resnet: tuple[nn.Module, Path], gray: Tensor
) -> None:
    with pytest.raises(UserError, match=r"resnet18\.pth does not fit extractor \w+: [^\n]{1,170}$"):
        make("toy", gray, None, weights=str(resnet[1]))


class Trap:
    """Unpickled, it would leave a trace."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("trace"),)


@pytest.mark.parametrize("content", [{"weight": Trap()}, [1, 2], {"epoch": 3}])
def test_a_pickle_is_never_run(content: object, gray: Tensor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save(content, "weights.pth")
    with pytest.raises(UserError, match=r"weights\.pth holds no plain weights"):
        torchvision("toy", gray, None, model="resnet18", weights="weights.pth")
    assert not Path("trace").exists()


@pytest.mark.parametrize("name", ["weights.pth", "weights.safetensors"])
def test_a_file_of_anything_else_is_refused(name: str, gray: Tensor, tmp_path: Path) -> None:
    (tmp_path / name).write_text("not found")
    with pytest.raises(UserError, match=f"{name} holds no plain weights"):
        torchvision("toy", gray, None, model="resnet18", weights=str(tmp_path / name))


def test_a_node_of_torchvision_sees_photographs(resnet: tuple[nn.Module, Path], gray: Tensor) -> None:
    network, path = resnet
    extractor = torchvision("toy", gray, None, model="resnet18", weights=str(path), resize=32)
    x = nn.functional.interpolate(gray, size=(32, 32), mode="bilinear", antialias=True).repeat(1, 3, 1, 1)
    x = ((x + 1) / 2 - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]
    headless = nn.Sequential(*list(network.children())[:-1], nn.Flatten())
    assert torch.allclose(extractor.extract(gray), headless(x), atol=1e-4)
    assert extractor.size == 512
    assert extractor.id == f"resnet18.avgpool@{sha256(path)[:6]} 32px"


def test_what_could_change_the_numbers_is_in_the_id(resnet: tuple[nn.Module, Path], gray: Tensor) -> None:
    def name(**keywords: Any) -> str:
        return torchvision("toy", gray, None, model="resnet18", weights=str(resnet[1]), **keywords).id

    ids = {name(), name(resize=32), name(node="layer4"), name(mean=(0.5,) * 3), name(std=(0.5,) * 3)}
    assert len(ids) == 5


@pytest.mark.parametrize(
    ("keywords", "words"),
    [
        ({"model": "resnet81"}, "no model 'resnet81'.*resnet18"),
        ({"model": "resnet18", "node": "pool"}, "no node 'pool'"),
    ],
)
def test_what_torchvision_lacks_is_named(
    keywords: dict[str, str], words: str, resnet: tuple[nn.Module, Path], gray: Tensor
) -> None:
    with pytest.raises(UserError, match=words):
        torchvision("toy", gray, None, weights=str(resnet[1]), **keywords)


@pytest.mark.parametrize("x", [torch.rand(4, 2), torch.rand(4, 2, 8, 8)])
def test_what_is_no_image_is_refused(x: Tensor) -> None:
    with pytest.raises(UserError, match="use identity"):
        torchvision("ring", x, None, model="resnet18", weights="none")


def test_safetensors_will_do(resnet: tuple[nn.Module, Path], gray: Tensor, tmp_path: Path) -> None:
    network, path = resnet
    save_file(network.state_dict(), tmp_path / "resnet18.safetensors")
    one, other = (
        torchvision("toy", gray, None, model="resnet18", weights=str(file), resize=32)
        for file in (path, tmp_path / "resnet18.safetensors")
    )
    assert torch.equal(one.extract(gray), other.extract(gray))


def test_the_file_is_named_not_copied_and_a_change_is_seen(
    resnet: tuple[nn.Module, Path], gray: Tensor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.pth").write_bytes(resnet[1].read_bytes())
    extractor = torchvision("toy", gray, None, model="resnet18", weights="mine.pth", resize=32)
    reference.write(TOY, extractor, {"train": gray})
    assert not (Path("artifacts/features/toy") / reference.WEIGHTS).exists()
    again, kept, _ = reference.load(TOY)
    assert again.id == extractor.id
    assert torch.equal(again.extract(gray), kept["train"])
    other = resnet[0].state_dict() | {"fc.bias": torch.ones(1000)}
    torch.save(other, "mine.pth")
    with pytest.raises(UserError, match=r"mine\.pth has sha256 .*coverseek features"):
        reference.load(TOY)
    Path("mine.pth").unlink()
    with pytest.raises(UserError, match=r"no weights at mine\.pth"):
        reference.load(TOY)


def test_every_function_says_the_class_that_is_built_again() -> None:
    from typing import get_type_hints

    for name, function in features.EXTRACTORS.items():
        kind = get_type_hints(function)["return"]
        assert kind.name == name
        assert issubclass(kind, features.Extractor)
        assert kind.stored != issubclass(kind, Frozen)


BRIGHTNESS = """
from pipeline.metrics.features import Extractor

class Brightness(Extractor):
    name = "brightness"
    def __init__(self, *, power):
        super().__init__()
        self.size, self.architecture = 1, {"power": power}
    @property
    def id(self):
        return f"brightness^{self.architecture['power']}"
    def forward(self, x):
        return x.flatten(1).mean(dim=1, keepdim=True) ** self.architecture["power"]

def brightness(dataset, x, label, *, power: int = 1) -> Brightness:
    return Brightness(power=power)
"""


def test_an_extractor_of_another_package_is_found_and_built_again(
    gray: Tensor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from installed import install

    install(tmp_path / "site", "light", BRIGHTNESS, extractors="brightness = light:brightness")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.chdir(tmp_path)
    assert "brightness" in plugins.announced("extractors")
    extractor = features.find("brightness", "here")("toy", gray, None, power=2)
    reference.write(TOY, extractor, {"train": gray})
    again, kept, _ = reference.load(TOY)
    assert (again.id, again.size) == ("brightness^2", 1)
    assert torch.equal(kept["train"], gray.mean(dim=(1, 2, 3))[:, None] ** 2)


def test_an_unknown_name_is_said_with_what_there_is() -> None:
    with pytest.raises(UserError, match=re.escape("here: unknown 'incepton'; allowed: classifier,")):
        features.find("incepton", "here")
