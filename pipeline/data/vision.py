"""The standard image sets, from the user's own copy: nothing is downloaded, and no pickle is opened.

MNIST (LeCun et al. 1998, doi:10.1109/5.726791) and Fashion-MNIST (Xiao et al. 2017, arXiv:1708.07747): 28x28, gray,
10 classes, in idx files: magic 0x0800 + rank, each side as a big-endian uint32, then the bytes.
CIFAR-10 (Krizhevsky 2009): 32x32, RGB, 10 classes, in its binary version: records of a label and 3 x 32 x 32 bytes.

Train and validation are drawn from the official training images, test from the official test images. torchvision's
readers are not used: that of CIFAR-10 unpickles, that of MNIST does so where it finds a `training.pt`.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.contract import Condition, ConditionKind, Event
from pipeline.data.conditions import luma
from pipeline.data.dataset import Dataset, Sizes, Split, unconditional
from pipeline.errors import UserError

CLASSES = 10
IDX_BYTES = 0x0800  # the magic number of an idx file of unsigned bytes; its rank is added
RECORD = 1 + 3 * 32 * 32  # bytes of one image in CIFAR-10's binary version, its label first

IDX_FILES = tuple(f"{part}-{rest}-ubyte" for part in ("train", "t10k") for rest in ("images-idx3", "labels-idx1"))
CIFAR_TRAIN = tuple(f"data_batch_{k}.bin" for k in range(1, 6))
CIFAR_TEST = ("test_batch.bin",)


class Labelled(NamedTuple):
    """x uint8 (N, C, H, W), label int64 (N,) below `CLASSES`."""

    x: NDArray[np.uint8]
    label: NDArray[np.int64]


def mnist(sizes: Sizes, seed: int, *, data_root: Path, condition: Literal["none", "class"] = "none") -> Dataset:
    """60,000 + 10,000 handwritten digits from `data_root`/MNIST/raw, as torchvision lays them out.

    Raises:
        UserError: a file is missing or damaged, or the sizes are too large.
    """
    return _idx_dataset("MNIST", data_root, sizes, seed, condition)


def fashion_mnist(sizes: Sizes, seed: int, *, data_root: Path, condition: Literal["none", "class"] = "none") -> Dataset:
    """60,000 + 10,000 pieces of clothing from `data_root`/FashionMNIST/raw, as torchvision lays them out.

    Raises:
        UserError: a file is missing or damaged, or the sizes are too large.
    """
    return _idx_dataset("FashionMNIST", data_root, sizes, seed, condition)


def cifar10(
    sizes: Sizes, seed: int, *, data_root: Path, condition: Literal["none", "class", "grayscale"] = "none"
) -> Dataset:
    """50,000 + 10,000 photographs from `data_root`/cifar-10-batches-bin.

    Raises:
        UserError: a file is missing or damaged, or the sizes are too large.
    """
    folder = data_root / "cifar-10-batches-bin"
    _present(folder, CIFAR_TRAIN + CIFAR_TEST, "the unpacked binary version of CIFAR-10")
    train, test = (_records([folder / name for name in names]) for names in (CIFAR_TRAIN, CIFAR_TEST))
    return _dataset("cifar10", train, test, sizes, seed, condition)


def _idx_dataset(name: str, data_root: Path, sizes: Sizes, seed: int, condition: ConditionKind) -> Dataset:
    folder = data_root / name / "raw"
    _present(folder, IDX_FILES, f"the four unpacked files of {name}")
    train, test = (_idx_pair(folder, *IDX_FILES[at : at + 2]) for at in (0, 2))
    if train.x.shape[1:] != test.x.shape[1:]:
        raise _damaged(folder / IDX_FILES[2], f"its images are not of the size of those in {IDX_FILES[0]}")
    return _dataset(name, train, test, sizes, seed, condition)


def _dataset(name: str, train: Labelled, test: Labelled, sizes: Sizes, seed: int, kind: ConditionKind) -> Dataset:
    _enough(name, "training images; train + validation", sizes.train + sizes.validation, len(train.x))
    _enough(name, "test images; test", sizes.test, len(test.x))
    streams = np.random.default_rng(seed).spawn(2)
    learning, testing = (rng.permutation(len(part.x)) for rng, part in zip(streams, (train, test), strict=True))
    splits = {
        "train": _split(train, learning[: sizes.train], kind),
        "validation": _split(train, learning[sizes.train : sizes.train + sizes.validation], kind),
        "test": _split(test, testing[: sizes.test], kind),
    }
    described = Condition(kind, splits["train"].c.shape[1:], CLASSES if kind == "class" else 0)
    return Dataset(Event(train.x.shape[1:], levels=256), splits, described)


def _enough(name: str, what: str, wanted: int, there: int) -> None:
    if wanted > there:
        raise UserError(f"{name} has {there} {what} = {wanted} is too many")


def _split(source: Labelled, rows: NDArray[Any], kind: ConditionKind) -> Split:
    x, label = source.x[rows], source.label[rows]
    if kind == "class":
        return Split(x, label, label)
    return Split(x, luma(x) if kind == "grayscale" else unconditional(len(x)), label)


def _idx_pair(folder: Path, images: str, labels: str) -> Labelled:
    x, label = _idx(folder / images, rank=3), _idx(folder / labels, rank=1)
    if len(x) != len(label):
        raise _damaged(folder / labels, f"{len(label)} labels for {len(x)} images")
    return Labelled(x[:, None], _checked(label, folder / labels))


def _idx(path: Path, rank: int) -> NDArray[np.uint8]:
    data = _bytes(path)
    start = 4 * (1 + rank)
    magic, *shape = (int.from_bytes(data[at : at + 4], "big") for at in range(0, start, 4))
    if magic != IDX_BYTES + rank or len(data) != start + math.prod(shape) or 0 in shape:
        raise _damaged(path, f"{len(data)} bytes that are no idx file of rank {rank}")
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape)


def _records(batches: list[Path]) -> Labelled:
    parts = []
    for path in batches:
        data = _bytes(path)
        if not data or len(data) % RECORD:
            raise _damaged(path, f"{len(data)} bytes are no whole number of records of {RECORD}")
        parts.append(np.frombuffer(data, np.uint8).reshape(-1, RECORD))
        _checked(parts[-1][:, 0], path)
    records = np.concatenate(parts)  # (N, 1 + 3 * 32 * 32)
    return Labelled(records[:, 1:].reshape(-1, 3, 32, 32), records[:, 0].astype(np.int64))


def _checked(label: NDArray[np.uint8], path: Path) -> NDArray[np.int64]:
    if label.max() >= CLASSES:
        raise _damaged(path, f"it holds label {label.max()}, the largest is {CLASSES - 1}")
    return label.astype(np.int64)


def _present(folder: Path, names: tuple[str, ...], what: str) -> None:
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        all_of = f"{folder} must hold {', '.join(names)}"
        hint = f"put {what} there, or set data_root; nothing is downloaded"
        raise UserError(f"{folder / missing[0]} is missing: {all_of}; {hint}")


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}); allow it, or copy it again") from None


def _damaged(path: Path, why: str) -> UserError:
    return UserError(f"{path} is damaged: {why}; copy it again")
