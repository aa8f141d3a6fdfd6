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
from pipeline.data.dataset import SPLITS, Dataset, Sizes, Split
from pipeline.data.image_files import read_picture
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


def required_files(name: str) -> tuple[str, dict[str, str | None]]:
    """The folder below `data_root`, and the files in it with their md5 sum, None where torchvision has none."""
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
            files = [file for split in EMNIST_CLASSES for file in _emnist_files(split)]
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


def _labelled_images(
    name: str, conditions: tuple[str, ...], classes: int, read: Callable[[str, Path], Sequence[Labelled]]
) -> Callable[..., Dataset]:
    """A dataset with official training and test images; `read` returns both."""

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
        train, test = read(name, data_root)
        transform = ImageTransform(side, crop, levels)
        return official_splits.from_train_and_test(
            name, train, test, classes, sizes=sizes, seed=seed, kind=condition, transform=transform
        )

    dataset.__annotations__["condition"] = Literal[conditions]  # params.yaml is checked against the signature
    dataset.__name__ = dataset.__qualname__ = name
    dataset.__doc__ = f"{CLASS_NAMES[name]}, as torchvision reads it. Raises `UserError` where a file is damaged."
    return dataset


def _read_mnist(name: str, data_root: Path) -> list[Labelled]:
    folder, files = required_files(name)
    check_files(data_root / folder, files, _download_instruction(name, data_root))
    return _read_idx([data_root / folder / file for file in files], classes=10)


def _read_idx(paths: Sequence[Path], classes: int, first: int = 0) -> list[Labelled]:
    """Images, labels, images, labels in MNIST's format; the labels in the files start at `first`.

    WHY not the class MNIST: it prefers `processed/training.pt`, if there is one, and does not name a damaged file.
    """
    from torchvision.datasets.mnist import read_image_file, read_label_file

    parts = []
    for images, labels in (paths[:2], paths[2:]):
        x, label = _tensor(read_image_file, images), _tensor(read_label_file, labels)
        if x.shape[1:] != (SIDE, SIDE):
            raise damaged(images, f"its images are not of {SIDE}x{SIDE} pixels")
        if len(x) != len(label):
            raise damaged(labels, f"{len(label)} labels for {len(x)} images")
        if label.min() < first or label.max() >= first + classes:
            held, allowed = f"{label.min()} to {label.max()}", f"{first} to {first + classes - 1}"
            raise damaged(labels, f"it holds labels {held}, not {allowed}")
        parts.append(Labelled(x[:, None], label - first))
    return parts


def _tensor(read: Callable[[str], Any], path: Path) -> NDArray[Any]:
    try:
        return np.asarray(read(str(path)))
    except OSError as error:
        raise unreadable(path, error) from None
    except IDX_ERRORS as error:
        raise damaged(path, " ".join(f"{type(error).__name__}: {error}".split())) from None


def _read_cifar(name: str, data_root: Path) -> list[Labelled]:
    folder, files = required_files(name)
    check_files(data_root / folder, files, _download_instruction(name, data_root))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", np.exceptions.VisibleDeprecationWarning)  # the pickles were written long ago
        parts = [torchvision_class(name)(data_root, train=train) for train in (True, False)]
    return [Labelled(np.ascontiguousarray(p.data.transpose(0, 3, 1, 2)), np.array(p.targets, np.int64)) for p in parts]


def _read_svhn(name: str, data_root: Path) -> list[Labelled]:
    folder, files = required_files(name)
    check_files(data_root / folder, files, _download_instruction(name, data_root))
    parts = (torchvision_class(name)(data_root, split=split) for split in ("train", "test"))
    return [Labelled(np.ascontiguousarray(part.data), part.labels) for part in parts]


GRAY, COLOUR = ("none", "class"), ("none", "class", "grayscale")  # a gray image is its own luma
mnist = _labelled_images("mnist", GRAY, 10, _read_mnist)
fashion_mnist = _labelled_images("fashion_mnist", GRAY, 10, _read_mnist)
kmnist = _labelled_images("kmnist", GRAY, 10, _read_mnist)
cifar10 = _labelled_images("cifar10", COLOUR, 10, _read_cifar)
cifar100 = _labelled_images("cifar100", COLOUR, 100, _read_cifar)
svhn = _labelled_images("svhn", COLOUR, 10, _read_svhn)


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
    folder, files = data_root / required_files("emnist")[0], _emnist_files(split)
    check_files(folder, dict.fromkeys(files), _download_instruction("emnist", data_root))
    first = 1 if split == "letters" else 0
    parts = _read_idx([folder / file for file in files], EMNIST_CLASSES[split], first)
    train, test = (Labelled(part.x.swapaxes(2, 3), part.label) for part in parts)
    name, transform = f"emnist's {split}", ImageTransform(side, crop, levels)
    return official_splits.from_train_and_test(
        name, train, test, EMNIST_CLASSES[split], sizes=sizes, seed=seed, kind=condition, transform=transform
    )


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
    faces = [read_picture(folder, name, transform, channels=3).x for name in names]
    for name, face in zip(names, faces, strict=True):
        if face.shape != faces[0].shape:
            raise damaged(folder / name, "its size is not that of the other images")
    return transform.quantise(np.stack(faces))


def _emnist_files(split: str) -> tuple[str, ...]:
    """Images and labels of the training part, then of the test part."""
    rests = ("images-idx3", "labels-idx1")
    return tuple(f"emnist-{split}-{part}-{rest}-ubyte" for part in ("train", "test") for rest in rests)


def _download_instruction(name: str, data_root: Path) -> str:
    return f"put them there, set data_root, or run: coverseek download {name} --data-root {data_root}"
