"""The standard image sets, read by torchvision.datasets from the user's own copy in `data_root`.

    mnist           28x28, gray, 10 classes, 60,000 + 10,000 images (LeCun et al. 1998, doi:10.1109/5.726791)
    fashion_mnist   the same sizes, clothing (Xiao et al. 2017, arXiv:1708.07747)
    kmnist          the same sizes, cursive Japanese characters (Clanuwat et al. 2018, arXiv:1812.01718)
    emnist          28x28, gray, handwritten letters and digits in six splits (Cohen et al. 2017, arXiv:1702.05373)
    cifar10, cifar100   32x32, RGB, 50,000 + 10,000 photographs (Krizhevsky 2009); the 100 fine classes
    svhn            32x32, RGB, 73,257 + 26,032 house numbers (Netzer et al. 2011); without the `extra` images
    celeba          178x218, RGB, 202,599 aligned faces, 40 binary attributes (Liu et al. 2015, arXiv:1411.7766)

Nothing is downloaded here: `pipeline.stages.download` does that. Wherever torchvision has the md5 sum of a file that is
read, the sum is compared first. So no batch of CIFAR, which is a pickle, is opened unless all are the published ones.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.data import official_splits
from pipeline.data.dataset import SPLITS, Dataset, Sizes, Split, stacked
from pipeline.data.image_files import SourceImage, read_image, read_images
from pipeline.data.image_transform import ImageTransform, Levels
from pipeline.data.official_splits import Labelled
from pipeline.errors import UserError, suggest
from pipeline.params import Count

CLASS_NAMES = {
    "mnist": "MNIST", "fashion_mnist": "FashionMNIST", "kmnist": "KMNIST", "emnist": "EMNIST", "svhn": "SVHN",
    "cifar10": "CIFAR10", "cifar100": "CIFAR100", "celeba": "CelebA",
}  # fmt: skip
"""Dataset -> its class in torchvision.datasets."""
EMNIST_CLASSES = {"balanced": 47, "byclass": 62, "bymerge": 47, "letters": 26, "digits": 10, "mnist": 10}
SIDE = 28
"""Of the images of MNIST and of the sets in its format, in pixels."""
CELEBA_IMAGES = "img_align_celeba"
CELEBA_ADDRESS = "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html"
IDX_ERRORS = (AssertionError, IndexError, KeyError, RuntimeError, TypeError, ValueError)
"""What torchvision raises on a damaged file of MNIST's format."""


def torchvision_class(name: str) -> Any:
    from torchvision import datasets  # takes seconds

    return getattr(datasets, CLASS_NAMES[name])


def required_files(name: str, splits: Sequence[str] = tuple(EMNIST_CLASSES)) -> tuple[str, dict[str, str | None]]:
    """The folder below `data_root`, and the files in it with their md5 sum, None where torchvision has none.

    Args:
        name: a dataset of `CLASS_NAMES`.
        splits: of EMNIST.
    """
    source = torchvision_class(name)
    match name:
        case "cifar10" | "cifar100":
            meta = source.meta["filename"], source.meta["md5"]
            return source.base_folder, dict([*source.train_list, *source.test_list, meta])
        case "svhn":
            return "", {file: md5 for _, file, md5 in (source.split_list[part] for part in ("train", "test"))}
        case "celeba":
            tables = {file: md5 for _, md5, file in source.file_list if file.endswith(".txt")}
            return source.base_folder, {CELEBA_IMAGES: None} | tables
        case "emnist":
            parts = [f"emnist-{split}-{part}" for split in splits for part in ("train", "test")]
            files = [f"{part}-{rest}-ubyte" for part in parts for rest in ("images-idx3", "labels-idx1")]
        case _:
            files = [Path(file).stem for file, _ in source.resources]
    return f"{source.__name__}/raw", dict.fromkeys(files)


def check_files(folder: Path, files: Mapping[str, str | None], instruction: str) -> None:
    """Check that all files exist and have their md5 sum, where one is given; `instruction`: how to get them.

    Raises:
        UserError: a file is missing, cannot be read or is damaged.
    """
    from torchvision.datasets.utils import check_integrity

    if missing := [file for file in files if not (folder / file).exists()]:
        raise UserError(f"{folder / missing[0]} is missing: {folder} must hold {', '.join(files)}; {instruction}")
    for file, md5 in files.items():
        try:
            if md5 and not check_integrity(folder / file, md5):
                raise damaged(folder / file, f"its md5 sum is not {md5}")
        except OSError as error:
            raise unreadable(folder / file, error) from None


def damaged(path: Path, why: str) -> UserError:
    return UserError(f"{path} is damaged: {why}; copy it again")


def unreadable(path: Path, error: OSError) -> UserError:
    return UserError(f"{path} cannot be read ({error.strerror}); allow it, or copy it again")


def _labelled_images(name: str, *conditions: str, classes: int = 10) -> Callable[..., Dataset]:
    """A dataset with official training and test images, and the conditions that its images allow."""

    def dataset(
        sizes: Sizes,
        seed: int,
        *,
        data_root: Path,
        condition: Any = "none",
        side: Count | None = None,
        crop: Count | None = None,
        levels: Levels = 256,
    ) -> Dataset:
        train, test = _read(name, data_root, classes)
        transform = ImageTransform(side, crop, levels)
        return official_splits.from_train_and_test(name, train, test, classes, sizes, seed, condition, transform)

    dataset.__annotations__["condition"] = Literal[conditions]  # params.yaml is checked against the signature
    dataset.__name__ = dataset.__qualname__ = name
    dataset.__doc__ = f"{CLASS_NAMES[name]}. Raises `UserError` where a file is missing or damaged, or too small."
    return dataset


GRAY, COLOUR = ("none", "class"), ("none", "class", "grayscale")  # a gray image is its own luma
mnist, fashion_mnist, kmnist = (_labelled_images(name, *GRAY) for name in ("mnist", "fashion_mnist", "kmnist"))
cifar10, svhn = (_labelled_images(name, *COLOUR) for name in ("cifar10", "svhn"))
cifar100 = _labelled_images("cifar100", *COLOUR, classes=100)


def emnist(
    sizes: Sizes,
    seed: int,
    *,
    data_root: Path,
    split: Literal["balanced", "byclass", "bymerge", "letters", "digits", "mnist"] = "balanced",
    condition: Literal["none", "class"] = "none",
    side: Count | None = None,
    crop: Count | None = None,
    levels: Levels = 256,
) -> Dataset:
    """One of EMNIST's six splits. Its files hold transposed images, which are turned upright here.

    `balanced` has 47 equally frequent classes, `byclass` all 62, `bymerge` joins letters whose cases look alike,
    `letters` joins all cases, `digits` and `mnist` are digits only.

    Raises:
        UserError: a file is missing or damaged, or the sizes are too large.
    """
    classes = EMNIST_CLASSES[split]
    parts = _read("emnist", data_root, classes, [split], first_label=1 if split == "letters" else 0)
    train, test = (Labelled(part.x.swapaxes(2, 3), part.label) for part in parts)
    name, transform = f"emnist's {split}", ImageTransform(side, crop, levels)
    return official_splits.from_train_and_test(name, train, test, classes, sizes, seed, condition, transform)


def _read(
    name: str, data_root: Path, classes: int, splits: Sequence[str] = (), first_label: int = 0
) -> Sequence[Labelled]:
    """The official training and test images. Raises `UserError` where a file is missing or damaged."""
    folder, files = required_files(name, splits)
    instruction = f"put them there, set data_root, or run: coverseek download {name} --data-root {data_root}"
    check_files(data_root / folder, files, instruction)
    source = torchvision_class(name)
    if name == "svhn":
        parts = [source(data_root, split=split) for split in ("train", "test")]
        return [Labelled(np.ascontiguousarray(part.data), part.labels) for part in parts]
    if name in ("cifar10", "cifar100"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", np.exceptions.VisibleDeprecationWarning)  # the pickles are of old numpy
            parts = [source(data_root, train=train) for train in (True, False)]
        x = [np.ascontiguousarray(part.data.transpose(0, 3, 1, 2)) for part in parts]
        return [Labelled(x, np.array(part.targets, np.int64)) for x, part in zip(x, parts, strict=True)]
    paths = [data_root / folder / file for file in files]
    return [_read_idx(paths[at], paths[at + 1], classes, first_label) for at in (0, 2)]


def _read_idx(images: Path, labels: Path, classes: int, first: int) -> Labelled:
    """Two files in MNIST's format; the stored labels start at `first`.

    WHY not the class MNIST: it prefers `processed/training.pt`, if there is one, and does not name a damaged file.
    """
    from torchvision.datasets.mnist import read_image_file, read_label_file

    x, label = _read_tensor(read_image_file, images), _read_tensor(read_label_file, labels)
    if x.shape[1:] != (SIDE, SIDE):
        raise damaged(images, f"its images are not of {SIDE}x{SIDE} pixels")
    if len(x) != len(label):
        raise damaged(labels, f"{len(label)} labels for {len(x)} images")
    if label.min() < first or label.max() >= first + classes:
        raise damaged(labels, f"it holds labels {label.min()} to {label.max()}, not {first} to {first + classes - 1}")
    return Labelled(x[:, None], label - first)


def _read_tensor(read: Callable[[str], Any], path: Path) -> NDArray[Any]:
    try:
        return np.asarray(read(str(path)))
    except OSError as error:
        raise unreadable(path, error) from None
    except IDX_ERRORS as error:
        raise damaged(path, " ".join(f"{type(error).__name__}: {error}".split())) from None


def celeba(
    sizes: Sizes,
    seed: int,
    *,
    data_root: Path,
    condition: Literal["none", "class", "grayscale"] = "none",
    attribute: str | None = None,
    side: Count | None = None,
    crop: Count | None = None,
    levels: Levels = 256,
) -> Dataset:
    """CelebA's own three splits; with `attribute` the label is 1 where a face has it, else 0.

    The usual choice is `crop: 140, side: 64` or less. Only the images that are drawn are read.

    Raises:
        UserError: a file is missing or damaged, the sizes are too large, there is no such attribute, or the condition
            is class and no attribute is given.
    """
    if condition == "class" and attribute is None:
        raise UserError("condition class of dataset celeba needs an attribute, such as attribute: Smiling")
    folder, files = required_files("celeba")
    check_files(data_root / folder, files, f"unpack and put them there by hand, from {CELEBA_ADDRESS}")
    parts = [torchvision_class("celeba")(data_root, split=split) for split in ("train", "valid", "test")]
    names = [name for name in parts[0].attr_names if name]
    if attribute is not None and attribute not in names:
        raise UserError(f"attribute: unknown {attribute!r}; {suggest(attribute, names)}")
    rows = official_splits.draw_rows("celeba", Sizes(*(len(part) for part in parts)), sizes, seed)
    transform, splits = ImageTransform(side, crop, levels), dict[str, Split]()
    for split, part in zip(SPLITS, parts, strict=True):
        x = _read_faces(data_root / folder / CELEBA_IMAGES, [part.filename[row] for row in rows[split]], transform)
        label = part.attr[:, names.index(attribute)].numpy()[rows[split]] if attribute is not None else None
        splits[split] = official_splits.make_split(x, label, condition, levels)
    return official_splits.make_dataset(splits, condition, levels, classes=2)


def _read_faces(folder: Path, names: Sequence[str], transform: ImageTransform) -> NDArray[np.uint8]:
    first = read_image(folder, names[0], transform, channels=3).x.shape

    def face(image: SourceImage) -> NDArray[np.uint8]:
        if image.x.shape != first:
            raise damaged(folder / image.name, "its size is not that of the other images")
        return transform.quantise(image.x)

    return stacked(map(face, read_images(folder, names, transform, channels=3)), len(names))
