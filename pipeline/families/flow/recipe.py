"""Recipes of the flow family: each builds a model from its networks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Literal

from pipeline.contract import Task
from pipeline.distributions.bijection import Bijection, Chain, Flatten, Scale
from pipeline.distributions.coupling import Additive, Affine, Checkerboard, Coupling, Monotone, Partition
from pipeline.distributions.dequantisation import Dequantiser, Uniform, Variational
from pipeline.distributions.spline import Spline
from pipeline.families.flow import architecture
from pipeline.families.flow.flow import ImageFlow, PointFlow
from pipeline.families.flow.networks.conditioners import MapConditioner
from pipeline.families.flow.networks.published_conditioners import ResidualConditioner, ShallowConditioner
from pipeline.families.flow.networks.wavenet_conditioner import WaveNetConditioner
from pipeline.networks import critics
from pipeline.networks.condition import Context, Encoder, encoder
from pipeline.networks.layers import VectorConditioner
from pipeline.objectives.adversarial import Conditioned
from pipeline.objectives.adversarial import Name as GameName
from pipeline.objectives.choice import Choice, ObjectiveName, Order, choose
from pipeline.objectives.explicit import ExplicitModel
from pipeline.params import Count, Fraction, NonNegative, Whole

__all__ = [
    "glow_images",
    "nice_images",
    "nice_points",
    "realnvp_by_objective_images",
    "realnvp_by_objective_points",
    "realnvp_images",
    "realnvp_points",
    "realnvp_sequences",
    "spline_flow_by_objective_points",
    "spline_flow_images",
    "spline_flow_points",
    "waveglow_sequences",
]

Dequantisation = Literal["uniform", "variational"]

BOX = 4.0  # a standard normal has 6e-5 of its mass outside, where a spline is the identity
NEAR = 2.0  # standard deviations that Fourier features span where hidden values are near standard normal
MARGIN = 1.1  # the data end before the box does, so that held-out points lie within it too


def nice_points(
    task: Task, *, couplings: Count = 4, width: Count = 64, depth: Count = 2, octaves: Whole = 3
) -> PointFlow:
    """NICE: additive couplings and a scale for each value (Dinh, Krueger & Bengio 2015, arXiv:1410.8516).

    Equation: z = e^s h_K, h_k = m h_{k-1} + (1 - m) (h_{k-1} + t_k(m h_{k-1})); log p(x) = log N(z; 0, I) + sum s.

    Args:
        couplings: coupling layers, from 1.
        width: units of each hidden layer of a coupling's network, from 1.
        depth: hidden layers of a coupling's network, from 1.
        octaves: octaves of Fourier features of each coordinate: sines and cosines at as many frequencies, each twice
            the one before; from 0, which adds none.
    """
    condition = encoder(task.condition, task.event)
    couple = partial(_couple_values, Additive, condition.flat, width, depth, octaves, task.event.scale)
    return PointFlow(task.event, condition, architecture.nice(task.event.dims, couplings, couple))


def nice_images(
    task: Task,
    *,
    couplings: Count = 4,
    width: Count = 256,
    depth: Count = 2,
    dequantisation: Dequantisation = "uniform",
) -> ImageFlow:
    """NICE: additive couplings and a scale for each value (Dinh, Krueger & Bengio 2015, arXiv:1410.8516).

    Equation: z = e^s h_K, h_k = m h_{k-1} + (1 - m) (h_{k-1} + t_k(m h_{k-1})); log p(x) = log N(z; 0, I) + sum s.

    Args:
        couplings: coupling layers, from 1.
        width: units of each hidden layer of a coupling's network, from 1.
        depth: hidden layers of a coupling's network, from 1.
        dequantisation: "uniform" noise within each level, or "variational": noise from a conditional flow that is
            trained with the model.
    """
    condition = encoder(task.condition, task.event)
    couple = partial(_couple_values, Additive, condition.flat, width, depth, 0, NEAR)
    bijection = Chain([Flatten(task.event.shape), architecture.nice(task.event.dims, couplings, couple)])
    return ImageFlow(task.event, condition, Context.flat, bijection, _dequantiser(task, condition, dequantisation))


def realnvp_points(
    task: Task, *, layers: Count = 6, width: Count = 64, depth: Count = 2, octaves: Whole = 3
) -> PointFlow:
    """RealNVP: affine couplings of alternating halves (Dinh, Sohl-Dickstein & Bengio 2017, arXiv:1605.08803), without
    the paper's batch normalisation.

    Equation: h_k = m h_{k-1} + (1 - m) (h_{k-1} + t_k) e^{s_k}, (s_k, t_k) = network_k(m h_{k-1}).

    Args:
        layers: coupling layers, from 1.
        width: units of each hidden layer of a coupling's network, from 1.
        depth: hidden layers of a coupling's network, from 1.
        octaves: octaves of Fourier features of each coordinate: sines and cosines at as many frequencies, each twice
            the one before; from 0, which adds none.
    """
    condition = encoder(task.condition, task.event)
    couple = partial(_couple_values, Affine, condition.flat, width, depth, octaves, NEAR)
    return PointFlow(task.event, condition, Chain(architecture.alternating(task.event.dims, layers, couple)))


def realnvp_images(
    task: Task,
    *,
    scales: Count = 2,
    couplings: Count = 3,
    channels: Count = 32,
    blocks: Count = 2,
    dropout: Fraction = 0.0,
    dequantisation: Dequantisation = "uniform",
    network: Literal["gated", "residual"] = "gated",
    last: Whole = 0,
) -> ImageFlow:
    """RealNVP: affine couplings over checkerboards, then channels (Dinh et al. 2017, arXiv:1605.08803). ActNorm stands
    in place of the paper's batch normalisation.

    Equation: h_k = m h_{k-1} + (1 - m) (h_{k-1} + t_k) e^{s_k}, (s_k, t_k) = network_k(m h_{k-1}).

    Args:
        scales: resolutions, from 1; all but the last halve the height and width, and half of the channels leave after
            them.
        couplings: couplings over checkerboards, and again over channels, at each scale; from 1. The last scale has
            checkerboards alone.
        channels: feature maps of a coupling's network, from 1.
        blocks: residual blocks of a coupling's network, from 1.
        dropout: probability that a feature map is set to zero while training, in [0, 1).
        dequantisation: "uniform" noise within each level, or "variational": noise from a conditional flow that is
            trained with the model.
        network: of a coupling; "gated" residual blocks, or "residual": the paper's, whose feature maps double with each
            halving of the height and width.
        last: couplings over checkerboards at the last scale in addition to `couplings`, from 0; the paper has 1.
    """
    condition = encoder(task.condition, task.event)
    make = _couple_maps if network == "gated" else _couple_residually
    couple = partial(make, Affine, condition, channels, blocks, dropout)
    bijection = architecture.realnvp(task.event.shape, scales, couplings, couple, last)
    dequantiser = _dequantiser(task, condition, dequantisation)
    return ImageFlow(task.event, condition, Context.everywhere, bijection, dequantiser)


def realnvp_sequences(
    task: Task,
    *,
    scales: Count = 2,
    couplings: Count = 3,
    channels: Count = 32,
    blocks: Count = 2,
    dropout: Fraction = 0.0,
) -> ExplicitModel:
    """RealNVP in one dimension: couplings over every other step, then over channels (Dinh et al. 2017,
    arXiv:1605.08803), with ActNorm. Levels have uniform noise within each; real values need none.

    Equation: h_k = m h_{k-1} + (1 - m) (h_{k-1} + t_k) e^{s_k}, (s_k, t_k) = network_k(m h_{k-1}).

    Args:
        scales: resolutions, from 1; all but the last halve the length, and half of the channels leave after them.
        couplings: couplings over every other step, and again over channels, at each scale; from 1. The last scale has
            steps alone.
        channels: feature maps of a coupling's network, from 1.
        blocks: residual blocks of a coupling's network, from 1.
        dropout: probability that a feature map is set to zero while training, in [0, 1).
    """
    condition = encoder(task.condition, task.event)
    couple = partial(_couple_maps, Affine, condition, channels, blocks, dropout)
    return _of_sequences(task, condition, architecture.realnvp(task.event.shape, scales, couplings, couple))


def realnvp_by_objective_points(
    task: Task,
    *,
    objective: ObjectiveName = "forward_kl",
    order: Order = 0.5,
    weight: NonNegative = 1.0,
    game: GameName = "nonsaturating",
    penalty: NonNegative = 0.0,
    steps_per_round: Count = 1,
    critic_width: Count = 64,
    critic_depth: Count = 3,
    layers: Count = 6,
    width: Count = 64,
    depth: Count = 2,
    octaves: Whole = 3,
) -> PointFlow:
    """The flow of the recipe `realnvp`, trained by a chosen divergence (Grover et al. 2018, arXiv:1705.08868; Li &
    Turner 2016, arXiv:1602.02311). The objective decides what is minimised and nothing else.

    Equation: min D(q, p), q(x) = N(f(x); 0, I) |det df/dx|, D the divergence that `objective` names.

    Args:
        objective: "forward_kl", which is maximum likelihood, "reverse_kl" or "renyi", which need the density of the
            data, "adversarial", or "hybrid": maximum likelihood and `weight` times an adversarial loss.
        order: a of the Rényi divergence, in (0, 1): towards 0 forward, towards 1 reverse KL.
        weight: λ of the hybrid, from 0.
        game: the losses of the adversarial game.
        penalty: weight of the critic's gradient penalty, from 0, which is none: that of WGAN-GP for "wasserstein", R1
            for others.
        steps_per_round: critic steps for each step of the model, from 1.
        critic_width: units of each of the critic's hidden layers, from 1.
        critic_depth: hidden layers of the critic, from 1.
        layers: coupling layers, from 1.
        width: units of each hidden layer of a coupling's network, from 1.
        depth: hidden layers of a coupling's network, from 1.
        octaves: octaves of Fourier features of each coordinate: sines and cosines at as many frequencies, each twice
            the one before; from 0, which adds none.
    """
    model = realnvp_points(task, layers=layers, width=width, depth=depth, octaves=octaves)
    choice = Choice(objective, order, weight, game, penalty, steps_per_round)
    return choose(model, task, choice, partial(_critic, task, critic_width, critic_depth))


def realnvp_by_objective_images(
    task: Task,
    *,
    objective: Literal["forward_kl", "adversarial", "hybrid"] = "forward_kl",
    weight: NonNegative = 1.0,
    game: GameName = "nonsaturating",
    penalty: NonNegative = 0.0,
    steps_per_round: Count = 1,
    critic_width: Count = 24,
    critic_depth: Count = 2,
    scales: Count = 2,
    couplings: Count = 3,
    channels: Count = 32,
    blocks: Count = 2,
    dropout: Fraction = 0.0,
) -> ImageFlow:
    """The flow of the recipe `realnvp`, uniformly dequantised, trained by a chosen divergence (Grover et al. 2018,
    arXiv:1705.08868). The objective decides what is minimised and nothing else.

    Equation: min D(q, p), q(v) = N(f(v); 0, I) |det df/dv|, v dequantised, D the divergence that `objective` names.

    Args:
        objective: "forward_kl", which is maximum likelihood, "adversarial", or "hybrid": maximum likelihood and
            `weight` times an adversarial loss.
        weight: λ of the hybrid, from 0.
        game: the losses of the adversarial game.
        penalty: weight of the critic's gradient penalty, from 0, which is none: that of WGAN-GP for "wasserstein", R1
            for others.
        steps_per_round: critic steps for each step of the model, from 1.
        critic_width: the critic's feature maps at full size, from 1.
        critic_depth: the critic's halvings of the height and width, from 1.
        scales: resolutions, from 1; all but the last halve the height and width, and half of the channels leave after
            them.
        couplings: couplings over checkerboards, and again over channels, at each scale; from 1. The last scale has
            checkerboards alone.
        channels: feature maps of a coupling's network, from 1.
        blocks: residual blocks of a coupling's network, from 1.
        dropout: probability that a feature map is set to zero while training, in [0, 1).
    """
    model = realnvp_images(task, scales=scales, couplings=couplings, channels=channels, blocks=blocks, dropout=dropout)
    choice = Choice(objective, 0.5, weight, game, penalty, steps_per_round)
    return choose(model, task, choice, partial(_critic, task, critic_width, critic_depth))


def glow_images(
    task: Task,
    *,
    scales: Count = 2,
    couplings: Count = 4,
    channels: Count = 32,
    blocks: Count = 2,
    dropout: Fraction = 0.2,
    dequantisation: Dequantisation = "variational",
    network: Literal["gated", "shallow"] = "gated",
) -> ImageFlow:
    """Glow: actnorm, invertible 1x1 convolution and affine coupling (Kingma & Dhariwal 2018, arXiv:1807.03039). The
    halves that are factored out have a standard normal prior, where the paper learns one.

    Equation: h_k = coupling_k(W_k ((h_{k-1} + b_k) e^{s_k})), W = P L (U + diag(d)), log|det W| = sum log|d|.

    Args:
        scales: resolutions, from 1; each halves the height and width, and half of the channels leave after all but the
            last.
        couplings: steps of actnorm, 1x1 convolution and coupling at each scale, from 1.
        channels: feature maps of a coupling's network, from 1.
        blocks: residual blocks of a coupling's network, from 1.
        dropout: probability that a feature map is set to zero while training, in [0, 1).
        dequantisation: "uniform" noise within each level, or "variational": noise from a conditional flow that is
            trained with the model.
        network: of a coupling; "gated" residual blocks, or "shallow": the paper's three convolutions, without `blocks`
            and `dropout`.
    """
    condition = encoder(task.condition, task.event)
    couple: architecture.Couple
    if network == "gated":
        couple = partial(_couple_maps, Affine, condition, channels, blocks, dropout)
    else:
        couple = partial(_couple_shallowly, Affine, condition, channels)
    bijection = architecture.glow(task.event.shape, scales, couplings, couple)
    dequantiser = _dequantiser(task, condition, dequantisation)
    return ImageFlow(task.event, condition, Context.everywhere, bijection, dequantiser)


def spline_flow_points(
    task: Task, *, couplings: Count = 2, bins: Count = 32, width: Count = 64, depth: Count = 2, octaves: Whole = 3
) -> PointFlow:
    """Neural spline flow: couplings of rational-quadratic splines (Durkan et al. 2019, arXiv:1906.04032).

    Equation: h_k = m h_{k-1} + (1 - m) spline(h_{k-1}; θ_k), θ_k = network_k(m h_{k-1}).

    Args:
        couplings: coupling layers, from 1.
        bins: bins of each spline, from 1.
        width: units of each hidden layer of a coupling's network, from 1.
        depth: hidden layers of a coupling's network, from 1.
        octaves: octaves of Fourier features of each coordinate: sines and cosines at as many frequencies, each twice
            the one before; from 0, which adds none.
    """
    condition, dims = encoder(task.condition, task.event), task.event.dims
    couple = partial(_couple_values, partial(Spline, bins, BOX), condition.flat, width, depth, octaves, BOX)
    fit = Scale((dims,), BOX / (MARGIN * task.event.scale))
    return PointFlow(task.event, condition, Chain([fit, *architecture.alternating(dims, couplings, couple)]))


def spline_flow_by_objective_points(
    task: Task,
    *,
    objective: ObjectiveName = "forward_kl",
    order: Order = 0.5,
    weight: NonNegative = 1.0,
    game: GameName = "nonsaturating",
    penalty: NonNegative = 0.0,
    steps_per_round: Count = 1,
    critic_width: Count = 64,
    critic_depth: Count = 3,
    couplings: Count = 2,
    bins: Count = 32,
    width: Count = 64,
    depth: Count = 2,
    octaves: Whole = 3,
) -> PointFlow:
    """The flow of the recipe `spline_flow`, trained by a chosen divergence (Grover et al. 2018, arXiv:1705.08868; Li &
    Turner 2016, arXiv:1602.02311). The objective decides what is minimised and nothing else.

    Equation: min D(q, p), q(x) = N(f(x); 0, I) |det df/dx|, D the divergence that `objective` names.

    Args:
        objective: "forward_kl", which is maximum likelihood, "reverse_kl" or "renyi", which need the density of the
            data, "adversarial", or "hybrid": maximum likelihood and `weight` times an adversarial loss.
        order: a of the Rényi divergence, in (0, 1): towards 0 forward, towards 1 reverse KL.
        weight: λ of the hybrid, from 0.
        game: the losses of the adversarial game.
        penalty: weight of the critic's gradient penalty, from 0, which is none: that of WGAN-GP for "wasserstein", R1
            for others.
        steps_per_round: critic steps for each step of the model, from 1.
        critic_width: units of each of the critic's hidden layers, from 1.
        critic_depth: hidden layers of the critic, from 1.
        couplings: coupling layers, from 1.
        bins: bins of each spline, from 1.
        width: units of each hidden layer of a coupling's network, from 1.
        depth: hidden layers of a coupling's network, from 1.
        octaves: octaves of Fourier features of each coordinate: sines and cosines at as many frequencies, each twice
            the one before; from 0, which adds none.
    """
    model = spline_flow_points(task, couplings=couplings, bins=bins, width=width, depth=depth, octaves=octaves)
    choice = Choice(objective, order, weight, game, penalty, steps_per_round)
    return choose(model, task, choice, partial(_critic, task, critic_width, critic_depth))


def spline_flow_images(
    task: Task,
    *,
    scales: Count = 2,
    couplings: Count = 4,
    bins: Count = 8,
    channels: Count = 32,
    blocks: Count = 2,
    dropout: Fraction = 0.2,
    dequantisation: Dequantisation = "variational",
) -> ImageFlow:
    """Neural spline flow: Glow with rational-quadratic splines (Durkan et al. 2019, arXiv:1906.04032).

    Equation: h_k = m h_{k-1} + (1 - m) spline(h_{k-1}; θ_k), θ_k = network_k(m h_{k-1}).

    Args:
        scales: resolutions, from 1; each halves the height and width, and half of the channels leave after all but the
            last.
        couplings: steps of actnorm, 1x1 convolution and coupling at each scale, from 1.
        bins: bins of each spline, from 1.
        channels: feature maps of a coupling's network, from 1.
        blocks: residual blocks of a coupling's network, from 1.
        dropout: probability that a feature map is set to zero while training, in [0, 1).
        dequantisation: "uniform" noise within each level, or "variational": noise from a conditional flow that is
            trained with the model.
    """
    condition = encoder(task.condition, task.event)
    couple = partial(_couple_maps, partial(Spline, bins, BOX), condition, channels, blocks, dropout)
    bijection = architecture.glow(task.event.shape, scales, couplings, couple)
    dequantiser = _dequantiser(task, condition, dequantisation)
    return ImageFlow(task.event, condition, Context.everywhere, bijection, dequantiser)


def waveglow_sequences(
    task: Task,
    *,
    squeezes: Count = 3,
    stages: Count = 3,
    couplings: Count = 4,
    channels: Count = 32,
    layers: Count = 4,
    dropout: Fraction = 0.0,
) -> ExplicitModel:
    """WaveGlow: groups of neighbouring values as channels, invertible 1x1 convolutions, and affine couplings whose
    network is a WaveNet that is not causal (Prenger et al. 2018, arXiv:1811.00002). ActNorm is Glow's, and half of the
    channels leave after a stage, where the paper lets two of eight leave. Levels have uniform noise within each; real
    values need none.

    Equation: h_k = coupling_k(W_k ((h_{k-1} + b_k) e^{s_k})), W = P L (U + diag(d)), log|det W| = sum log|d|.

    Args:
        squeezes: halvings of the length at the start, from 1, each of which doubles the channels: 3 are groups of eight
            values.
        stages: stages of couplings, from 1; half of the channels leave after all but the last, which needs two.
        couplings: steps of actnorm, 1x1 convolution and coupling at each stage, from 1.
        channels: feature maps of a coupling's network, from 1.
        layers: dilated layers of a coupling's network, from 1; n layers see 2^n - 1 places to each side.
        dropout: probability that a feature map is set to zero while training, in [0, 1).
    """
    condition = encoder(task.condition, task.event)
    couple = partial(_couple_dilated, condition, channels, layers, dropout)
    return _of_sequences(task, condition, architecture.waveglow(task.event.shape, squeezes, stages, couplings, couple))


def _of_sequences(task: Task, condition: Encoder, bijection: Bijection) -> ExplicitModel:
    """The flow of real values, or of dequantised levels."""
    if task.event.levels is None:
        return PointFlow(task.event, condition, bijection, Context.everywhere)
    return ImageFlow(task.event, condition, Context.everywhere, bijection, Uniform(task.event))


def _critic(task: Task, width: int, depth: int) -> Conditioned:
    condition = encoder(task.condition, task.event)
    return Conditioned(condition, critics.critic(task.event, condition, width, depth))


def _couple_values(
    make: Callable[[], Monotone], context: int, width: int, depth: int, octaves: int, scale: float, split: Partition
) -> Bijection:
    """A coupling of (B, D) whose Fourier features span [-scale, scale]."""
    function = make()
    network = VectorConditioner(split.seen, context, function.width * split.moving, width, depth, octaves, scale)
    return Coupling(split, function, network)


def _couple_maps(
    make: Callable[[], Monotone],
    condition: Encoder,
    channels: int,
    blocks: int,
    dropout: float,
    split: Partition,
    extra: int = 0,
) -> Bijection:
    """A coupling of (B, C, H, W); `extra`: channels of its context in addition to the condition's."""
    function, shape, finer = make(), (split.seen, *split.shape[1:]), condition.size[0] // split.shape[1]
    context, n_out = condition.everywhere + extra, function.width * split.moving
    network = MapConditioner(shape, context, n_out, channels, blocks, dropout, finer)
    return Coupling(split, function, network)


def _couple_residually(
    make: Callable[[], Monotone], condition: Encoder, channels: int, blocks: int, dropout: float, split: Partition
) -> Bijection:
    """A coupling of (B, C, H, W) with RealNVP's network; the coarser, the wider."""
    function, finer = make(), condition.size[0] // split.shape[1]
    n_out, shape = function.width * split.moving, (split.seen, *split.shape[1:])
    network = ResidualConditioner(shape, condition.everywhere, n_out, finer * channels, blocks, dropout, finer)
    return Coupling(split, function, network)


def _couple_shallowly(make: Callable[[], Monotone], condition: Encoder, channels: int, split: Partition) -> Bijection:
    """A coupling of (B, C, H, W) with Glow's network."""
    function, finer = make(), condition.size[0] // split.shape[1]
    n_out, shape = function.width * split.moving, (split.seen, *split.shape[1:])
    return Coupling(split, function, ShallowConditioner(shape, condition.everywhere, n_out, channels, finer))


def _couple_dilated(condition: Encoder, channels: int, layers: int, dropout: float, split: Partition) -> Bijection:
    """An affine coupling of (B, C, T) with WaveGlow's network."""
    function, finer = Affine(), condition.size[0] // split.shape[1]
    n_out, shape = function.width * split.moving, (split.seen, *split.shape[1:])
    network = WaveNetConditioner(shape, condition.everywhere, n_out, channels, layers, dropout, finer)
    return Coupling(split, function, network)


def _dequantiser(task: Task, condition: Encoder, kind: Dequantisation) -> Dequantiser:
    """Uniform, or a flow of affine couplings over checkerboards, of noise given the image and its condition."""
    if kind == "uniform":
        return Uniform(task.event)
    shape = task.event.shape
    couple = partial(  # small: it runs at the image's full size
        _couple_maps, Affine, condition, channels=16, blocks=1, dropout=0.0, extra=shape[0]
    )
    return Variational(task.event, Chain([couple(split=Checkerboard(shape, i)) for i in range(4)]))
