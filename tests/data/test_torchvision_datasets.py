"""What the standard image sets promise, on tiny files of the same formats."""

from __future__ import annotations

import pickle
import re
import urllib.request
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tiny import SETS, TEST, TRAIN, numbered, numbers, write_celeba, write_idx

from pipeline.data.conditions import luma
from pipeline.data.dataset import SPLITS, Dataset, Sizes
from pipeline.data.datasets import make
from pipeline.data.torchvision_datasets import (
    EMNIST_CLASSES,
    celeba,
    cifar10,
    cifar100,
    emnist,
    fashion_mnist,
    kmnist,
    mnist,
    svhn,
)
from pipeline.errors import UserError
from pipeline.params import Data

SIZES = Sizes(12, 5, 6)
FACES = Sizes(6, 3, 2)
Make = Callable[..., Dataset]
EACH = pytest.mark.parametrize("function", [function for function, _, _ in SETS])
COLOUR = pytest.mark.parametrize("function", [cifar10, cifar100, svhn])


class Detonator:
    """An object whose unpickling would show."""

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return pytest.fail, ("a pickle was opened",)


@pytest.fixture
def faces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data_root whose faces 1 .. 8 are of the train split, 9 .. 12 of validation, 13 .. 15 of test."""
    write_celeba(tmp_path, {0: 8, 1: 4, 2: 3}, monkeypatch)
    return tmp_path


@pytest.mark.parametrize(("function", "shape", "classes"), SETS)
def test_images_keep_their_labels_and_official_split(
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


@pytest.mark.parametrize("split", EMNIST_CLASSES)
def test_each_split_of_emnist_has_its_own_classes_from_0(split: str, root: Path) -> None:
    dataset = emnist(SIZES, 0, data_root=root, split=split, condition="class")
    assert dataset.condition.size == EMNIST_CLASSES[split]
    assert dataset.splits["test"].c.tolist() == [n % EMNIST_CLASSES[split] for n in numbers(dataset.splits["test"].x)]


def test_letters_are_counted_from_1_in_their_file(root: Path) -> None:
    path = root / "EMNIST/raw/emnist-letters-train-labels-idx1-ubyte"
    write_idx(path, np.zeros(TRAIN, np.uint8))
    with pytest.raises(UserError, match=re.escape(f"{path} is damaged: it holds labels 0 to 0, not 1 to 26")):
        emnist(SIZES, 0, data_root=root, split="letters")


def test_the_seed_decides_and_the_condition_does_not(root: Path) -> None:
    one, other = (cifar10(SIZES, seed, data_root=root) for seed in (0, 1))
    conditional = [cifar10(SIZES, 0, data_root=root, condition=kind) for kind in ("class", "grayscale")]
    for name in SPLITS:
        assert not np.array_equal(one.splits[name].x, other.splits[name].x)
        assert all(np.array_equal(one.splits[name].x, dataset.splits[name].x) for dataset in conditional)


@COLOUR
@pytest.mark.parametrize("levels", [256, 8])
def test_grayscale_is_the_luma_on_the_grid_of_the_levels(function: Make, levels: int, root: Path) -> None:
    dataset = function(SIZES, 0, data_root=root, condition="grayscale", levels=levels)
    split = dataset.splits["test"]
    assert (dataset.condition.kind, dataset.condition.shape) == ("grayscale", (1, 32, 32))
    assert np.array_equal(split.c, luma(split.x, levels))


@EACH
def test_every_set_is_cropped_resized_and_quantised_alike(function: Make, root: Path) -> None:
    dataset = function(SIZES, 0, data_root=root, crop=16, side=8, levels=4)
    assert dataset.event.levels == 4
    assert dataset.event.shape[1:] == (8, 8)
    for split in dataset.splits.values():
        assert split.x.shape[1:] == dataset.event.shape
        assert split.x.dtype == np.uint8
        assert split.x.max() < 4


@EACH
def test_reading_asks_the_network_for_nothing(function: Make, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(urllib.request, "urlopen", lambda *args, **options: pytest.fail("the network was asked"))
    function(SIZES, 0, data_root=root)
    with pytest.raises(UserError, match="is missing"):
        function(SIZES, 0, data_root=root / "nowhere")


def test_no_pickle_is_opened_that_is_not_the_published_one(root: Path) -> None:
    bomb = pickle.dumps(Detonator())
    for path in ("MNIST/processed/training.pt", "MNIST/processed/test.pt", "cifar-10-batches-py/data_batch_9"):
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_bytes(bomb)
    mnist(SIZES, 0, data_root=root)
    cifar10(SIZES, 0, data_root=root)
    for function, path in (
        (mnist, "MNIST/raw/train-labels-idx1-ubyte"),
        (svhn, "test_32x32.mat"),
        (cifar10, "cifar-10-batches-py/data_batch_1"),
        (cifar10, "cifar-10-batches-py/test_batch"),
        (cifar100, "cifar-100-python/meta"),
    ):
        right = (root / path).read_bytes()
        (root / path).write_bytes(bomb)
        with pytest.raises(UserError, match=re.escape(f"{path} is damaged")):
            function(SIZES, 0, data_root=root)
        (root / path).write_bytes(right)


@pytest.mark.parametrize(
    ("function", "path"),
    [
        (mnist, "MNIST/raw/train-labels-idx1-ubyte"),
        (fashion_mnist, "FashionMNIST/raw/t10k-images-idx3-ubyte"),
        (kmnist, "KMNIST/raw/t10k-labels-idx1-ubyte"),
        (emnist, "EMNIST/raw/emnist-balanced-test-images-idx3-ubyte"),
        (cifar10, "cifar-10-batches-py/data_batch_3"),
        (cifar10, "cifar-10-batches-py/test_batch"),
        (cifar100, "cifar-100-python/train"),
        (svhn, "test_32x32.mat"),
    ],
)
def test_what_is_missing_or_damaged_is_named(function: Make, path: str, root: Path) -> None:
    file = root / path
    whole = file.read_bytes()
    for content in (whole[:-1], b"", b"\0\0", whole[::-1]):
        file.write_bytes(content)
        with pytest.raises(UserError, match=re.escape(f"{file} is damaged: ") + ".*copy it again") as caught:
            function(SIZES, 0, data_root=root)
        assert "\n" not in str(caught.value)
    file.unlink()
    with pytest.raises(UserError, match=re.escape(f"{file} is missing: {file.parent} must hold ")) as caught:
        function(SIZES, 0, data_root=root)
    for word in (file.name, "data_root", f"coverseek download {function.__name__} --data-root {root}"):
        assert word in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("labels", "why"), [(np.full(TRAIN, 10), "labels 10 to 10, not 0 to 9"), (np.zeros(19), "19 labels for 20 images")]
)
def test_labels_that_do_not_fit_the_images_are_damage(labels: np.ndarray, why: str, root: Path) -> None:
    write_idx(root / "MNIST/raw/train-labels-idx1-ubyte", labels.astype(np.uint8))
    with pytest.raises(UserError, match=f"train-labels-idx1-ubyte is damaged: .*{why}"):
        mnist(SIZES, 0, data_root=root)


@EACH
def test_more_images_than_there_are(function: Make, root: Path) -> None:
    with pytest.raises(UserError, match=r"20 training images; train \+ validation = 21 is too many"):
        function(Sizes(20, 1, 1), 0, data_root=root)
    with pytest.raises(UserError, match="8 test images; test = 9 is too many"):
        function(Sizes(1, 1, 9), 0, data_root=root)


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "kmnist", "emnist"])
def test_a_gray_set_has_no_condition_grayscale(name: str) -> None:
    data = Data(dataset=name, train=2, validation=1, test=1, data_root="data", condition="grayscale")
    with pytest.raises(UserError, match="condition: input should be 'none' or 'class', not 'grayscale'"):
        make(data, "tasks.toy.data")


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
def test_a_keyword_out_of_range_is_refused_by_every_set(name: str, keywords: dict[str, object], why: str) -> None:
    data = Data.model_validate(
        {"dataset": name, "train": 2, "validation": 1, "test": 1, "data_root": "data"} | keywords
    )
    with pytest.raises(UserError, match=f"^params.yaml: tasks.toy.data.{why}"):
        make(data, "tasks.toy.data")


def test_faces_keep_their_split_and_their_attribute(faces: Path) -> None:
    dataset = celeba(FACES, 0, data_root=faces, condition="class", attribute="Smiling", crop=140, side=8)
    assert (dataset.event.shape, dataset.event.levels, dataset.condition.size) == ((3, 8, 8), 256, 2)
    for split, known in zip(SPLITS, (range(1, 9), range(9, 13), range(13, 16)), strict=True):
        part = dataset.splits[split]
        seen = np.round(part.x.mean(axis=(1, 2, 3)) / 10).astype(int).tolist()
        assert len(set(seen)) == len(seen) == getattr(FACES, split)
        assert set(seen) <= set(known)
        assert part.c.tolist() == part.label.tolist() == [face % 2 for face in seen]


def test_without_an_attribute_faces_have_no_labels(faces: Path) -> None:
    dataset = celeba(FACES, 0, data_root=faces)
    assert dataset.event.shape == (3, 218, 178)
    assert dataset.splits["train"].label is None
    with pytest.raises(UserError, match="condition class of dataset celeba needs an attribute"):
        celeba(FACES, 0, data_root=faces, condition="class")


def test_an_unknown_attribute_is_refused(faces: Path) -> None:
    with pytest.raises(UserError, match="attribute: unknown 'Smilng'; allowed: Bald, Smiling; did you mean Smiling"):
        celeba(FACES, 0, data_root=faces, attribute="Smilng")


def test_more_faces_than_a_split_has(faces: Path) -> None:
    with pytest.raises(UserError, match="celeba has 4 validation images; validation = 5 is too many"):
        celeba(Sizes(1, 5, 1), 0, data_root=faces)


@pytest.mark.parametrize(
    "name", ["img_align_celeba", "list_eval_partition.txt", "list_attr_celeba.txt", "identity_CelebA.txt"]
)
def test_a_missing_file_of_celeba_is_named_with_the_place_to_get_it(name: str, faces: Path) -> None:
    (faces / "celeba" / name).rename(faces / "elsewhere")
    with pytest.raises(UserError, match=rf"{name} is missing: .*celeba must hold .*by hand, from https://mmlab"):
        celeba(FACES, 0, data_root=faces)


@pytest.mark.parametrize("name", ["list_eval_partition.txt", "list_attr_celeba.txt"])
def test_a_damaged_table_of_celeba_is_named(name: str, faces: Path) -> None:
    (faces / "celeba" / name).write_text("000001.jpg 3\n")
    with pytest.raises(UserError, match=f"{name} is damaged: its md5 sum is not "):
        celeba(FACES, 0, data_root=faces, attribute="Smiling")


def test_a_damaged_face_is_named(faces: Path) -> None:
    for path in (faces / "celeba/img_align_celeba").iterdir():
        path.write_bytes(b"no face")
    with pytest.raises(UserError, match=r"\d{6}\.jpg cannot be read as an image"):
        celeba(FACES, 0, data_root=faces)
