"""Laws of the autoencoders: what they descend, and where their samples' codes come from."""

from __future__ import annotations

import pytest
import torch
from toys import GREY, POINTS, build

from pipeline.contract import Event, Task
from pipeline.families.autoencoder.autoencoder import Autoencoder

RECIPES = ("dense_autoencoder", "deep_sparse_autoencoder", "conv_autoencoder", "denoising_autoencoder")


def images(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    return GREY.value(torch.randint(5, (count, 1, 8, 8))), torch.empty(count, 0)


@pytest.mark.parametrize("recipe", RECIPES)
def test_fitted_codes_have_the_moments_of_the_training_codes(recipe: str) -> None:
    model = build("autoencoder", recipe, Task("t", GREY)).eval()
    x, c = images(500)
    model.calibrate([(x, c)], [])
    codes = model.encode(x, c)
    assert torch.allclose(model.code_mean, codes.mean(0), atol=1e-5)
    assert torch.allclose(model.code_root @ model.code_root.T, codes.T.cov(), atol=1e-5)


@pytest.mark.parametrize("recipe", RECIPES)
def test_standard_codes_are_standard_normal_whatever_was_learned(recipe: str) -> None:
    model = build("autoencoder", recipe, Task("t", GREY), codes="standard").eval()
    x, c = images(50)
    model.calibrate([(x, c)], [])
    torch.manual_seed(1)
    drawn = model.sample(c)
    torch.manual_seed(1)
    assert torch.equal(drawn, model.decode(torch.randn(50, len(model.code_mean)), c))


def test_a_code_unit_that_never_speaks_never_does_in_a_sample() -> None:
    model = build("autoencoder", "dense_autoencoder", Task("t", POINTS)).eval()
    with torch.no_grad():
        for layer in model.encoder.modules():
            if isinstance(layer, torch.nn.Linear):
                layer.weight[0].zero_()
    model.calibrate([(torch.randn(100, 2), torch.empty(100, 0))], [])
    assert model.code_root[0].abs().max().item() == pytest.approx(0, abs=1e-6)


def test_sparsity_charges_the_codes_activity() -> None:
    model = build("autoencoder", "deep_sparse_autoencoder", Task("t", GREY), sparsity=0.5)
    x, c = images(20)
    z, loss = model.encode(x, c), model.loss(x, c)
    assert (z >= 0).all()
    error = (model.reconstruct(z, c) - x).square().mean()
    assert loss.total.item() == pytest.approx((error + 0.5 * z.abs().sum() / 20).item())


def test_denoising_sees_the_corrupted_and_is_asked_for_the_clean() -> None:
    model = build("autoencoder", "denoising_autoencoder", Task("t", POINTS), noise=0.5)
    x, c = POINTS.scale * torch.randn(5000, 2), torch.empty(5000, 0)
    torch.manual_seed(1)
    loss = model.loss(x, c).total
    torch.manual_seed(1)
    corrupted = model.corrupt(x)
    assert (corrupted - x).std().item() == pytest.approx(0.5 * POINTS.scale, rel=0.03)
    assert torch.equal(loss, (model.reconstruct(model.encode(corrupted, c), c) - x).square().mean())


@pytest.mark.parametrize("recipe", ["dense_autoencoder", "deep_sparse_autoencoder", "conv_autoencoder"])
def test_only_denoising_corrupts(recipe: str) -> None:
    x, _ = images(3)
    assert torch.equal(build("autoencoder", recipe, Task("t", GREY)).corrupt(x), x)


@pytest.mark.parametrize("size", [8, 9, 16, 28, 32])
@pytest.mark.parametrize("halvings", [1, 2, 3])
def test_pooling_and_upsampling_return_to_any_size(size: int, halvings: int) -> None:
    event = Event((3, size, size), levels=256)
    model = build("autoencoder", "conv_autoencoder", Task("t", event), halvings=halvings)
    x, c = event.value(torch.randint(256, (2, 3, size, size))), torch.empty(2, 0)
    z = model.encode(x, c)
    assert z.shape == (2, len(model.code_mean))
    assert model.decode(z, c).shape == x.shape


def test_temperature_narrows_the_codes() -> None:
    model: Autoencoder = build("autoencoder", "dense_autoencoder", Task("t", GREY)).eval()
    x, c = images(500)
    model.calibrate([(x, c)], [])
    model.setting = 0.0
    assert torch.equal(model.sample(c[:2]), model.decode(model.code_mean.expand(2, -1), c[:2]))
