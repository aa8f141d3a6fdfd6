"""What MNIST, Fashion-MNIST and CIFAR-10 promise, on tiny files of the same formats."""

from __future__ import annotations

import pickle
import re
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.data.conditions import luma
from pipeline.data.dataset import SPLITS, Dataset, Sizes
from pipeline.data.vision import CIFAR_TEST, CIFAR_TRAIN, IDX_FILES, cifar10, fashion_mnist, mnist
from pipeline.errors import UserError

SIZES = Sizes(12, 5, 6)
TRAIN, TEST = 20, 8  # images in the tiny official splits
IDX = [(mnist, "MNIST/raw"), (fashion_mnist, "FashionMNIST/raw")]


class Detonator:
    """An object whose unpickling would show."""

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return pytest.fail, ("a pickle was opened",)


def numbered(count: int, first: int, *shape: int) -> NDArray[np.uint8]:
    """Images of noise whose first value is their number, from `first` on."""
    x = np.random.default_rng(first).integers(0, 256, (count, *shape), np.uint8)
    x.reshape(count, -1)[:, 0] = np.arange(first, first + count)
    return x


def numbers(x: NDArray[np.uint8]) -> list[int]:
    return [int(number) for number in x.reshape(len(x), -1)[:, 0]]


def write_idx(path: Path, values: NDArray[np.uint8]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    header = struct.pack(f">{1 + values.ndim}I", 0x0800 + values.ndim, *values.shape)
    path.write_bytes(header + values.tobytes())


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Train images are numbered 0 .. 19 and test images 100 .. 107; an image's label is its number modulo 10."""
    for _, folder in IDX:
        for at, x in ((0, numbered(TRAIN, 0, 28, 28)), (2, numbered(TEST, 100, 28, 28))):
            write_idx(tmp_path / folder / IDX_FILES[at], x)
            write_idx(tmp_path / folder / IDX_FILES[at + 1], x[:, 0, 0] % 10)
    batches = tmp_path / "cifar-10-batches-bin"
    batches.mkdir()
    for names, x in ((CIFAR_TRAIN, numbered(TRAIN, 0, 3, 32, 32)), (CIFAR_TEST, numbered(TEST, 100, 3, 32, 32))):
        records = np.concatenate([x[:, 0, 0, :1] % 10, x.reshape(len(x), -1)], axis=1)
        for name, part in zip(names, np.split(records, len(names)), strict=True):
            (batches / name).write_bytes(part.tobytes())
    return tmp_path


DATASETS = pytest.mark.parametrize(
    ("function", "shape"), [(mnist, (1, 28, 28)), (fashion_mnist, (1, 28, 28)), (cifar10, (3, 32, 32))]
)


@DATASETS
def test_images_keep_their_labels_and_official_side(
    function: Callable[..., Dataset], shape: tuple[int, ...], root: Path
) -> None:
    dataset = function(SIZES, 0, data_root=root, condition="class")
    assert (dataset.event.shape, dataset.event.levels, dataset.condition.size) == (shape, 256, 10)
    seen = {name: numbers(dataset.splits[name].x) for name in SPLITS}
    assert tuple(map(len, seen.values())) == SIZES
    learned = [*seen["train"], *seen["validation"]]
    assert len(set(learned)) == len(learned)
    assert max(learned) < TRAIN
    assert len(set(seen["test"])) == len(seen["test"])
    assert min(seen["test"]) >= 100
    for name, split in dataset.splits.items():
        assert [number % 10 for number in seen[name]] == split.label.tolist() == split.c.tolist()


@DATASETS
def test_every_image_can_be_used(function: Callable[..., Dataset], shape: tuple[int, ...], root: Path) -> None:
    dataset = function(Sizes(TRAIN - 1, 1, TEST), 0, data_root=root)
    learned = [*numbers(dataset.splits["train"].x), *numbers(dataset.splits["validation"].x)]
    assert sorted(learned) == list(range(TRAIN))
    assert sorted(numbers(dataset.splits["test"].x)) == list(range(100, 100 + TEST))


def test_pixels_are_those_of_the_file(root: Path) -> None:
    written = numbered(TRAIN, 0, 3, 32, 32)
    x = cifar10(SIZES, 0, data_root=root).splits["train"].x
    assert np.array_equal(x, written[numbers(x)])


def test_the_seed_decides_and_the_condition_does_not(root: Path) -> None:
    one, other = (cifar10(SIZES, seed, data_root=root) for seed in (0, 1))
    told = [cifar10(SIZES, 0, data_root=root, condition=kind) for kind in ("class", "grayscale")]
    for name in SPLITS:
        assert not np.array_equal(one.splits[name].x, other.splits[name].x)
        assert all(np.array_equal(one.splits[name].x, dataset.splits[name].x) for dataset in told)


def test_grayscale_is_the_luma(root: Path) -> None:
    dataset = cifar10(SIZES, 0, data_root=root, condition="grayscale")
    split = dataset.splits["test"]
    assert (dataset.condition.kind, dataset.condition.shape) == ("grayscale", (1, 32, 32))
    assert np.array_equal(split.c, luma(split.x))


def test_no_pickle_is_opened(root: Path) -> None:
    bomb = pickle.dumps(Detonator())
    for path in ("MNIST/processed/training.pt", "MNIST/processed/test.pt", "cifar-10-batches-py/data_batch_1"):
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_bytes(bomb)
    mnist(SIZES, 0, data_root=root)
    cifar10(SIZES, 0, data_root=root)
    for path in ("MNIST/raw/train-labels-idx1-ubyte", "cifar-10-batches-bin/data_batch_1.bin"):
        (root / path).write_bytes(bomb)
    for function in (mnist, cifar10):
        with pytest.raises(UserError, match="damaged"):
            function(SIZES, 0, data_root=root)


@pytest.mark.parametrize(
    ("function", "path"),
    [
        (mnist, "MNIST/raw/train-labels-idx1-ubyte"),
        (fashion_mnist, "FashionMNIST/raw/t10k-images-idx3-ubyte"),
        (cifar10, "cifar-10-batches-bin/data_batch_3.bin"),
        (cifar10, "cifar-10-batches-bin/test_batch.bin"),
    ],
)
def test_what_is_missing_or_damaged_is_named(function: Callable[..., Dataset], path: str, root: Path) -> None:
    file = root / path
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(UserError, match=re.escape(f"{file} is damaged: ") + ".*copy it again"):
        function(SIZES, 0, data_root=root)
    file.unlink()
    with pytest.raises(UserError, match=re.escape(f"{file} is missing: {file.parent} must hold ")) as caught:
        function(SIZES, 0, data_root=root)
    for word in (file.name, "data_root", "nothing is downloaded"):
        assert word in str(caught.value)
    assert "\n" not in str(caught.value)


def test_labels_beyond_the_classes_are_damage(root: Path) -> None:
    write_idx(root / "MNIST/raw/train-labels-idx1-ubyte", np.full(TRAIN, 10, np.uint8))
    with pytest.raises(UserError, match="train-labels-idx1-ubyte is damaged: it holds label 10"):
        mnist(SIZES, 0, data_root=root)


def test_labels_and_images_that_do_not_count_alike_are_damage(root: Path) -> None:
    write_idx(root / "MNIST/raw/train-labels-idx1-ubyte", np.zeros(TRAIN - 1, np.uint8))
    with pytest.raises(UserError, match="train-labels-idx1-ubyte is damaged: 19 labels for 20 images"):
        mnist(SIZES, 0, data_root=root)


@pytest.mark.parametrize("function", [mnist, cifar10])
def test_more_images_than_there_are(function: Callable[..., Dataset], root: Path) -> None:
    with pytest.raises(UserError, match=r"20 training images; train \+ validation = 21 is too many"):
        function(Sizes(20, 1, 1), 0, data_root=root)
    with pytest.raises(UserError, match="8 test images; test = 9 is too many"):
        function(Sizes(1, 1, 9), 0, data_root=root)
