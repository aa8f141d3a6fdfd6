"""Where networks meet the diffusion family."""

from __future__ import annotations

from pipeline.contract import Task
from pipeline.families.diffusion.ddpm import DDPM, Weighting, clearance, cosine, linear
from pipeline.families.diffusion.flow_matching import ImageFlowMatching, PointFlowMatching
from pipeline.families.diffusion.networks import NoiseNetwork, UNet
from pipeline.networks.condition import encoder
from pipeline.params import Count, Fraction, Positive, Whole

__all__ = ["ddpm_images", "ddpm_points", "flow_matching_images", "flow_matching_points"]


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

    `gamma_min`, `gamma_max`: -log SNR of the first and the last step; e^-13 is a variance of 2e-6.
    """
    condition = encoder(task.condition, task.event)
    network = NoiseNetwork(task.event.dims, condition.flat, width, depth, octaves)
    gamma = linear(gamma_min, gamma_max, steps)
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
    margin: Positive = 5.0,
    gamma_max: float = 5.0,
    shift: float = -5.0,
    weighting: Weighting = "vlb",
    drop: Fraction = 0.1,
) -> DDPM:
    """Denoising diffusion with a U-Net (Ho et al. 2020, arXiv:2006.11239).

    Equation: P(x) = ∫ P(x | z₀) Π p(z_s | z_t) N(z_T; 0, I) dz,  p(z_s | z_t) = N(μ(z_t, ε̂(z_t, t)), v_t)

    `margin`: half a level in standard deviations of the noise in z₀; `gamma_max`: -log SNR of the last step; `shift`:
    -log SNR around which most steps lie, 0 in Nichol & Dhariwal 2021, arXiv:2102.09672.
    """
    condition = encoder(task.condition, task.event)
    told = condition.vector, condition.maps
    network = UNet(task.event, *told, channels, halvings, blocks, dropout, octaves, heads)
    gamma = cosine(clearance(task.event, margin), gamma_max, steps, shift)
    return DDPM(task.event, condition, network, gamma, drop, weighting)


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

    `steps` of the solver, four evaluations each; `power`: how much time slows down towards the data.
    """
    condition = encoder(task.condition, task.event)
    network = NoiseNetwork(task.event.dims, condition.flat, width, depth, octaves)
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
    power: Positive = 1.0,
    drop: Fraction = 0.1,
) -> ImageFlowMatching:
    """Flow matching on dequantised levels with a U-Net (Lipman et al. 2022, arXiv:2210.02747).

    Equation: log P(x) ≥ E[log N(v₀; 0, I) − ∫₀¹ nᵀ(∂f/∂v_t)n dt + log|dv/du|],  dv_t/dt = f(v_t, t),  v₁ = v(x + u)

    `steps` of the solver, four evaluations each; `power`: how much time slows down towards the data.
    """
    condition = encoder(task.condition, task.event)
    told = condition.vector, condition.maps
    network = UNet(task.event, *told, channels, halvings, blocks, dropout, heads=heads)
    return ImageFlowMatching(task.event, condition, network, steps, power, drop)
