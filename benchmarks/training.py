"""Training throughput beside other implementations, at matched layers and widths: `python benchmarks/training.py`.

    python benchmarks/training.py --only gated_pixelcnn spline_flow --rounds 9

Both sides of a row train the same network shapes on the same batch in one process on one thread, in turns, so that
what else the machine does hits both; a ratio is the median over rounds of their seconds by ours, and above 1 is for
us. The naive masked rows are our own network with each kernel held whole and multiplied by its mask, its features in
PyTorch's default layout; `masks alone` keeps our layout too, so that nothing but the taps differs. The others need the
optional extra: `pip install -e '.[peers]'` (normflows, zuko, pythae, torch-mimicry). What is missing is said.
"""

from __future__ import annotations

import argparse
import copy
import importlib.util
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import peers
import torch
import torch.nn.functional as F
from peers import (
    COLOUR,
    LAYERS,
    POINTS,
    WIDTH,
    Blind,
    Pair,
    batch,
    build,
    descend,
    our_flow,
    trained,
    without_init,
)
from throughput import Call
from torch import Tensor, nn

from pipeline.contract import Condition, Event, GenerativeModel, Task
from pipeline.device import CPU

GREY = Task("grey", Event((1, 28, 28), levels=256))


class Contest(NamedTuple):
    """One row. `steps` makes both sides' training steps, ours first."""

    name: str
    peer: str
    package: str | None
    target: float
    steps: Callable[[], tuple[Call, Call]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", help="rows to run, by name")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{'model':<16} {'beside':<22} {'ours s':>9} {'theirs s':>9} {'ratio':>6}  target")
    for contest in CONTESTS:
        if options.only is None or contest.name in options.only:
            show(contest, options.rounds)


def show(contest: Contest, rounds: int) -> None:
    if contest.package and importlib.util.find_spec(contest.package) is None:
        print(f"{contest.name:<16} {contest.peer:<22} not installed: pip install -e '.[peers]'")
        return
    torch.manual_seed(0)
    pairs = list(race(*contest.steps(), rounds))
    ours, theirs = (statistics.median(side) for side in zip(*pairs, strict=True))
    ratio = statistics.median(b / a for a, b in pairs)
    verdict = "ok" if ratio >= contest.target else "MISSED"
    row = f"{contest.name:<16} {contest.peer:<22} {ours:9.4f} {theirs:9.4f} {ratio:6.2f}"
    print(f"{row}  >= {contest.target:g} {verdict}", flush=True)


def race(ours: Call, theirs: Call, rounds: int) -> Iterator[tuple[float, float]]:
    """Seconds of a step on both sides, one side after the other, the first round left out."""
    repeats = max(1, int(0.5 / max(clock(ours, 1), 1e-4)))
    clock(theirs, 1)
    for _ in range(rounds):
        yield clock(ours, repeats), clock(theirs, repeats)


def clock(step: Call, repeats: int) -> float:
    start = time.perf_counter()
    for _ in range(repeats):
        step()
    return (time.perf_counter() - start) / repeats


def steps_of(pair: Callable[[torch.device], Pair]) -> Callable[[], tuple[Call, Call]]:
    """The training steps of a pair of models, on the CPU."""

    def steps() -> tuple[Call, Call]:
        ours, theirs = pair(CPU)
        return ours.step, theirs.step

    return steps


class WholeKernel(nn.Module):
    """A shifted convolution the naive way: an odd kernel around the place, multiplied by a mask in each pass."""

    mask: Tensor

    def __init__(self, small: nn.Conv2d, pad: tuple[int, int, int, int]) -> None:
        super().__init__()
        left, _, top, _ = pad
        height, width = small.kernel_size
        self.padding = (max(top, height - 1 - top), max(left, width - 1 - left))
        rows, columns = (2 * p + 1 for p in self.padding)
        above, before = self.padding[0] - top, self.padding[1] - left
        inner = (before, columns - width - before, above, rows - height - above)
        self.weight = nn.Parameter(F.pad(small.weight.detach(), inner))
        self.register_buffer("mask", F.pad(torch.ones_like(small.weight), inner))
        self.bias = small.bias

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight * self.mask, self.bias, padding=self.padding)


def naive_masked(model: GenerativeModel) -> GenerativeModel:
    """The same function, its masked kernels held whole."""
    from pipeline.families.autoregressive.networks.masked_layers import ShiftedConv2d

    twin = copy.deepcopy(model)
    for module in list(twin.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, ShiftedConv2d):
                setattr(module, name, WholeKernel(child, child.pad))
    return twin


def in_default_layout(model: GenerativeModel) -> GenerativeModel:
    """From the first layer on: channels last is a choice of ours too."""
    first = next(module for module in model.modules() if isinstance(module, nn.ModuleList))[0]
    first.register_forward_pre_hook(lambda layer, inputs: tuple(part.contiguous() for part in inputs))
    return model


def masked(recipe: str, *, layout: bool = False, **keywords: Any) -> Callable[[], tuple[Call, Call]]:
    """`layout`: the naive form has ours."""

    def steps() -> tuple[Call, Call]:
        ours, data = build(GREY, "autoregressive", recipe, **keywords, dropout=0.0), batch(GREY, 16)
        theirs = naive_masked(ours) if layout else in_default_layout(naive_masked(ours))
        with torch.no_grad():
            torch.testing.assert_close(*(model.log_prob(*data) for model in (ours, theirs)), rtol=1e-4, atol=1e-2)
        return trained(ours, data), trained(theirs, data)

    return steps


def realnvp_zuko() -> tuple[Call, Call]:
    import zuko

    theirs = zuko.flows.RealNVP(2, transforms=LAYERS, hidden_features=(WIDTH, WIDTH))
    data = batch(POINTS, 512)
    return trained(our_flow("realnvp", layers=LAYERS), data), descend(
        theirs, lambda: -theirs().log_prob(data[0]).mean()
    )


def spline_zuko() -> tuple[Call, Call]:
    import zuko
    from zuko.transforms import MonotonicRQSTransform

    shapes = [(16,), (16,), (15,)]
    theirs = zuko.flows.NICE(
        2, transforms=LAYERS, univariate=MonotonicRQSTransform, shapes=shapes, hidden_features=(WIDTH, WIDTH)
    )
    data = batch(POINTS, 512)
    ours = trained(our_flow("spline_flow", couplings=LAYERS, bins=16), data)
    return ours, descend(theirs, lambda: -theirs().log_prob(data[0]).mean())


def wgan_gp_mimicry() -> tuple[Call, Call]:
    """Both sides train torch-mimicry's own networks of (3, 32, 32) images: one step of each player."""
    without_init("torch_mimicry", "torch_mimicry.training")
    from torch_mimicry.nets.wgan_gp.wgan_gp_32 import WGANGPDiscriminator32, WGANGPGenerator32
    from torch_mimicry.training.metric_log import MetricLog

    from pipeline.families.gan.gan import GAN
    from pipeline.networks.condition import encoder
    from pipeline.objectives.adversarial import GRADIENT, Conditioned, Game

    generator, critic = WGANGPGenerator32(ngf=64), WGANGPDiscriminator32(ndf=64)
    x, c = batch(COLOUR, 16)
    optimisers = [torch.optim.AdamW(m.parameters(), 1e-4, fused=True) for m in (generator, critic)]

    def theirs() -> None:
        given = {"log_data": MetricLog(), "device": torch.device("cpu"), "global_step": 0}
        critic.train_step(real_batch=(x, None), netG=generator, optD=optimisers[1], **given)
        generator.train_step(real_batch=(x, None), netD=critic, optG=optimisers[0], **given)

    sides = (Conditioned(encoder(Condition(), COLOUR.event), Blind(copy.deepcopy(m))) for m in (generator, critic))
    game = Game("wasserstein", penalty=GRADIENT, weight=10.0)
    return trained(GAN(COLOUR.event, *sides, latent=128, game=game), (x, c)), theirs


CONTESTS = (
    Contest("gated_pixelcnn", "naive masked", None, 1.3, masked("gated_pixelcnn", layers=10, channels=64)),
    Contest("gated_pixelcnn", "masks alone", None, 1.0, masked("gated_pixelcnn", layout=True, layers=10, channels=64)),
    Contest("pixelcnn", "naive masked", None, 1.0, masked("pixelcnn", blocks=10, channels=64)),
    Contest("realnvp", "normflows", "normflows", 1.0, steps_of(peers.realnvp)),
    Contest("realnvp", "zuko", "zuko", 1.0, realnvp_zuko),
    Contest("spline_flow", "normflows", "normflows", 1.0, steps_of(peers.spline_flow)),
    Contest("spline_flow", "zuko", "zuko", 1.0, spline_zuko),
    Contest("glow", "normflows", "normflows", 1.0, steps_of(peers.glow)),
    Contest("vae", "pythae", "pythae", 1.0, steps_of(peers.vae)),
    Contest("wgan_gp", "torch-mimicry", "torch_mimicry", 1.0, wgan_gp_mimicry),
)

if __name__ == "__main__":
    main()
