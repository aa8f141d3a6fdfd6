"""download: a standard dataset from its publisher, by torchvision -> the folder that the task's `data_root` names."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.client import HTTPException
from pathlib import Path
from tempfile import TemporaryDirectory

from pipeline.data import torchvision_datasets
from pipeline.data.dataset import Sizes
from pipeline.data.datasets import DATASETS
from pipeline.errors import UserError, suggest

MADE_FROM = {"stacked_mnist": "mnist", "dynamic_mnist": "mnist"}
BY_HAND = ("celeba", "static_mnist")
"""CelebA lies behind a page that asks for a click; of static MNIST no checksum is published."""
UNPACKED_WITHOUT_SUM = ("mnist", "fashion_mnist", "kmnist", "emnist")
"""Sets whose sums are those of archives: of the others every file is compared whenever it is read."""
TIMEOUT = 30  # seconds without a byte
DAMAGE = (OSError, EOFError, RuntimeError, HTTPException)
"""What torchvision raises where there is no network, no room, or a wrong checksum."""


def main(name: str, data_root: Path, force: bool) -> None:
    """Download what is not there; `force`: check the sums of the archives, and unpack them anew.

    Raises:
        UserError: the dataset is none that is downloaded, has to be fetched by hand, or no address gives it.
    """
    available = {*torchvision_datasets.CLASS_NAMES, *MADE_FROM, *BY_HAND}
    if name not in available:
        raise UserError(f"dataset {name!r} is none that is downloaded; {suggest(name, available)}")
    source = MADE_FROM.get(name, name)
    fault = _fault(source, data_root)
    if fault is None and (not force or source not in UNPACKED_WITHOUT_SUM):
        print(f"{name} is in {data_root} already: nothing to do")
        return
    if fault and source in BY_HAND:
        raise fault
    _download(source, data_root)
    if after := _fault(source, data_root):
        raise after
    print(f"{name} is in {data_root}: checked")


def _fault(name: str, data_root: Path) -> UserError | None:
    """What is wrong with the files, as `coverseek prepare` would say it; None if nothing is."""
    try:
        DATASETS[name](Sizes(1, 1, 1), 0, data_root=data_root)
    except UserError as error:
        return error
    return None


def _download(name: str, data_root: Path) -> None:
    """Download and unpack; archives that are there and have the right sum are only unpacked."""
    from torchvision.datasets.utils import check_integrity

    source = partial(torchvision_datasets.torchvision_class(name), data_root, download=True)
    calls = {
        "emnist": [partial(source, split="balanced")],  # one archive holds all splits
        "svhn": [partial(source, split="train"), partial(source, split="test")],
    }.get(name, [source])
    folder, files = torchvision_datasets.required_files(name)
    paths = {data_root / folder / file: md5 for file, md5 in files.items()}
    timeout = socket.getdefaulttimeout()
    socket.setdefaulttimeout(TIMEOUT)
    try:
        with _moved_aside([p for p, md5 in paths.items() if not (md5 and check_integrity(p, md5))], data_root):
            for call in calls:
                call()
    except DAMAGE as error:
        why = " ".join(str(error).split()) or type(error).__name__
        where, addresses = _archives(name, data_root)
        raise UserError(
            f"{name} is not downloaded ({why}): put {', '.join(addresses)} into {where} and run this again"
        ) from None
    finally:
        socket.setdefaulttimeout(timeout)


@contextmanager
def _moved_aside(paths: list[Path], data_root: Path) -> Iterator[None]:
    """Move files away, because torchvision skips files that exist; if the block fails they are put back."""
    data_root.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=data_root, prefix=".download-") as aside:
        moved = {path: path.rename(Path(aside) / path.name) for path in paths if path.exists()}
        try:
            yield
        except BaseException:
            for path in paths:  # what the block has written may be cut off
                path.unlink(missing_ok=True)
            for path, copy in moved.items():
                copy.rename(path)
            raise


def _archives(name: str, data_root: Path) -> tuple[Path, list[str]]:
    """Where torchvision looks for the archives of a dataset, and their addresses."""
    source = torchvision_datasets.torchvision_class(name)
    if name == "svhn":
        return data_root, [source.split_list[split][0] for split in ("train", "test")]
    if name.startswith("cifar"):
        return data_root, [source.url]
    folder = data_root / torchvision_datasets.required_files(name)[0]
    return folder, [source.url] if name == "emnist" else [source.mirrors[0] + file for file, _ in source.resources]
