"""Where each dataset comes from: addresses and md5 sums as torchvision has them.

Those of CIFAR's binary versions are from its own page (https://www.cs.toronto.edu/~kriz/cifar.html): torchvision takes
the Python versions, which are pickles.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from pipeline.data.vision import cifar, emnist, mnist, svhn


class Source(NamedTuple):
    """A file of the network, and what is wanted of it."""

    urls: tuple[str, ...]
    """Tried in turn."""
    md5: str
    folder: str
    """Below data_root."""
    files: tuple[str, ...]
    """What is taken out of it: itself, where it is no archive."""

    @property
    def name(self) -> str:
        return self.urls[0].rpartition("/")[2]

    @property
    def packed(self) -> bool:
        return self.files != (self.name,)


def sources(name: str) -> tuple[Source, ...]:
    """All that a dataset of `SOURCES` needs."""
    return SOURCES[name]()


def _cifar(name: str, archive: str, md5: str) -> tuple[Source, ...]:
    wanted = cifar.TRAIN[name] + cifar.TEST[name]
    return (Source((f"https://www.cs.toronto.edu/~kriz/{archive}",), md5, cifar.FOLDERS[name], wanted),)


def _mnist(name: str, known: str) -> tuple[Source, ...]:
    from torchvision import datasets  # takes 5 s

    table = getattr(datasets, known)
    return tuple(
        Source(tuple(mirror + file for mirror in table.mirrors), md5, mnist.FOLDERS[name], (file.removesuffix(".gz"),))
        for file, md5 in table.resources
    )


def _emnist() -> tuple[Source, ...]:
    from torchvision.datasets import EMNIST

    wanted = tuple(file for split in emnist.CLASSES for file in emnist.files(split))
    return (Source((EMNIST.url,), EMNIST.md5, emnist.FOLDER, wanted),)


def _svhn() -> tuple[Source, ...]:
    from torchvision.datasets import SVHN

    rows = {file: Source((url,), md5, "", (file,)) for url, file, md5 in SVHN.split_list.values()}
    return tuple(rows[file] for file in svhn.FILES)


SOURCES: dict[str, Callable[[], tuple[Source, ...]]] = {
    "cifar10": lambda: _cifar("cifar10", "cifar-10-binary.tar.gz", "c32a1d4ab5d03f1284b67883e8d87530"),
    "cifar100": lambda: _cifar("cifar100", "cifar-100-binary.tar.gz", "03b5dce01913d631647c71ecec9e9cb8"),
    "emnist": _emnist,
    "fashion_mnist": lambda: _mnist("fashion_mnist", "FashionMNIST"),
    "kmnist": lambda: _mnist("kmnist", "KMNIST"),
    "mnist": lambda: _mnist("mnist", "MNIST"),
    "svhn": _svhn,
}
