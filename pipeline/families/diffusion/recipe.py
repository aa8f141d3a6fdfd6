"""Recipes of the diffusion family: each builds a model from its networks."""

from __future__ import annotations

from torch import nn

from pipeline.contract import Task
from pipeline.families.diffusion.ddpm import DDPM, Weighting, cosine_schedule, gamma_of_margin, linear_schedule
from pipeline.families.diffusion.flow_matching import HutchinsonFlowMatching, PointFlowMatching
from pipeline.families.diffusion.networks.published_unet import PublishedUNet
from pipeline.families.diffusion.networks.unet import DenseNetwork, UNet
from pipeline.networks.condition import Encoder, encoder
from pipeline.params import Count, Fraction, Positive, Whole

__all__ = [
    "ddpm_images",
    "ddpm_points",
    "ddpm_sequences",
    "flow_matching_images",
    "flow_matching_points",
    "flow_matching_sequences",
]


def ddpm_points(
    task: Task,
    *,
    steps: Count = 100,
    width: Count = 128,
    depth: Count = 3,
    octaves: Whole = 4,
    gamma_min: float = -13.0,
    gamma_max: float = 5.0,
    weighting: Weighting = "vlb",
    drop: Fraction = 0.1,
) -> DDPM:
    """Denoising diffusion with a multi-layer perceptron (Ho et al. 2020, arXiv:2006.11239).

    Equation: p(x) = ∫ p(x | z₀) Π p(z_s | z_t) N(z_T; 0, I) dz,  p(z_s | z_t) = N(μ(z_t, ε̂(z_t, t)), v_t)

    Args:
        steps: diffusion steps T, from 1.
        width: units of each hidden layer, from 1.
        depth: hidden layers, from 1.
        octaves: octaves of Fourier features of each coordinate: sines and cosines at as many frequencies, each twice
            the one before; from 0, which adds none.
        gamma_min: -log SNR of the first step, in nats; below `gamma_max`. At -13 the noise has a variance of 2e-6.
        gamma_max: -log SNR of the last step, in nats.
        weighting: "vlb" draws training steps in proportion to their weight in the bound, "simple" draws all alike.
        drop: share of the training items whose condition is dropped, for guidance; in [0, 1).
    """
    condition = encoder(task.condition, task.event)
    network = DenseNetwork(task.event.dims, condition.flat, width, depth, octaves)
    gamma = linear_schedule(gamma_min, gamma_max, steps)
    return DDPM(task.event, condition, network, gamma, drop, weighting)


def ddpm_images(
    task: Task,
    *,
    steps: Count = 128,
    channels: Count = 32,
    halvings: Whole = 1,
    blocks: Count = 1,
    dropout: Fraction = 0.0,
    octaves: Whole = 2,
    heads: Whole = 0,
    widths: tuple[Count, ...] = (),
    attention: tuple[Count, ...] = (),
    margin: Positive = 5.0,
    gamma_max: float = 5.0,
    shift: float = -5.0,
    weighting: Weighting = "vlb",
    drop: Fraction = 0.1,
) -> DDPM:
    """Denoising diffusion with a U-Net (Ho et al. 2020, arXiv:2006.11239).

    Equation: P(x) = ∫ P(x | z₀) Π p(z_s | z_t) N(z_T; 0, I) dz,  p(z_s | z_t) = N(μ(z_t, ε̂(z_t, t)), v_t)

    Args:
        steps: diffusion steps T, from 1.
        channels: feature maps at full size, from 1; doubled at each halving.
        halvings: how often the U-Net halves the height and width, from 0; both must be divisible.
        blocks: residual blocks at each size in each direction, from 1.
        dropout: probability that a feature is set to zero while training, in [0, 1).
        octaves: octaves of Fourier features of each value, the fastest of one period per level; from 0, which adds
            none.
        heads: attention heads, from 0, which is no attention.
        widths: feature maps at each size as multiples of `channels`, finest first, each from 1: the U-Net of the papers
            on CIFAR-10, with the time added to the features; none by default, which is the U-Net with `halvings`,
            `octaves` and attention at the smallest size.
        attention: heights in pixels at which each block of that U-Net is followed by attention; none by default.
        margin: half a level's width in standard deviations of the noise in z₀, above 0.
        gamma_max: -log SNR of the last step, in nats.
        shift: -log SNR around which most steps lie, in nats; 0 in Nichol & Dhariwal 2021, arXiv:2102.09672.
        weighting: "vlb" draws training steps in proportion to their weight in the bound, "simple" draws all alike.
        drop: share of the training items whose condition is dropped, for guidance; in [0, 1).
    """
    condition = encoder(task.condition, task.event)
    network: nn.Module
    if widths:
        network = _published(task, condition, channels, widths, blocks, attention, heads, dropout)
    else:
        network = UNet(
            task.event, condition.vector, condition.maps, channels, halvings, blocks, dropout, octaves, heads
        )
    gamma = cosine_schedule(gamma_of_margin(task.event, margin), gamma_max, steps, shift)
    return DDPM(task.event, condition, network, gamma, drop, weighting)


def ddpm_sequences(
    task: Task,
    *,
    steps: Count = 64,
    channels: Count = 32,
    halvings: Whole = 2,
    blocks: Count = 1,
    dropout: Fraction = 0.0,
    heads: Whole = 0,
    margin: Positive = 5.0,
    gamma_min: float = -9.0,
    gamma_max: float = 5.0,
    shift: float = -3.0,
    weighting: Weighting = "vlb",
    drop: Fraction = 0.1,
) -> DDPM:
    """Denoising diffusion with a U-Net in one dimension (Ho et al. 2020, arXiv:2006.11239).

    Equation: p(x) = ∫ p(x | z₀) Π p(z_s | z_t) N(z_T; 0, I) dz,  p(z_s | z_t) = N(μ(z_t, ε̂(z_t, t)), v_t)

    Args:
        steps: diffusion steps T, from 1.
        channels: feature maps at full length, from 1; doubled at each halving.
        halvings: how often the U-Net halves the length, from 0; it must be divisible.
        blocks: residual blocks at each length in each direction, from 1.
        dropout: probability that a feature is set to zero while training, in [0, 1).
        heads: attention heads at the smallest length, from 0, which is no attention.
        margin: half a level's width in standard deviations of the noise in z₀, above 0; of values with levels.
        gamma_min: -log SNR of the first step, in nats; of real values, and below `gamma_max`.
        gamma_max: -log SNR of the last step, in nats.
        shift: -log SNR around which most steps lie, in nats.
        weighting: "vlb" draws training steps in proportion to their weight in the bound, "simple" draws all alike.
        drop: share of the training items whose condition is dropped, for guidance; in [0, 1).
    """
    condition, event = encoder(task.condition, task.event), task.event
    network = UNet(event, condition.vector, condition.maps, channels, halvings, blocks, dropout, heads=heads)
    first = gamma_min if event.levels is None else gamma_of_margin(event, margin)
    return DDPM(event, condition, network, cosine_schedule(first, gamma_max, steps, shift), drop, weighting)


def flow_matching_points(
    task: Task,
    *,
    steps: Count = 25,
    width: Count = 128,
    depth: Count = 3,
    octaves: Whole = 4,
    power: Positive = 3.0,
    drop: Fraction = 0.1,
) -> PointFlowMatching:
    """Flow matching with a multi-layer perceptron (Lipman et al. 2022, arXiv:2210.02747).

    Equation: log p(x) = log N(x₀; 0, I) − ∫₀¹ tr(∂v/∂x_t) dt,  dx_t/dt = v(x_t, t),  x₁ = x

    Args:
        steps: Runge-Kutta steps of the solver, from 1; each costs four evaluations.
        width: units of each hidden layer, from 1.
        depth: hidden layers, from 1.
        octaves: octaves of Fourier features of each coordinate: sines and cosines at as many frequencies, each twice
            the one before; from 0, which adds none.
        power: exponent p of the solver's time 1 - (1 - s)^p, above 0; for p > 1 steps are shorter near the data.
        drop: share of the training items whose condition is dropped, for guidance; in [0, 1).
    """
    condition = encoder(task.condition, task.event)
    network = DenseNetwork(task.event.dims, condition.flat, width, depth, octaves)
    return PointFlowMatching(task.event, condition, network, steps, power, drop)


def flow_matching_images(
    task: Task,
    *,
    steps: Count = 6,
    channels: Count = 32,
    halvings: Whole = 1,
    blocks: Count = 1,
    dropout: Fraction = 0.1,
    heads: Whole = 0,
    widths: tuple[Count, ...] = (),
    attention: tuple[Count, ...] = (),
    power: Positive = 1.0,
    drop: Fraction = 0.1,
) -> HutchinsonFlowMatching:
    """Flow matching on dequantised levels with a U-Net (Lipman et al. 2022, arXiv:2210.02747).

    Equation: log P(x) ≥ E[log N(v₀; 0, I) − ∫₀¹ nᵀ(∂f/∂v_t)n dt + log|dv/du|],  dv_t/dt = f(v_t, t),  v₁ = v(x + u)

    Args:
        steps: Runge-Kutta steps of the solver, from 1; each costs four evaluations.
        channels: feature maps at full size, from 1; doubled at each halving.
        halvings: how often the U-Net halves the height and width, from 0; both must be divisible.
        blocks: residual blocks at each size in each direction, from 1.
        dropout: probability that a feature is set to zero while training, in [0, 1).
        heads: attention heads, from 0, which is no attention.
        widths: feature maps at each size as multiples of `channels`, finest first, each from 1: the U-Net of the papers
            on CIFAR-10, with features scaled and shifted by the time; none by default, which is the U-Net with
            `halvings` and attention at the smallest size.
        attention: heights in pixels at which each block of that U-Net is followed by attention; none by default.
        power: exponent p of the solver's time 1 - (1 - s)^p, above 0; for p > 1 steps are shorter near the data.
        drop: share of the training items whose condition is dropped, for guidance; in [0, 1).
    """
    condition = encoder(task.condition, task.event)
    network: nn.Module
    if widths:
        network = _published(task, condition, channels, widths, blocks, attention, heads, dropout, scale=True)
    else:
        network = UNet(task.event, condition.vector, condition.maps, channels, halvings, blocks, dropout, heads=heads)
    return HutchinsonFlowMatching(task.event, condition, network, steps, power, drop)


def flow_matching_sequences(
    task: Task,
    *,
    steps: Count = 12,
    channels: Count = 32,
    halvings: Whole = 2,
    blocks: Count = 1,
    dropout: Fraction = 0.0,
    heads: Whole = 0,
    power: Positive = 1.0,
    drop: Fraction = 0.1,
) -> HutchinsonFlowMatching:
    """Flow matching with a U-Net in one dimension (Lipman et al. 2022, arXiv:2210.02747), on real values, or on
    dequantised levels.

    Equation: log p(x) = E[log N(x₀; 0, I) − ∫₀¹ nᵀ(∂f/∂x_t)n dt],  dx_t/dt = f(x_t, t),  x₁ = x,  E[n nᵀ] = I

    Args:
        steps: Runge-Kutta steps of the solver, from 1; each costs four evaluations.
        channels: feature maps at full length, from 1; doubled at each halving.
        halvings: how often the U-Net halves the length, from 0; it must be divisible.
        blocks: residual blocks at each length in each direction, from 1.
        dropout: probability that a feature is set to zero while training, in [0, 1).
        heads: attention heads at the smallest length, from 0, which is no attention.
        power: exponent p of the solver's time 1 - (1 - s)^p, above 0; for p > 1 steps are shorter near the data.
        drop: share of the training items whose condition is dropped, for guidance; in [0, 1).
    """
    condition = encoder(task.condition, task.event)
    network = UNet(task.event, condition.vector, condition.maps, channels, halvings, blocks, dropout, heads=heads)
    return HutchinsonFlowMatching(task.event, condition, network, steps, power, drop)


def _published(
    task: Task,
    condition: Encoder,
    channels: int,
    widths: tuple[int, ...],
    blocks: int,
    attention: tuple[int, ...],
    heads: int,
    dropout: float,
    scale: bool = False,
) -> PublishedUNet:
    """The U-Net of the papers on CIFAR-10."""
    return PublishedUNet(
        task.event,
        condition.vector,
        condition.maps,
        channels=channels,
        widths=widths,
        blocks=blocks,
        attention=attention if heads else (),
        heads=heads,
        dropout=dropout,
        scale=scale,
    )
