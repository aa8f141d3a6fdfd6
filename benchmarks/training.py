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
import sys
import time
import types
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipeline.contract import Condition, Event, GenerativeModel, Task
from pipeline.families.registry import find

Step = Callable[[], None]
POINTS = Task("points", Event((2,), scale=2.0))
GREY = Task("grey", Event((1, 28, 28), levels=256))
BINARY = Task("binary", Event((1, 28, 28), levels=2))
COLOUR = Task("colour", Event((3, 32, 32), levels=256))
WIDTH, LAYERS = 64, 6


class Contest(NamedTuple):
    """One row. `steps` makes both sides' training steps, ours first."""

    name: str
    peer: str
    package: str | None
    target: float
    steps: Callable[[], tuple[Step, Step]]


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


def race(ours: Step, theirs: Step, rounds: int) -> Iterator[tuple[float, float]]:
    """Seconds of a step on both sides, one side after the other, the first round left out."""
    repeats = max(1, int(0.5 / max(clock(ours, 1), 1e-4)))
    clock(theirs, 1)
    for _ in range(rounds):
        yield clock(ours, repeats), clock(theirs, repeats)


def clock(step: Step, repeats: int) -> float:
    start = time.perf_counter()
    for _ in range(repeats):
        step()
    return (time.perf_counter() - start) / repeats


def build(task: Task, family: str, recipe: str, **keywords: Any) -> GenerativeModel:
    return find(family, recipe, task.event.kind, "benchmark")(task, **keywords).train()


def batch(task: Task, count: int) -> tuple[Tensor, Tensor]:
    event = task.event
    x = torch.randn(count, *event.shape) if event.levels is None else event.value(
        torch.randint(event.levels, (count, *event.shape))
    )  # fmt: skip
    return x, torch.empty(count, 0)


def descend(module: nn.Module, loss: Callable[[], Tensor]) -> Step:
    """A step of the optimiser that both sides have."""
    adam = torch.optim.AdamW(module.parameters(), 1e-4, fused=True)

    def step() -> None:
        adam.zero_grad(set_to_none=True)
        loss().backward()
        adam.step()

    return step


def trained(model: GenerativeModel, data: tuple[Tensor, Tensor]) -> Step:
    """A round of our game: the steps of each player."""
    sides = [(player, torch.optim.AdamW(player.params, 1e-4, fused=True)) for player in model.players()]

    def step() -> None:
        for player, adam in sides:
            for _ in range(player.steps_per_round):
                adam.zero_grad(set_to_none=True)
                player.loss(*data).total.backward(inputs=player.params)
                adam.step()

    return step


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


def masked(recipe: str, *, layout: bool = False, **keywords: Any) -> Callable[[], tuple[Step, Step]]:
    """`layout`: the naive form has ours."""

    def steps() -> tuple[Step, Step]:
        ours, data = build(GREY, "autoregressive", recipe, **keywords, dropout=0.0), batch(GREY, 16)
        theirs = naive_masked(ours) if layout else in_default_layout(naive_masked(ours))
        with torch.no_grad():
            torch.testing.assert_close(*(model.log_prob(*data) for model in (ours, theirs)), rtol=1e-4, atol=1e-2)
        return trained(ours, data), trained(theirs, data)

    return steps


def realnvp_normflows() -> tuple[Step, Step]:
    import normflows as nf

    flows = []
    for _ in range(LAYERS):
        network = nf.nets.MLP([1, WIDTH, WIDTH, 2], init_zeros=True)
        flows += [nf.flows.AffineCouplingBlock(network), nf.flows.Permute(2, mode="swap")]
    theirs, data = nf.NormalizingFlow(nf.distributions.DiagGaussian(2), flows), batch(POINTS, 512)
    return our_flow("realnvp", data, layers=LAYERS), descend(theirs, lambda: theirs.forward_kld(data[0]))


def realnvp_zuko() -> tuple[Step, Step]:
    import zuko

    theirs = zuko.flows.RealNVP(2, transforms=LAYERS, hidden_features=(WIDTH, WIDTH))
    data = batch(POINTS, 512)
    return our_flow("realnvp", data, layers=LAYERS), descend(theirs, lambda: -theirs().log_prob(data[0]).mean())


def spline_normflows() -> tuple[Step, Step]:
    import normflows as nf

    flows = [  # a residual network of one block has three hidden layers
        nf.flows.CoupledRationalQuadraticSpline(2, 1, WIDTH, num_bins=16, tail_bound=4.0, reverse_mask=bool(i % 2))
        for i in range(LAYERS)
    ]
    theirs, data = nf.NormalizingFlow(nf.distributions.DiagGaussian(2), flows), batch(POINTS, 512)
    ours = our_flow("spline_flow", data, couplings=LAYERS, bins=16, depth=3)
    return ours, descend(theirs, lambda: theirs.forward_kld(data[0]))


def spline_zuko() -> tuple[Step, Step]:
    import zuko
    from zuko.transforms import MonotonicRQSTransform

    shapes = [(16,), (16,), (15,)]
    theirs = zuko.flows.NICE(
        2, transforms=LAYERS, univariate=MonotonicRQSTransform, shapes=shapes, hidden_features=(WIDTH, WIDTH)
    )
    data = batch(POINTS, 512)
    ours = our_flow("spline_flow", data, couplings=LAYERS, bins=16)
    return ours, descend(theirs, lambda: -theirs().log_prob(data[0]).mean())


def our_flow(recipe: str, data: tuple[Tensor, Tensor], **keywords: Any) -> Step:
    return trained(build(POINTS, "flow", recipe, width=WIDTH, **{"depth": 2, "octaves": 0} | keywords), data)


def glow_normflows() -> tuple[Step, Step]:
    """Two scales of four steps on (3, 32, 32), each coupling's network 3x3, 1x1, 3x3 convolutions of 64 channels."""
    import normflows as nf

    from pipeline.distributions.bijection import Bijection
    from pipeline.distributions.coupling import Affine, Coupling, Partition
    from pipeline.families.flow import architecture
    from pipeline.families.flow.flow import ImageFlow
    from pipeline.networks.condition import Context, encoder

    steps, (x, c) = 4, batch(COLOUR, 16)
    flows = [[nf.flows.GlowBlock(4 * n, WIDTH) for _ in range(steps)] + [nf.flows.Squeeze()] for n in (6, 3)]
    bases = [nf.distributions.DiagGaussian(shape, trainable=False) for shape in ((24, 8, 8), (6, 16, 16))]
    theirs = nf.MultiscaleFlow(bases, flows, [nf.flows.Merge()])

    def couple(split: Partition) -> Bijection:
        convolutions = [nn.Conv2d(split.seen, WIDTH, 3, padding=1), nn.Conv2d(WIDTH, WIDTH, 1)]
        network = nn.Sequential(
            convolutions[0], nn.ReLU(), convolutions[1], nn.ReLU(), nn.Conv2d(WIDTH, 2 * split.moving, 3, padding=1)
        )
        return Coupling(split, Affine(), Blind(network))

    bijection = architecture.glow(COLOUR.event.shape, 2, steps, couple)
    dequantise = find("flow", "glow", "images", "benchmark")(COLOUR, dequantisation="uniform").dequantise
    ours = ImageFlow(COLOUR.event, encoder(Condition(), COLOUR.event), Context.everywhere, bijection, dequantise)
    return trained(ours.train(), (x, c)), descend(theirs, lambda: theirs.forward_kld(x + torch.rand_like(x) / 128))


class Blind(nn.Module):
    """A network that is given a condition and has no use for it."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, value: Tensor, context: object) -> Tensor:
        out: Tensor = self.network(value)
        return out


def vae_pythae() -> tuple[Step, Step]:
    from pythae.data.datasets import BaseDataset
    from pythae.models import VAE, VAEConfig
    from pythae.models.base.base_utils import ModelOutput
    from pythae.models.nn import BaseDecoder, BaseEncoder

    class Encoder(BaseEncoder):
        def __init__(self) -> None:
            super().__init__()
            self.net = nn.Sequential(nn.Linear(784, 512), nn.SiLU())
            self.mean, self.log_var = nn.Linear(512, 16), nn.Linear(512, 16)

        def forward(self, x: Tensor) -> ModelOutput:
            h = self.net(x.flatten(1))
            return ModelOutput(embedding=self.mean(h), log_covariance=self.log_var(h))

    class Decoder(BaseDecoder):
        def __init__(self) -> None:
            super().__init__()
            self.net = nn.Sequential(nn.Linear(16, 512), nn.SiLU(), nn.Linear(512, 784), nn.Sigmoid())

        def forward(self, z: Tensor) -> ModelOutput:
            return ModelOutput(reconstruction=self.net(z))

    config = VAEConfig(input_dim=(1, 28, 28), latent_dim=16, reconstruction_loss="bce")
    theirs, (x, c) = VAE(config, Encoder(), Decoder()), batch(BINARY, 128)
    inputs = BaseDataset(data=(x + 1) / 2, labels=torch.zeros(len(x)))
    ours = build(BINARY, "vae", "vae", latent=16, width=512, depth=1)
    return trained(ours, (x, c)), descend(theirs, lambda: theirs({"data": inputs.data}).loss)


def _without_init(name: str) -> None:
    """Let a package's modules be imported without its __init__: torch-mimicry's needs TensorFlow and an old torch."""
    spec = importlib.util.find_spec(name)
    assert spec is not None
    package = sys.modules.setdefault(name, types.ModuleType(name))
    package.__path__ = [*(spec.submodule_search_locations or ())]


def wgan_gp_mimicry() -> tuple[Step, Step]:
    """Both sides train torch-mimicry's own networks of (3, 32, 32) images: one step of each player."""
    _without_init("torch_mimicry")
    from torch_mimicry.nets.wgan_gp.wgan_gp_32 import WGANGPDiscriminator32, WGANGPGenerator32
    from torch_mimicry.training.metric_log import MetricLog

    from pipeline.families.gan.gan import GAN, Conditioned, Game
    from pipeline.families.gan.objectives import GRADIENT
    from pipeline.networks.condition import encoder

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
    Contest("realnvp", "normflows", "normflows", 1.0, realnvp_normflows),
    Contest("realnvp", "zuko", "zuko", 1.0, realnvp_zuko),
    Contest("spline_flow", "normflows", "normflows", 1.0, spline_normflows),
    Contest("spline_flow", "zuko", "zuko", 1.0, spline_zuko),
    Contest("glow", "normflows", "normflows", 1.0, glow_normflows),
    Contest("vae", "pythae", "pythae", 1.0, vae_pythae),
    Contest("wgan_gp", "torch-mimicry", "torch_mimicry", 1.0, wgan_gp_mimicry),
)

if __name__ == "__main__":
    main()
