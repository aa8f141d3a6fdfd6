"""MNIST and the two sets that took its format and sizes: 28x28, gray, 10 classes, 60,000 + 10,000 images.

MNIST (LeCun et al. 1998, doi:10.1109/5.726791), Fashion-MNIST (Xiao et al. 2017, arXiv:1708.07747) and Kuzushiji-MNIST
(Clanuwat et al. 2018, arXiv:1812.01718), from the folders where torchvision puts them.
"""

from __future__ import annotations

from pathlib import Path

from pipeline.data.vision import idx, stored
from pipeline.data.vision.official import Official
from pipeline.data.vision.standard import gray

CLASSES = 10
FILES = tuple(f"{part}-{rest}-ubyte" for part in ("train", "t10k") for rest in ("images-idx3", "labels-idx1"))
FOLDERS = {"mnist": "MNIST/raw", "fashion_mnist": "FashionMNIST/raw", "kmnist": "KMNIST/raw"}


@gray
def mnist(data_root: Path) -> Official:
    """Handwritten digits, from `data_root`/MNIST/raw."""
    return _read("mnist", data_root)


@gray
def fashion_mnist(data_root: Path) -> Official:
    """Pieces of clothing, from `data_root`/FashionMNIST/raw."""
    return _read("fashion_mnist", data_root)


@gray
def kmnist(data_root: Path) -> Official:
    """Cursive Japanese characters, one for each row of the syllabary, from `data_root`/KMNIST/raw."""
    return _read("kmnist", data_root)


def _read(name: str, data_root: Path) -> Official:
    """Raises `UserError` where a file is missing or damaged."""
    folder = data_root / FOLDERS[name]
    stored.present(folder, FILES, stored.downloadable(name, data_root))
    train, test = (idx.pair(folder / FILES[at], folder / FILES[at + 1], CLASSES) for at in (0, 2))
    if train.x.shape[1:] != test.x.shape[1:]:
        raise stored.damaged(folder / FILES[2], f"its images are not of the size of those in {FILES[0]}")
    return Official(name, train, test, CLASSES)
