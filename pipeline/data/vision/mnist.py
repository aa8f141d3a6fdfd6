"""MNIST and the two sets that took its format and sizes: 28x28, gray, 10 classes, 60,000 + 10,000 images.

MNIST (LeCun et al. 1998, doi:10.1109/5.726791), Fashion-MNIST (Xiao et al. 2017, arXiv:1708.07747) and Kuzushiji-MNIST
(Clanuwat et al. 2018, arXiv:1812.01718), from the folders where torchvision puts them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pipeline.data.dataset import Dataset, Sizes
from pipeline.data.frame import Levels, View
from pipeline.data.vision import idx, official, stored
from pipeline.data.vision.official import Official
from pipeline.params import Count

CLASSES = 10
FILES = tuple(f"{part}-{rest}-ubyte" for part in ("train", "t10k") for rest in ("images-idx3", "labels-idx1"))
FOLDERS = {"mnist": "MNIST/raw", "fashion_mnist": "FashionMNIST/raw", "kmnist": "KMNIST/raw"}


def mnist(
    sizes: Sizes,
    seed: int,
    *,
    data_root: Path,
    condition: Literal["none", "class"] = "none",
    side: Count | None = None,
    crop: Count | None = None,
    levels: Levels = 256,
) -> Dataset:
    """Handwritten digits, from `data_root`/MNIST/raw.

    Raises:
        UserError: a file is missing or damaged, or the sizes are too large.
    """
    return official.dataset(_read("mnist", data_root), sizes, seed, condition, View(side, crop, levels))


def fashion_mnist(
    sizes: Sizes,
    seed: int,
    *,
    data_root: Path,
    condition: Literal["none", "class"] = "none",
    side: Count | None = None,
    crop: Count | None = None,
    levels: Levels = 256,
) -> Dataset:
    """Pieces of clothing, from `data_root`/FashionMNIST/raw.

    Raises:
        UserError: a file is missing or damaged, or the sizes are too large.
    """
    return official.dataset(_read("fashion_mnist", data_root), sizes, seed, condition, View(side, crop, levels))


def kmnist(
    sizes: Sizes,
    seed: int,
    *,
    data_root: Path,
    condition: Literal["none", "class"] = "none",
    side: Count | None = None,
    crop: Count | None = None,
    levels: Levels = 256,
) -> Dataset:
    """Cursive Japanese characters, one for each row of the syllabary, from `data_root`/KMNIST/raw.

    Raises:
        UserError: a file is missing or damaged, or the sizes are too large.
    """
    return official.dataset(_read("kmnist", data_root), sizes, seed, condition, View(side, crop, levels))


def _read(name: str, data_root: Path) -> Official:
    folder = data_root / FOLDERS[name]
    stored.present(folder, FILES, stored.downloadable(name, data_root))
    train, test = (idx.pair(folder / FILES[at], folder / FILES[at + 1], CLASSES) for at in (0, 2))
    if train.x.shape[1:] != test.x.shape[1:]:
        raise stored.damaged(folder / FILES[2], f"its images are not of the size of those in {FILES[0]}")
    return Official(name, train, test, CLASSES)
