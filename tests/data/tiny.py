"""The standard image sets in their own file formats, with 20 training and 8 test images each.

The first value of an image is its number: 0 .. 19 in training, 100 .. 107 in test; its label is that modulo the number
of classes.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.io import savemat

from pipeline.data.dataset import Dataset
from pipeline.data.vision import cifar, emnist, mnist, svhn
from pipeline.data.vision.cifar import cifar10, cifar100
from pipeline.data.vision.mnist import fashion_mnist, kmnist

TRAIN, TEST = 20, 8
PARTS = {0: TRAIN, 100: TEST}  # first number, count
SETS: list[tuple[Callable[..., Dataset], tuple[int, ...], int]] = [
    (mnist.mnist, (1, 28, 28), 10),
    (fashion_mnist, (1, 28, 28), 10),
    (kmnist, (1, 28, 28), 10),
    (emnist.emnist, (1, 28, 28), 47),
    (cifar10, (3, 32, 32), 10),
    (cifar100, (3, 32, 32), 100),
    (svhn.svhn, (3, 32, 32), 10),
]
"""Function, shape, classes."""


def numbered(count: int, first: int, *shape: int) -> NDArray[np.uint8]:
    """Images of noise whose first value is their number, from `first` on."""
    x = np.random.default_rng(first).integers(0, 256, (count, *shape), np.uint8)
    x.reshape(count, -1)[:, 0] = np.arange(first, first + count)
    return x


def numbers(x: NDArray[np.uint8]) -> list[int]:
    return [int(number) for number in x.reshape(len(x), -1)[:, 0]]


def write(root: Path) -> None:
    for folder in mnist.FOLDERS.values():
        _write_four(root / folder, mnist.FILES, 10, 0)
    for split, classes in emnist.CLASSES.items():
        _write_four(root / emnist.FOLDER, emnist.files(split), classes, emnist.FIRST.get(split, 0))
    for name in ("cifar10", "cifar100"):
        _write_cifar(root / cifar.FOLDERS[name], name)
    for file, (first, count) in zip(svhn.FILES, PARTS.items(), strict=True):
        x = numbered(count, first, 3, 32, 32)
        label = np.array(numbers(x)) % 10
        savemat(root / file, {"X": x.transpose(2, 3, 1, 0), "y": np.where(label, label, 10)[:, None].astype(np.uint8)})


def write_idx(path: Path, values: NDArray[np.uint8]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    header = struct.pack(f">{1 + values.ndim}I", 0x0800 + values.ndim, *values.shape)
    path.write_bytes(header + values.tobytes())


def write_celeba(root: Path, sizes: dict[int, int], shape: tuple[int, int] = (218, 178)) -> None:
    """Faces of one gray value each: 10 times the number of the face; every second one smiles, none is bald."""
    folder = root / "celeba"
    (folder / "img_align_celeba").mkdir(parents=True)
    splits = [split for split, count in sizes.items() for _ in range(count)]
    names = [f"{number:06}.jpg" for number in range(1, 1 + len(splits))]
    for number, name in enumerate(names, 1):
        Image.fromarray(np.full((*shape, 3), 10 * number, np.uint8)).save(folder / "img_align_celeba" / name)
    partition = [f"{name} {split}" for name, split in zip(names, splits, strict=True)]
    (folder / "list_eval_partition.txt").write_text("\n".join(partition) + "\n")
    rows = [f"{name} -1 {1 if k % 2 else -1:2}" for k, name in enumerate(names, 1)]
    (folder / "list_attr_celeba.txt").write_text("\n".join([str(len(names)), "Bald Smiling", *rows]) + "\n")


def _write_four(folder: Path, files: tuple[str, ...], classes: int, first_label: int) -> None:
    for at, (first, count) in zip((0, 2), PARTS.items(), strict=True):
        x = numbered(count, first, 28, 28)
        write_idx(folder / files[at], x)
        write_idx(folder / files[at + 1], x[:, 0, 0] % classes + np.uint8(first_label))


def _write_cifar(folder: Path, name: str) -> None:
    folder.mkdir()
    for files, (first, count) in zip((cifar.TRAIN[name], cifar.TEST[name]), PARTS.items(), strict=True):
        x = numbered(count, first, 3, 32, 32)
        labels = np.stack([x[:, 0, 0, 0] % classes for classes in cifar.LABELS[name]], axis=1)
        records = np.concatenate([labels, x.reshape(count, -1)], axis=1)
        for file, part in zip(files, np.split(records, len(files)), strict=True):
            (folder / file).write_bytes(part.tobytes())
