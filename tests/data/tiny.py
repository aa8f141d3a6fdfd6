"""The standard image sets in their own file formats, with 20 training and 8 test images each.

The first value of an image is its number: 0 .. 19 in training, 100 .. 107 in test; its label is that modulo the number
of classes.
"""

from __future__ import annotations

import pickle
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy.io import savemat
from torchvision.datasets import CIFAR10, CIFAR100, SVHN, CelebA

from pipeline import files
from pipeline.data import torchvision_datasets as sets
from pipeline.data.dataset import Dataset

TRAIN, TEST = 20, 8
PARTS = {0: TRAIN, 100: TEST}  # first number, count
MNIST_FILES = tuple(f"{part}-{rest}-ubyte" for part in ("train", "t10k") for rest in ("images-idx3", "labels-idx1"))
SETS: list[tuple[Callable[..., Dataset], tuple[int, ...], int]] = [
    (sets.mnist, (1, 28, 28), 10),
    (sets.fashion_mnist, (1, 28, 28), 10),
    (sets.kmnist, (1, 28, 28), 10),
    (sets.emnist, (1, 28, 28), 47),
    (sets.cifar10, (3, 32, 32), 10),
    (sets.cifar100, (3, 32, 32), 100),
    (sets.svhn, (3, 32, 32), 10),
]
"""Function, shape, classes."""


def numbered(count: int, first: int, *shape: int) -> NDArray[np.uint8]:
    """Images of noise whose first value is their number, from `first` on."""
    x = np.random.default_rng(first).integers(0, 256, (count, *shape), np.uint8)
    x.reshape(count, -1)[:, 0] = np.arange(first, first + count)
    return x


def numbers(x: NDArray[np.uint8]) -> list[int]:
    return [int(number) for number in x.reshape(len(x), -1)[:, 0]]


def write(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write all sets; torchvision takes the sums of these files for the published ones."""
    for folder in ("MNIST", "FashionMNIST", "KMNIST"):
        _write_four(root / folder / "raw", MNIST_FILES, 10)
    for split, classes in sets.EMNIST_CLASSES.items():
        names = tuple(
            f"emnist-{split}-{part}-{rest}-ubyte"
            for part in ("train", "test")
            for rest in ("images-idx3", "labels-idx1")
        )
        _write_four(root / "EMNIST/raw", names, classes, first_label=int(split == "letters"))
    for source, classes, key in ((CIFAR10, 10, "labels"), (CIFAR100, 100, "fine_labels")):
        _write_cifar(root, source, classes, key, monkeypatch)
    parts = {}
    for part, (first, count) in zip(("train", "test"), PARTS.items(), strict=True):
        x = numbered(count, first, 3, 32, 32)
        label = np.array(numbers(x)) % 10
        path = root / f"{part}_32x32.mat"
        savemat(path, {"X": x.transpose(2, 3, 1, 0), "y": np.where(label, label, 10)[:, None].astype(np.uint8)})
        parts[part] = [SVHN.split_list[part][0], path.name, files.md5(path)]
    monkeypatch.setattr(SVHN, "split_list", parts)


def write_idx(path: Path, values: NDArray[np.uint8]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    header = struct.pack(f">{1 + values.ndim}I", 0x0800 + values.ndim, *values.shape)
    path.write_bytes(header + values.tobytes())


def write_celeba(
    root: Path, sizes: dict[int, int], monkeypatch: pytest.MonkeyPatch, shape: tuple[int, int] = (218, 178)
) -> None:
    """Faces of one gray value each: 10 times the number of the face; every second one smiles, none is bald."""
    folder = root / "celeba"
    (folder / "img_align_celeba").mkdir(parents=True)
    splits = [split for split, count in sizes.items() for _ in range(count)]
    names = [f"{number:06}.jpg" for number in range(1, 1 + len(splits))]
    for number, name in enumerate(names, 1):
        Image.fromarray(np.full((*shape, 3), 10 * number, np.uint8)).save(folder / "img_align_celeba" / name)
    tables = {
        "list_eval_partition.txt": ([], [f"{split}" for split in splits]),
        "identity_CelebA.txt": ([], ["1"] * len(names)),
        "list_bbox_celeba.txt": ([str(len(names)), "image_id x y"], ["1 1"] * len(names)),
        "list_landmarks_align_celeba.txt": ([str(len(names)), "x y"], ["1 1"] * len(names)),
        "list_attr_celeba.txt": (
            [str(len(names)), "Bald Smiling "],
            [f"-1 {1 if k % 2 else -1:2}" for k in range(1, 1 + len(names))],
        ),
    }
    for file, (head, rows) in tables.items():
        lines = [*head, *(f"{name} {row}" for name, row in zip(names, rows, strict=True))]
        (folder / file).write_text("\n".join(lines) + "\n")
    monkeypatch.setattr(CelebA, "file_list", [("", files.md5(folder / file), file) for file in tables])


def _write_four(folder: Path, names: tuple[str, ...], classes: int, first_label: int = 0) -> None:
    for at, (first, count) in zip((0, 2), PARTS.items(), strict=True):
        x = numbered(count, first, 28, 28)
        write_idx(folder / names[at], x)
        write_idx(folder / names[at + 1], x[:, 0, 0] % classes + np.uint8(first_label))


def _write_cifar(root: Path, source: type[CIFAR10], classes: int, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = root / source.base_folder
    folder.mkdir()
    for which, (first, count) in zip(("train_list", "test_list"), PARTS.items(), strict=True):
        x = numbered(count, first, 3, 32, 32)
        batches = [folder / name for name, _ in getattr(source, which)]
        for path, part in zip(batches, np.split(x, len(batches)), strict=True):
            labels = (part[:, 0, 0, 0] % classes).tolist()
            path.write_bytes(pickle.dumps({"data": part.reshape(len(part), -1), key: labels}))
        monkeypatch.setattr(source, which, [[path.name, files.md5(path)] for path in batches])
    meta = folder / source.meta["filename"]
    meta.write_bytes(pickle.dumps({source.meta["key"]: [str(k) for k in range(classes)]}))
    monkeypatch.setattr(source, "meta", source.meta | {"md5": files.md5(meta)})
