"""What the standard image sets promise, on tiny files of the same formats."""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.io import savemat
from tiny import SETS, TEST, TRAIN, numbered, numbers, write_idx

from pipeline.data.conditions import luma
from pipeline.data.dataset import SPLITS, Dataset, Sizes
from pipeline.data.datasets import make
from pipeline.data.vision.cifar import cifar10, cifar100
from pipeline.data.vision.emnist import CLASSES, FIRST, emnist
from pipeline.data.vision.mnist import fashion_mnist, kmnist, mnist
from pipeline.data.vision.svhn import svhn
from pipeline.errors import UserError
from pipeline.params import Data

SIZES = Sizes(12, 5, 6)
Make = Callable[..., Dataset]
EACH = pytest.mark.parametrize("function", [function for function, _, _ in SETS])
COLOUR = pytest.mark.parametrize("function", [cifar10, cifar100, svhn])


class Detonator:
    """An object whose unpickling would show."""

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return pytest.fail, ("a pickle was opened",)


@pytest.mark.parametrize(("function", "shape", "classes"), SETS)
def test_images_keep_their_labels_and_official_side(
    function: Make, shape: tuple[int, ...], classes: int, root: Path
) -> None:
    dataset = function(SIZES, 0, data_root=root, condition="class")
    assert (dataset.event.shape, dataset.event.levels, dataset.condition.size) == (shape, 256, classes)
    seen = {name: numbers(dataset.splits[name].x) for name in SPLITS}
    assert tuple(map(len, seen.values())) == SIZES
    learned = [*seen["train"], *seen["validation"]]
    assert len(set(learned)) == len(learned)
    assert max(learned) < TRAIN
    assert len(set(seen["test"])) == len(seen["test"])
    assert min(seen["test"]) >= 100
    for name, split in dataset.splits.items():
        assert [number % classes for number in seen[name]] == split.label.tolist() == split.c.tolist()


@EACH
def test_every_image_can_be_used(function: Make, root: Path) -> None:
    dataset = function(Sizes(TRAIN - 1, 1, TEST), 0, data_root=root)
    learned = [*numbers(dataset.splits["train"].x), *numbers(dataset.splits["validation"].x)]
    assert sorted(learned) == list(range(TRAIN))
    assert sorted(numbers(dataset.splits["test"].x)) == list(range(100, 100 + TEST))


@COLOUR
def test_pixels_are_those_of_the_file(function: Make, root: Path) -> None:
    written = numbered(TRAIN, 0, 3, 32, 32)
    x = function(SIZES, 0, data_root=root).splits["train"].x
    assert np.array_equal(x, written[numbers(x)])


def test_emnist_stands_upright(root: Path) -> None:
    x = emnist(SIZES, 0, data_root=root).splits["train"].x
    assert np.array_equal(x[:, 0], numbered(TRAIN, 0, 28, 28)[numbers(x)].swapaxes(1, 2))


@pytest.mark.parametrize("split", CLASSES)
def test_each_split_of_emnist_has_its_own_classes_from_0(split: str, root: Path) -> None:
    dataset = emnist(SIZES, 0, data_root=root, split=split, condition="class")
    assert dataset.condition.size == CLASSES[split]
    assert dataset.splits["test"].c.tolist() == [n % CLASSES[split] for n in numbers(dataset.splits["test"].x)]


def test_letters_are_counted_from_1_in_their_file(root: Path) -> None:
    assert FIRST == {"letters": 1}
    path = root / "EMNIST/raw/emnist-letters-train-labels-idx1-ubyte"
    write_idx(path, np.zeros(TRAIN, np.uint8))
    with pytest.raises(UserError, match=re.escape(f"{path} is damaged: it holds label 0, the smallest is 1")):
        emnist(SIZES, 0, data_root=root, split="letters")


def test_the_seed_decides_and_the_condition_does_not(root: Path) -> None:
    one, other = (cifar10(SIZES, seed, data_root=root) for seed in (0, 1))
    told = [cifar10(SIZES, 0, data_root=root, condition=kind) for kind in ("class", "grayscale")]
    for name in SPLITS:
        assert not np.array_equal(one.splits[name].x, other.splits[name].x)
        assert all(np.array_equal(one.splits[name].x, dataset.splits[name].x) for dataset in told)


@COLOUR
@pytest.mark.parametrize("levels", [256, 8])
def test_grayscale_is_the_luma_on_the_grid_of_the_levels(function: Make, levels: int, root: Path) -> None:
    dataset = function(SIZES, 0, data_root=root, condition="grayscale", levels=levels)
    split = dataset.splits["test"]
    assert (dataset.condition.kind, dataset.condition.shape) == ("grayscale", (1, 32, 32))
    assert np.array_equal(split.c, luma(split.x, levels))


@EACH
def test_every_set_has_the_same_view(function: Make, root: Path) -> None:
    dataset = function(SIZES, 0, data_root=root, crop=16, side=8, levels=4)
    assert dataset.event.levels == 4
    assert dataset.event.shape[1:] == (8, 8)
    for split in dataset.splits.values():
        assert split.x.shape[1:] == dataset.event.shape
        assert split.x.dtype == np.uint8
        assert split.x.max() < 4


def test_no_pickle_is_opened(root: Path) -> None:
    bomb = pickle.dumps(Detonator())
    for path in ("MNIST/processed/training.pt", "MNIST/processed/test.pt", "cifar-10-batches-py/data_batch_1"):
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_bytes(bomb)
    mnist(SIZES, 0, data_root=root)
    cifar10(SIZES, 0, data_root=root)
    for path in ("MNIST/raw/train-labels-idx1-ubyte", "cifar-10-batches-bin/data_batch_1.bin", "test_32x32.mat"):
        (root / path).write_bytes(bomb)
    for function in (mnist, cifar10, svhn):
        with pytest.raises(UserError, match="damaged"):
            function(SIZES, 0, data_root=root)


@pytest.mark.parametrize(
    ("function", "path"),
    [
        (mnist, "MNIST/raw/train-labels-idx1-ubyte"),
        (fashion_mnist, "FashionMNIST/raw/t10k-images-idx3-ubyte"),
        (kmnist, "KMNIST/raw/t10k-labels-idx1-ubyte"),
        (emnist, "EMNIST/raw/emnist-balanced-test-images-idx3-ubyte"),
        (cifar10, "cifar-10-batches-bin/data_batch_3.bin"),
        (cifar10, "cifar-10-batches-bin/test_batch.bin"),
        (cifar100, "cifar-100-binary/train.bin"),
        (svhn, "test_32x32.mat"),
    ],
)
def test_what_is_missing_or_damaged_is_named(function: Make, path: str, root: Path) -> None:
    file = root / path
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(UserError, match=re.escape(f"{file} is damaged: ") + ".*copy it again"):
        function(SIZES, 0, data_root=root)
    file.unlink()
    with pytest.raises(UserError, match=re.escape(f"{file} is missing: {file.parent} must hold ")) as caught:
        function(SIZES, 0, data_root=root)
    for word in (file.name, "data_root", f"coverseek download {function.__name__} --data-root {root}"):
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


def test_labels_of_cifar100_beyond_either_count_are_damage(root: Path) -> None:
    path = root / "cifar-100-binary/train.bin"
    record = bytearray(path.read_bytes())
    record[0] = 20
    path.write_bytes(record)
    with pytest.raises(UserError, match=re.escape(f"{path} is damaged: it holds label 20, the largest is 19")):
        cifar100(SIZES, 0, data_root=root)


@pytest.mark.parametrize(
    ("x", "y", "why"),
    [
        (np.zeros((32, 32, 3, 4), np.uint8), np.arange(4), "labels 0 to 3"),
        (np.zeros((32, 32, 3, 4), np.uint8), np.arange(1, 4), "y "),
        (np.zeros((32, 32, 3, 4), np.float64), np.arange(1, 5), "X is float64"),
    ],
)
def test_a_matlab_file_of_something_else_is_damage(
    x: NDArray[np.generic], y: NDArray[np.int64], why: str, root: Path
) -> None:
    savemat(root / "train_32x32.mat", {"X": x, "y": y[:, None]})
    with pytest.raises(UserError, match=f"train_32x32.mat is damaged: .*{why}"):
        svhn(SIZES, 0, data_root=root)


@EACH
def test_more_images_than_there_are(function: Make, root: Path) -> None:
    with pytest.raises(UserError, match=r"20 training images; train \+ validation = 21 is too many"):
        function(Sizes(20, 1, 1), 0, data_root=root)
    with pytest.raises(UserError, match="8 test images; test = 9 is too many"):
        function(Sizes(1, 1, 9), 0, data_root=root)


@pytest.mark.parametrize("name", ["celeba", "cifar100", "emnist", "fashion_mnist", "folder", "kmnist", "mnist", "svhn"])
@pytest.mark.parametrize(
    ("keywords", "why"),
    [
        ({"levels": 1}, "levels: input should be greater than or equal to 2, not 1"),
        ({"levels": 257}, "levels: input should be less than or equal to 256, not 257"),
        ({"side": 0}, "side: input should be greater than or equal to 1, not 0"),
        ({"crop": 1.5}, "crop: input should be a valid integer, not 1.5"),
        ({"corp": 8}, "corp is not a known key; allowed: .*did you mean crop?"),
    ],
)
def test_a_view_that_cannot_be_is_refused_by_every_set(name: str, keywords: dict[str, object], why: str) -> None:
    data = Data.model_validate(
        {"dataset": name, "train": 2, "validation": 1, "test": 1, "data_root": "data"} | keywords
    )
    with pytest.raises(UserError, match=f"^params.yaml: tasks.toy.data.{why}"):
        make(data, "tasks.toy.data")
