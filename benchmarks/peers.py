"""Models of other packages, and ours of the same kind on the same batch, as near in size as both allow.

    package               models                           differences that stay
    normflows             RealNVP, spline flow, Glow       it draws no levels; its spline flow has residual networks
    pythae                VAE                              its likelihood is `get_nll`, which takes items one by one
    torch-mimicry         SNGAN                            its steps read the losses of both players on the host
    pytorch-generative    gated PixelCNN, MADE             it samples by whole passes; 3 x 3 kernels mask fewer taps

Both sides of a pair have the same optimiser and run in turns, without deterministic algorithms: others have operations
that lack one on CUDA. normflows, pythae and torch-mimicry come with the optional extra `peers`. pytorch-generative is
in no package index: its repository is cloned.
"""

from __future__ import annotations

import importlib.util
import statistics
import sys
import types
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from throughput import OPERATIONS, Call, Implementation, Table, ours, rates, short
from torch import Tensor, nn

from pipeline.contract import Batch, Condition, Event, GenerativeModel, Task
from pipeline.device import CPU
from pipeline.errors import UserError
from pipeline.families.registry import find

POINTS = Task("points", Event((2,), scale=2.0))
DIGITS = Task("digits", Event((1, 8, 8), levels=17))
BINARY = Task("binary", Event((1, 28, 28), levels=2))
COLOUR = Task("colour", Event((3, 32, 32), levels=256))
WIDTH, LAYERS = 64, 6
EXTRA = "pip install -e '.[peers]'"

Pair = tuple[Implementation, Implementation]


class Peer(NamedTuple):
    """A model of another package. `pair` makes ours and theirs on a device."""

    name: str
    package: str
    module: str
    pair: Callable[[torch.device], Pair]
    install: str = EXTRA

    @property
    def is_installed(self) -> bool:
        return importlib.util.find_spec(self.module) is not None

    @property
    def missing(self) -> str:
        """How to install it, one line."""
        return f"{self.name}: {self.package} is not installed: {self.install}"


def compare(
    found: Sequence[torch.device], names: Sequence[str] | None, seconds: float, markdown: bool = False
) -> list[str]:
    """Print the rates of ours and of theirs on each device, and their ratio, above 1 for ours; returns the lines.

    Args:
        found: devices.
        names: rows of `PEERS`; all of them if None.
        seconds: for each number.
        markdown: whether the table is Markdown.

    Raises:
        UserError: there is no such row.
    """
    known = [peer.name for peer in PEERS]
    if unknown := sorted(set(names or ()) - set(known)):
        raise UserError(f"no row {unknown[0]!r}; allowed: {', '.join(known)}")
    columns = ["model", "implementation", "device", "parameters", "batch", *(f"{name}/s" for name in OPERATIONS)]
    table = Table(columns, markdown, [14, 18, 6, 10, 5], left=3)
    torch.use_deterministic_algorithms(False)
    for peer in PEERS:
        if names is not None and peer.name not in names:
            continue
        if not peer.is_installed:
            table.line(peer.missing)
            continue
        for device in found:
            try:
                show(table, peer, device, seconds)
            except Exception as error:  # another package may raise anything; its row says so, and the others follow
                reason = (str(error).splitlines() or [""])[0]
                table.line(f"{peer.name}: {peer.package} on {device.type}: {type(error).__name__}: {reason}")
    return table.lines


def show(table: Table, peer: Peer, device: torch.device, seconds: float) -> None:
    """Measure a pair on a device, in turns, and print its three rows."""
    torch.manual_seed(0)
    pair = peer.pair(device)
    numbers = [measured(pair, operation, device, seconds) for operation in OPERATIONS]
    for place, (name, each) in enumerate(zip(("coverseek", peer.package), pair, strict=True)):
        row = [short(sides[place]) if sides else "—" for sides in numbers]
        table.row([peer.name, name, device.type, f"{each.parameters:,}", str(each.batch), *row])
    ratios = [f"{sides[2]:.2f}" if sides else "—" for sides in numbers]
    table.row([peer.name, "ratio", device.type, f"{pair[0].parameters / pair[1].parameters:.2f}", "", *ratios])


def measured(pair: Pair, operation: str, device: torch.device, seconds: float) -> tuple[float, float, float] | None:
    """Median rates of both, and the median of their ratio; None where one of them lacks the operation."""
    calls = [call for each in pair if (call := each.call(operation))]
    if len(calls) < len(pair):
        return None
    mine, other = rates(calls, device, seconds)
    ratio = statistics.median(a / b for a, b in zip(mine, other, strict=True))
    scale = pair[0].scale(operation)
    return scale * statistics.median(mine), scale * statistics.median(other), ratio


def build(task: Task, family: str, recipe: str, **keywords: Any) -> GenerativeModel:
    return find(family, recipe, task.event.kind, "benchmark")(task, **keywords).train()


def batch(task: Task, count: int, device: torch.device = CPU) -> Batch:
    """Random items and no condition."""
    event = task.event
    x = torch.randn(count, *event.shape) if event.levels is None else event.value(
        torch.randint(event.levels, (count, *event.shape))
    )  # fmt: skip
    return x.to(device), torch.empty(count, 0, device=device)


def adamw(module: nn.Module) -> torch.optim.Optimizer:
    """The optimiser that both sides have."""
    return torch.optim.AdamW(module.parameters(), 1e-4, fused=True)


def descend(module: nn.Module, loss: Callable[[], Tensor]) -> Call:
    """A step of the optimiser on a loss."""
    adam = adamw(module)

    def step() -> None:
        adam.zero_grad(set_to_none=True)
        loss().backward()
        adam.step()

    return step


def trained(model: GenerativeModel, data: Batch) -> Call:
    """A round of our game: the steps of each player."""
    sides = [(player, torch.optim.AdamW(player.params, 1e-4, fused=True)) for player in model.players()]

    def step() -> None:
        for player, adam in sides:
            for _ in range(player.steps_per_round):
                adam.zero_grad(set_to_none=True)
                player.loss(*data).total.backward(inputs=player.params)
                adam.step()

    return step


def our_side(model: GenerativeModel, data: Batch) -> Implementation:
    """Our model on the device of the data."""
    model.to(data[0].device)
    return ours(model, data, trained(model, data))


def theirs(
    module: nn.Module, x: Tensor, loss: Callable[[], Tensor], sample: Call, likelihood: Call | None
) -> Implementation:
    """A model of another package with one loss; nothing but a step takes gradients."""
    without = torch.no_grad()
    call = without(likelihood) if likelihood else None
    return Implementation((module,), len(x), descend(module, loss), without(sample), call)


def flow_pair(mine: GenerativeModel, other: Any, data: Batch) -> Pair:
    """Flows on points; `other` is a `normflows.NormalizingFlow`."""
    x = data[0]
    other.to(x.device)
    side = theirs(other, x, lambda: other.forward_kld(x), lambda: other.sample(len(x)), lambda: other.log_prob(x))
    return our_side(mine, data), side


def our_flow(recipe: str, **keywords: Any) -> GenerativeModel:
    return build(POINTS, "flow", recipe, width=WIDTH, **{"depth": 2, "octaves": 0} | keywords)


def realnvp(device: torch.device) -> Pair:
    """Affine couplings on points."""
    import normflows as nf

    flows = []
    for _ in range(LAYERS):
        network = nf.nets.MLP([1, WIDTH, WIDTH, 2], init_zeros=True)
        flows += [nf.flows.AffineCouplingBlock(network), nf.flows.Permute(2, mode="swap")]
    other = nf.NormalizingFlow(nf.distributions.DiagGaussian(2), flows)
    return flow_pair(our_flow("realnvp", layers=LAYERS), other, batch(POINTS, 512, device))


def spline_flow(device: torch.device) -> Pair:
    """Couplings of rational-quadratic splines on points."""
    import normflows as nf

    flows = [  # a residual network of one block has three hidden layers
        nf.flows.CoupledRationalQuadraticSpline(2, 1, WIDTH, num_bins=16, tail_bound=4.0, reverse_mask=bool(i % 2))
        for i in range(LAYERS)
    ]
    other = nf.NormalizingFlow(nf.distributions.DiagGaussian(2), flows)
    return flow_pair(our_flow("spline_flow", couplings=LAYERS, bins=16, depth=3), other, batch(POINTS, 512, device))


def glow(device: torch.device) -> Pair:
    """Two scales of four steps on (3, 32, 32), each coupling's network 3x3, 1x1, 3x3 convolutions of 64 channels."""
    import normflows as nf

    from pipeline.distributions.bijection import Bijection
    from pipeline.distributions.coupling import Affine, Coupling, Partition
    from pipeline.families.flow import architecture
    from pipeline.families.flow.flow import ImageFlow
    from pipeline.networks.condition import Context, encoder

    steps, (x, c) = 4, batch(COLOUR, 16, device)
    flows = [[nf.flows.GlowBlock(4 * n, WIDTH) for _ in range(steps)] + [nf.flows.Squeeze()] for n in (6, 3)]
    bases = [nf.distributions.DiagGaussian(shape, trainable=False) for shape in ((24, 8, 8), (6, 16, 16))]
    other = nf.MultiscaleFlow(bases, flows, [nf.flows.Merge()]).to(device)

    def couple(split: Partition) -> Bijection:
        convolutions = [nn.Conv2d(split.seen, WIDTH, 3, padding=1), nn.Conv2d(WIDTH, WIDTH, 1)]
        network = nn.Sequential(
            convolutions[0], nn.ReLU(), convolutions[1], nn.ReLU(), nn.Conv2d(WIDTH, 2 * split.moving, 3, padding=1)
        )
        return Coupling(split, Affine(), Blind(network))

    def dequantised() -> Tensor:
        return x + torch.rand_like(x) / 128

    bijection = architecture.glow(COLOUR.event.shape, 2, steps, couple)
    dequantise = find("flow", "glow", "images", "benchmark")(COLOUR, dequantisation="uniform").dequantise
    mine = ImageFlow(COLOUR.event, encoder(Condition(), COLOUR.event), Context.everywhere, bijection, dequantise)
    return our_side(mine.train(), (x, c)), theirs(
        other,
        x,
        lambda: other.forward_kld(dequantised()),
        lambda: other.sample(len(x)),
        lambda: other.log_prob(dequantised(), None),
    )


class Blind(nn.Module):
    """A network that is given a condition and has no use for it."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, value: Tensor, context: object) -> Tensor:
        out: Tensor = self.network(value)
        return out


def vae(device: torch.device) -> Pair:
    """One hidden layer of 512 units on binary images; a sample is a draw of the decoder's Bernoulli."""
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
    other, (x, c) = VAE(config, Encoder(), Decoder()).to(device), batch(BINARY, 128, device)
    inputs = BaseDataset(data=(x + 1) / 2, labels=torch.zeros(len(x), device=device))

    def sample() -> Tensor:
        """Of its decoder: its samplers move the model to the first GPU wherever there is one."""
        return torch.bernoulli(other.decoder(torch.randn(len(x), 16, device=device))["reconstruction"])

    return our_side(build(BINARY, "vae", "vae", latent=16, width=512, depth=1), (x, c)), theirs(
        other,
        x,
        lambda: other({"data": inputs.data}).loss,
        sample,
        lambda: other.get_nll(inputs.data, n_samples=1, batch_size=1),
    )


def sngan(device: torch.device) -> Pair:
    """Residual networks of (3, 32, 32) images with 64 feature maps: one step of each player."""
    without_init("torch_mimicry", "torch_mimicry.training")
    from torch_mimicry.nets.sngan.sngan_32 import SNGANDiscriminator32, SNGANGenerator32
    from torch_mimicry.training.metric_log import MetricLog

    generator, critic = SNGANGenerator32(ngf=WIDTH).to(device), SNGANDiscriminator32(ndf=WIDTH).to(device)
    x, c = batch(COLOUR, 16, device)
    optimisers = [adamw(module) for module in (generator, critic)]

    def step() -> None:
        given = {"log_data": MetricLog(), "device": device, "global_step": 0}
        critic.train_step(real_batch=(x, None), netG=generator, optD=optimisers[1], **given)
        generator.train_step(real_batch=(x, None), netD=critic, optG=optimisers[0], **given)

    sample = torch.no_grad()(lambda: generator.generate_images(len(x), device))
    mine = build(COLOUR, "gan", "sngan_hinge", network="resnet", latent=128, width=WIDTH, depth=3)
    return our_side(mine, (x, c)), Implementation((generator, critic), len(x), step, sample)


def without_init(*names: str) -> None:
    """Let a package's modules be imported without its __init__, which needs more than they do: torch-mimicry's needs
    TensorFlow and an old torch, pytorch-generative's tensorboard."""
    for name in names:
        if name not in sys.modules:
            spec = importlib.util.find_spec(name)
            assert spec is not None
            package = sys.modules[name] = types.ModuleType(name)
            package.__path__ = [*(spec.submodule_search_locations or ())]
            package.__spec__ = spec  # or `find_spec` would raise from now on


def gated_pixelcnn(device: torch.device) -> Pair:
    """Five gated layers of 64 channels after the first, on 8 x 8 images of 17 levels."""
    without_init("pytorch_generative")
    from pytorch_generative.models import GatedPixelCNN

    levels = DIGITS.event.grid

    def draw(logits: Tensor) -> Tensor:
        return torch.distributions.Categorical(logits=logits).sample() / (levels - 1)

    x, c = batch(DIGITS, 32, device)
    index = DIGITS.event.index(x)
    inputs = index / (levels - 1)
    other = GatedPixelCNN(1, levels, n_gated=5, gated_channels=64, head_channels=64, sample_fn=draw).to(device)

    def nats() -> Tensor:
        return F.cross_entropy(other(inputs), index[:, 0], reduction="none").flatten(1).sum(1)

    mine = build(DIGITS, "autoregressive", "gated_pixelcnn", layers=5, channels=64, dropout=0.0)
    side = theirs(other, x, lambda: nats().mean(), lambda: other.sample(len(x)), nats)
    return our_side(mine, (x, c)), side


def made(device: torch.device) -> Pair:
    """Two hidden layers of 512 units on binary images."""
    without_init("pytorch_generative")
    from pytorch_generative.models import MADE

    x, c = batch(BINARY, 128, device)
    inputs = (x + 1) / 2
    other = MADE(784, [512, 512]).to(device)

    def nats() -> Tensor:
        return F.binary_cross_entropy_with_logits(other(inputs), inputs, reduction="none").flatten(1).sum(1)

    mine = build(BINARY, "autoregressive", "made", width=512, layers=2, dropout=0.0)
    side = theirs(other, x, lambda: nats().mean(), lambda: other.sample(len(x)), nats)
    return our_side(mine, (x, c)), side


CLONE = "clone EugenHotaj/pytorch-generative from GitHub and put the folder on PYTHONPATH"
PEERS = (
    Peer("realnvp", "normflows", "normflows", realnvp),
    Peer("spline_flow", "normflows", "normflows", spline_flow),
    Peer("glow", "normflows", "normflows", glow),
    Peer("vae", "pythae", "pythae", vae),
    Peer("gated_pixelcnn", "pytorch-generative", "pytorch_generative", gated_pixelcnn, CLONE),
    Peer("made", "pytorch-generative", "pytorch_generative", made, CLONE),
    Peer("sngan_hinge", "torch-mimicry", "torch_mimicry", sngan),
)
