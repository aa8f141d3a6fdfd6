"""Where networks meet the diffusion family."""

from __future__ import annotations

from pipeline.contract import Task
from pipeline.families.diffusion.ddpm import DDPM
from pipeline.networks.condition import encoder
from pipeline.networks.noise import NoiseNetwork
from pipeline.params import Count, Whole

__all__ = ["ddpm_points"]


def ddpm_points(
    task: Task,
    *,
    steps: Count = 100,
    width: Count = 128,
    depth: Count = 3,
    octaves: Whole = 4,
    gamma_min: float = -13.0,
    gamma_max: float = 5.0,
) -> DDPM:
    """`gamma_min`, `gamma_max`: -log SNR of the first and the last step; e^-13 is a variance of 2e-6."""
    condition = encoder(task.condition, task.event)
    network = NoiseNetwork(task.event.dims, condition.flat, width, depth, octaves)
    return DDPM(task.event, condition, network, steps, (gamma_min, gamma_max))
