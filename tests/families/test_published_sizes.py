"""The models of the suites `cifar10` and `celeba64` have the sizes of their papers.

A paper's count is the stated one, or follows from its description or its authors' code, layer by layer.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
import torch

from pipeline.contract import GenerativeModel, Task
from pipeline.data.known_events import known_event
from pipeline.families import build, check
from pipeline.params import Params, load

SETTINGS = load()
SUITES = {suite: SETTINGS.suites[suite] for suite in ("cifar10", "celeba64")}
MODELS = [(task, model) for suite in SUITES.values() for task in suite.tasks for model in suite.models]
FEW_STEPS: dict[str, dict[str, Any]] = {"ddpm": {"steps": 2}, "flow_matching": {"steps": 1}}
"""Recipe -> keywords that make sampling short and leave the network as it is."""


def conv(n_in: int, n_out: int, kernel: int) -> int:
    """Weights and biases of a layer."""
    return n_in * n_out * kernel**2 + n_out


def pixelcnn_pp() -> int:
    """Salimans et al. 2017, arXiv:1701.05517, figure 2: 160 maps, 5 blocks at each of 3 sizes, 17 on the way up."""
    n = 160

    def block(taps: int) -> int:
        return 2 * n * n * taps + n + 4 * n * n * taps + 2 * n

    rows, places = block(6), block(4)
    look, two_looks = 2 * n * n + n, 4 * n * n + n
    down = 15 * (rows + places + look)
    up = 17 * (rows + look + places + two_looks)
    resize = 2 * 2 * (n * n * 6 + n + n * n * 4 + n)
    first = 4 * n * (6 + 3 + 2) + 3 * n
    return down + up + resize + first + conv(n, 100, 1)


def image_transformer() -> int:
    """Parmar et al. 2018, arXiv:1802.05751, section 5: 12 layers of 512 dimensions, feed-forward layers of 2,048."""
    d = 512
    layer = 4 * conv(d, d, 1) + conv(d, 4 * d, 1) + conv(4 * d, d, 1) + 4 * d
    return 12 * layer + 3 * 256 * d + conv(d, 256, 1)


def glow() -> int:
    """Kingma & Dhariwal 2018, arXiv:1807.03039, section 5: 3 scales of 32 steps, 512 maps."""
    total, n = 0, 512
    for c in (12, 24, 48):
        network = (c // 2) * n * 9 + 2 * n + n * n + 2 * n + n * c * 9 + 2 * c
        total += 32 * (network + 2 * c + c * c)
    return total


def realnvp(channels: int, blocks: int, scales: int) -> int:
    """Dinh et al. 2017, arXiv:1605.08803, and the authors' code: maps double with each halving; 4 last couplings."""

    def coupling(n_in: int, n: int, n_out: int) -> int:
        residual = 18 * n * n + 4 * n
        return 9 * n_in * n + n + blocks * residual + (blocks + 1) * (n * n + 2 * n) + n + n * n_out + 2 * n_out

    total, c = 0, 3
    for scale in range(scales):
        n = channels << scale
        if scale == scales - 1:
            return total + 4 * coupling(2 * c + 1, n, 2 * c)
        total += 3 * coupling(2 * c + 1, n, 2 * c) + 3 * coupling(4 * c, 2 * n, 4 * c)
        c *= 2
    raise ValueError("a flow has one scale at least")


def strided_vae(side: int, latent: int, kernel: int) -> int:
    """Ghosh et al. 2020, arXiv:1903.12436, appendix, and the authors' code: 128 to 1,024 maps, a decoder from 8 x 8."""
    widths = [3, 128, 256, 512, 1024]
    down = sum(conv(a, b, kernel) + 2 * b for a, b in pairwise(widths))
    code = 2 * conv((side // 16) ** 2 * 1024, latent, 1) + conv(latent, 8 * 8 * 1024, 1)
    rising = [1024, 512, 256, 128][: 1 + (side // 8).bit_length() - 1]
    up = sum(conv(a, b, kernel) + 2 * b for a, b in pairwise(rising))
    return down + code + up + conv(rising[-1], 3, kernel)


def unet(channels: int, widths: list[int], side: int, *, scaled: bool) -> int:
    """Ho et al. 2020, arXiv:2006.11239, appendix B, and Dhariwal & Nichol 2021, arXiv:2105.05233; attention at 16."""
    time = 4 * channels

    def residual(n_in: int, n_out: int) -> int:
        timed = conv(time, 2 * n_out if scaled else n_out, 1)
        skip = conv(n_in, n_out, 1) if n_in != n_out else 0
        return 2 * n_in + conv(n_in, n_out, 3) + timed + 2 * n_out + conv(n_out, n_out, 3) + skip

    def attention(n: int) -> int:
        return 2 * n + 4 * conv(n, n, 1)

    total, n, skips = conv(channels, time, 1) + conv(time, time, 1) + conv(3, channels, 3), channels, [channels]
    for level, multiple in enumerate(widths):
        for _ in range(2):
            total += residual(n, channels * multiple)
            n = channels * multiple
            total += attention(n) if side >> level == 16 else 0
            skips.append(n)
        if level < len(widths) - 1:
            total += conv(n, n, 3)
            skips.append(n)
    total += 2 * residual(n, n) + attention(n)
    for level, multiple in reversed(list(enumerate(widths))):
        for _ in range(3):
            total += residual(n + skips.pop(), channels * multiple)
            n = channels * multiple
            total += attention(n) if side >> level == 16 else 0
        total += conv(n, n, 3) if level else 0
    return total + 2 * n + conv(n, 3, 3)


def residual_gan(generator: int, critic: int) -> int:
    """Miyato et al. 2018, arXiv:1802.05957, table 4; Gulrajani et al. 2017, arXiv:1704.00028, appendix."""
    g, d = generator, critic
    doubling = 2 * conv(g, g, 3) + conv(g, g, 1) + 4 * g
    players = conv(128, 16 * g, 1) + 3 * doubling + 2 * g + conv(g, 3, 3)
    first = conv(3, d, 3) + conv(d, d, 3) + conv(3, d, 1)
    return players + first + 6 * conv(d, d, 3) + conv(d, d, 1) + conv(d, 1, 1)


PUBLISHED = {
    "pixelcnn_pp_cifar10": pixelcnn_pp(),
    "image_transformer_cifar10": image_transformer(),
    "glow_cifar10": glow(),
    "realnvp_cifar10": realnvp(64, 8, 2),
    "conv_vae_cifar10": strided_vae(32, 128, 4),
    "hierarchical_vae_cifar10": 39_000_000,  # stated: Child 2021, arXiv:2011.10650, table 2
    "ddpm_cifar10": 35_700_000,  # stated: Ho et al. 2020, arXiv:2006.11239, appendix B
    "flow_matching_cifar10": unet(256, [1, 2, 2, 2], 32, scaled=True),
    "sngan_hinge_cifar10": residual_gan(256, 128),
    "wgan_gp_cifar10": residual_gan(128, 128),
    "realnvp_celeba64": realnvp(32, 2, 5),
    "conv_vae_celeba64": strided_vae(64, 64, 5),
    "ddpm_celeba64": unet(128, [1, 2, 2, 2, 4], 64, scaled=False),
}
TOLERANCE = 0.05


def _model(settings: Params, task: str, model: str, changes: dict[str, Any] | None = None) -> GenerativeModel:
    event = known_event(settings.tasks[task].data)
    assert event is not None
    spec = settings.models.images[model]
    assert spec.recipe is not None
    keywords = check("images", model, spec) | (changes or {}).get(spec.recipe, {})
    return build(Task(task, event), spec.family, spec.recipe, keywords)


def test_each_model_of_these_suites_has_a_published_size() -> None:
    assert {model for _, model in MODELS} == PUBLISHED.keys()


@pytest.mark.parametrize(("task", "name"), MODELS, ids=[model for _, model in MODELS])
def test_it_has_as_many_parameters_as_the_paper_s(task: str, name: str) -> None:
    with torch.device("meta"):
        model = _model(SETTINGS, task, name)
    count = sum(parameter.numel() for parameter in model.parameters())
    assert count == pytest.approx(PUBLISHED[name], rel=TOLERANCE)


@pytest.mark.slow
@pytest.mark.parametrize(("task", "name"), MODELS, ids=[model for _, model in MODELS])
def test_it_takes_a_step_of_training_and_draws_a_sample(task: str, name: str) -> None:
    model = _model(SETTINGS, task, name, FEW_STEPS).train()
    event = known_event(SETTINGS.tasks[task].data)
    assert event is not None
    x, c = event.value(torch.randint(event.grid, (2, *event.shape))), torch.empty(2, 0)
    for player in model.players():
        loss = player.loss(x, c).total
        gradients = torch.autograd.grad(loss, player.params, allow_unused=True)
        with torch.no_grad():  # without an optimiser's moments, which would take 2 GB more of the largest model
            for parameter, gradient in zip(player.params, gradients, strict=True):
                if gradient is not None:
                    assert gradient.isfinite().all()
                    parameter.sub_(gradient, alpha=1e-6)
        assert player.loss(x, c).total.isfinite()
    sample = model.eval().sample(c[:1])
    assert sample.shape == (1, *event.shape)
    assert torch.equal(event.quantise(sample), sample)
