"""Extractors, judges, draws, likelihoods and distances of features on another device than the CPU.

`other_device` has values, so that the numbers are compared too. Of the networks alone the tests also run under
PyTorch's fake tensors on a fake GPU.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from other_device import DEVICE, OtherDevice, OtherTensor, place
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from pipeline.contract import Event, Exact, GenerativeModel, Player, Reconstructs, Task, Weighted
from pipeline.device import preserved_random_states
from pipeline.metrics import frechet, kid, log_likelihood, memorization, reconstruction
from pipeline.metrics.evaluation import half_samples, operations
from pipeline.metrics.evaluation.bootstrap import Bootstrap
from pipeline.metrics.evaluation.draws import draw, latent_plane
from pipeline.metrics.evaluation.placement import CPU, device_of, double, full_precision
from pipeline.metrics.extractors.classifier import ChannelClassifier, Classifier
from pipeline.metrics.extractors.contrastive import Contrastive
from pipeline.metrics.extractors.dinov2 import Shape, Transformer
from pipeline.metrics.extractors.extractor import Identity
from pipeline.metrics.extractors.frozen import photograph
from pipeline.metrics.extractors.untrained import Untrained
from pipeline.metrics.judges.judge import Box, Channels, Judge, Labels, Luma, Segmentation
from pipeline.metrics.neighbours import distances, memberships, nearest, scores_of_halves, scores_without_each_real

IMAGES = Task("images", Event((3, 8, 8), levels=256))
JUDGES: dict[str, Callable[[], Judge]] = {
    "labels": lambda: Labels(name="toy", channels=3, sizes=[4, 3]),
    "channels": lambda: Channels(name="toy", channels=3, sizes=[4, 4, 4], apart=True),
    "box": lambda: Box(name="toy", channels=3),
    "segmentation": lambda: Segmentation(name="toy", channels=3, size=4),
    "luma": lambda: Luma(IMAGES.event),
}
EXTRACTORS: dict[str, Callable[[], Any]] = {
    "identity": lambda: Identity(size=192),
    "classifier": lambda: Classifier(dataset="toy", channels=3, classes=4, width=2, features=5),
    "channel_classifier": lambda: ChannelClassifier(dataset="toy", channels=3, classes=4, width=2, features=5),
    "contrastive": lambda: Contrastive(dataset="toy", channels=3, width=2, features=5),
    "untrained": lambda: Untrained(dataset="toy", channels=3, width=2, features=5),
}


@pytest.fixture
def other() -> Iterator[None]:
    with OtherDevice():
        yield


def images(count: int = 6) -> Tensor:
    return IMAGES.event.value(torch.randint(256, (count, 3, 8, 8), generator=torch.Generator().manual_seed(0)))


def features(count: int, dims: int, seed: int) -> Tensor:
    return torch.randn(count, dims, generator=torch.Generator().manual_seed(seed))


class Toy(GenerativeModel, Weighted, Reconstructs):
    """A model with a parameter, whose draws are made on its device."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor([0.5]))

    def players(self) -> tuple[Player, ...]:
        return ()

    def sample(self, c: Tensor) -> Tensor:
        return self.scale * torch.linspace(-1, 1, 192, device=c.device).view(1, 3, 8, 8).expand(len(c), 3, 8, 8)

    def log_weight(self, x: Tensor, c: Tensor) -> Tensor:
        return -(x * self.scale).square().flatten(1).sum(dim=1)

    def encode(self, x: Tensor, c: Tensor) -> Tensor:
        return x.flatten(1)[:, :2] * self.scale

    def decode(self, z: Tensor, c: Tensor) -> Tensor:
        return z.mean(dim=1)[:, None, None, None].expand(len(z), 3, 8, 8) * self.scale


class ExactToy(Toy, Exact):
    def log_prob(self, x: Tensor, c: Tensor) -> Tensor:
        return Toy.log_weight(self, x, c)


def on_both(model: nn.Module, run: Callable[[Any], Any]) -> tuple[Any, Any]:
    """`run` of a model on the CPU and of its copy on the other device."""
    model = model.eval().requires_grad_(False)
    here = run(model)
    with OtherDevice():
        return here, run(place(copy.deepcopy(model)))


def same(a: Tensor, b: Tensor) -> bool:
    return not isinstance(b, OtherTensor) and a.device == b.device == CPU and torch.equal(a, b)


@pytest.mark.usefixtures("other")
def test_the_other_device_refuses_what_a_gpu_refuses() -> None:
    x = torch.ones(3)
    y = x.to(DEVICE)
    assert isinstance(y, OtherTensor)
    assert torch.equal((y + y).cpu(), x + x)
    for wrong in (
        lambda: x + y,
        lambda: y.numpy(),
        lambda: torch.rand(2, device=DEVICE, generator=torch.Generator()),
        lambda: y[torch.tensor([0])],
    ):
        with pytest.raises((RuntimeError, TypeError)):
            wrong()


@pytest.mark.parametrize("name", EXTRACTORS)
def test_features_are_computed_on_the_device_and_come_back(name: str) -> None:
    here, there = on_both(EXTRACTORS[name](), lambda extractor: extractor.extract(images(), batch=4))
    assert same(here, there)


def test_a_classifier_is_accurate_on_any_device() -> None:
    label = torch.tensor([0, 1, 2, 3, 0, 1])
    here, there = on_both(EXTRACTORS["classifier"](), lambda extractor: extractor.accuracy(images(), label, batch=4))
    assert here == there


@pytest.mark.parametrize("name", JUDGES)
def test_judges_answer_from_any_device(name: str) -> None:
    torch.manual_seed(0)
    here, there = on_both(
        JUDGES[name](), lambda judge: (judge.answer(images(), 4), *judge.answer_with_confidence(images(), 4))
    )
    assert all(same(*pair) for pair in zip(here, there, strict=True))


@pytest.mark.usefixtures("other")
def test_images_are_resized_on_the_cpu_and_end_on_the_device_of_the_network() -> None:
    how = (16, 2, (0.5, 0.5, 0.5), (0.2, 0.2, 0.2))
    there = photograph(images().to(DEVICE), *how)
    assert isinstance(there, OtherTensor)
    assert torch.equal(there.cpu(), photograph(images(), *how))


def test_samples_and_likelihoods_come_back_from_the_device() -> None:
    x, none = images(), torch.empty(6, 0)
    found = on_both(
        Toy(),
        lambda model: (
            *draw(model, IMAGES.event, none, count=5, chunk=2),
            *log_likelihood.log_weights(model, x, none, draws=3, chunk=4),
            log_likelihood.elbo(model, x, none, chunk=4),
            reconstruction.reconstruction_error(model, (x, none), chunk=4),
            reconstruction.restoration_error(model, (x, none), scale=1.0, chunk=4),
            latent_plane(model, IMAGES.event, (x, none)),
        ),
    )
    assert all(same(*pair) for pair in zip(*found, strict=True))
    assert same(*on_both(ExactToy(), lambda model: log_likelihood.log_prob(model, x, none, chunk=4)))


def test_operations_are_counted_on_any_device() -> None:
    """The counts differ, for a view of this device's tensors has a storage of its own."""
    costs = on_both(Toy(), lambda model: operations.sampling(model, torch.empty(3, 0)))
    costs += on_both(Toy(), lambda model: operations.evaluation(model, (images(), torch.empty(6, 0))))
    assert all(cost.flops > 0 for cost in costs)


@pytest.mark.parametrize("dims", [3, 40, 300])
def test_neighbours_are_the_same_on_any_device(dims: int) -> None:
    """By a k-d tree, and by bounds in float32."""
    real, fake = features(70, dims, 0), features(60, dims, 1)
    splits = half_samples.split(70, 60, seed=0, splits=3)

    def run(real: Tensor, fake: Tensor) -> list[Tensor]:
        k = {"neighbours": 2, "coverage_neighbours": 3}
        return [
            *memberships(real=real, fake=fake, block=32, **k),
            *nearest(fake, real, count=3),
            torch.cat(list(distances(real, fake))),
            memorization.authenticity(train=real, fake=fake),
            *(torch.as_tensor(value) for value in scores_of_halves(splits, real=real, fake=fake, **k)),
            *scores_without_each_real(real=real, fake=fake, **k),
            torch.tensor(memorization.ct_score(train=real, real=real[:30], fake=fake)),
        ]

    here = run(real, fake)
    with OtherDevice():
        there = [value.cpu() for value in run(real.to(DEVICE), fake.to(DEVICE))]
    assert all(torch.equal(a, b) for a, b in zip(here, there, strict=True))


def test_distances_of_distributions_are_the_same_on_any_device() -> None:
    sides = {"real": features(50, 7, 0), "fake": features(40, 7, 1)}

    def run(sides: dict[str, Tensor]) -> list[Tensor]:
        bootstrap = Bootstrap(0, resamples=5)
        return [
            torch.tensor([kid.kid(**sides), frechet.frechet(**sides), frechet.frechet_infinity(**sides)]),
            kid.resampled(bootstrap, **sides),
            frechet.resampled(bootstrap, **sides),
        ]

    here = run(sides)
    with OtherDevice():
        there = run({name: x.to(DEVICE) for name, x in sides.items()})
    assert all(same(*pair) for pair in zip(here, there, strict=True))


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "classifier": EXTRACTORS["classifier"],
    "channel_classifier": EXTRACTORS["channel_classifier"],
    "contrastive": EXTRACTORS["contrastive"],
    "untrained": EXTRACTORS["untrained"],
    "dinov2": lambda: Transformer(Shape(24, 1, 2)),
    "labels": lambda: JUDGES["labels"](),
    "channels": lambda: JUDGES["channels"](),
    "box": lambda: JUDGES["box"](),
    "segmentation": lambda: JUDGES["segmentation"](),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_run_on_a_fake_gpu(name: str) -> None:
    side = 28 if name == "dinov2" else 8
    with FakeTensorMode(), torch.no_grad():
        with torch.device("cuda"):
            network = NETWORKS[name]()
        run = network.read if isinstance(network, Judge) else network
        assert run(torch.empty(2, 3, side, side, device="cuda")).device.type == "cuda"
        with pytest.raises(RuntimeError):
            run(torch.empty(2, 3, side, side))


def test_a_model_without_tensors_is_on_the_cpu() -> None:
    assert device_of(Identity(size=2)) == device_of(None) == CPU
    assert device_of(nn.BatchNorm1d(2, affine=False, device="meta")) == DEVICE


def test_random_states_are_restored() -> None:
    before = torch.get_rng_state()
    for device in (CPU, DEVICE):
        with preserved_random_states(device):
            torch.manual_seed(5)
            torch.rand(3)
    assert torch.equal(torch.get_rng_state(), before)


def test_products_are_not_rounded_to_fewer_digits_meanwhile() -> None:
    torch.set_float32_matmul_precision("medium")
    try:
        with full_precision():
            assert torch.get_float32_matmul_precision() == "highest"
            assert not torch.backends.cudnn.allow_tf32
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision("highest")


def test_what_has_no_float64_widens_on_the_cpu() -> None:
    assert double(torch.ones(2, device="meta")).dtype == torch.float64
