"""Where networks meet the autoregressive family."""

from __future__ import annotations

from torch import nn

from pipeline.contract import Task
from pipeline.families.autoregressive.mixture import ARMixture
from pipeline.families.autoregressive.pixelcnn import PixelCNN
from pipeline.networks.condition import encoder
from pipeline.networks.factor import FactorNetwork
from pipeline.networks.masked import PixelCNNNetwork
from pipeline.params import Count, Fraction, Whole

__all__ = ["ar_mixture_points", "pixelcnn_images"]


def ar_mixture_points(task: Task, *, mixtures: Count = 24, width: Count = 96, octaves: Whole = 4) -> ARMixture:
    """Mixture density factors, one network for each coordinate."""
    condition = encoder(task.condition, task.event)
    scale, dims = task.event.scale, task.event.dims
    factors = [FactorNetwork(i, condition.flat, mixtures, width, octaves, scale) for i in range(dims)]
    return ARMixture(condition, nn.ModuleList(factors))


def pixelcnn_images(
    task: Task, *, channels: Count = 64, blocks: Count = 5, kernel: Count = 7, dropout: Fraction = 0.3
) -> PixelCNN:
    """PixelCNN; `channels` is the paper's 2 h, `kernel` the size of the first, mask-A convolution."""
    condition = encoder(task.condition, task.event)
    network = PixelCNNNetwork(task.event, condition.everywhere, channels, blocks, kernel, dropout)
    return PixelCNN(task.event, condition, network)
