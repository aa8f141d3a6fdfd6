"""The datasets by name. A dataset is a function (sizes, seed, *, its own keywords) -> Dataset.

Others come from other packages, by entry point: `pipeline.plugins`.
"""

from __future__ import annotations

from collections.abc import Callable

from pipeline import plugins
from pipeline.data.binarized_mnist import dynamic_mnist, static_mnist
from pipeline.data.dataset import Dataset, Sizes
from pipeline.data.digits import digits, stacked_digits, stacked_mnist
from pipeline.data.folder import folder
from pipeline.data.mixtures import grid, ring
from pipeline.data.processes import autoregression, regimes
from pipeline.data.shapes import shapes
from pipeline.data.tones import tones
from pipeline.data.torchvision_datasets import (
    celeba,
    cifar10,
    cifar100,
    emnist,
    fashion_mnist,
    kmnist,
    mnist,
    svhn,
)
from pipeline.data.wav_folder import wav_folder
from pipeline.params import Data, bind

DATASETS: dict[str, Callable[..., Dataset]] = {
    "autoregression": autoregression,
    "celeba": celeba,
    "cifar10": cifar10,
    "cifar100": cifar100,
    "digits": digits,
    "dynamic_mnist": dynamic_mnist,
    "emnist": emnist,
    "fashion_mnist": fashion_mnist,
    "folder": folder,
    "grid": grid,
    "kmnist": kmnist,
    "mnist": mnist,
    "regimes": regimes,
    "ring": ring,
    "shapes": shapes,
    "stacked_digits": stacked_digits,
    "stacked_mnist": stacked_mnist,
    "static_mnist": static_mnist,
    "svhn": svhn,
    "tones": tones,
    "wav_folder": wav_folder,
}


def make(data: Data, where: str) -> Dataset:
    """Draw or load the dataset that a task's `data` block describes; `where` names the block in errors."""
    entry = plugins.find("datasets", data.dataset, DATASETS, f"{where}.dataset")
    function = plugins.load(entry) if entry else DATASETS[data.dataset]
    keywords = bind(function, data.keywords, where)
    return function(Sizes(data.train, data.validation, data.test), data.seed, **keywords)
