"""download: a standard dataset from where its makers keep it -> the folder that the task's `data_root` names."""

from __future__ import annotations

from pathlib import Path

from pipeline.data.dataset import Sizes
from pipeline.data.datasets import DATASETS
from pipeline.data.download.fetch import obtain
from pipeline.data.download.sources import SOURCES, sources
from pipeline.errors import UserError, suggest

MADE_FROM = {"stacked_mnist": "mnist", "dynamic_mnist": "mnist"}
BY_HAND = ("celeba", "static_mnist")
"""CelebA lies behind a page that asks for a click; of static MNIST nobody has published a checksum."""


def main(name: str, data_root: Path, again: bool) -> None:
    """Download what is not there; `again`: check the sums of what is there, and unpack it anew.

    Raises:
        UserError: the dataset is none that is downloaded, has to be fetched by hand, or no address gives it.
    """
    known = [*SOURCES, *MADE_FROM, *BY_HAND]
    if name not in known:
        raise UserError(f"dataset {name!r} is none that is downloaded; {suggest(name, known)}")
    source = MADE_FROM.get(name, name)
    fault = _fault(source, data_root)
    if fault is None and (not again or source in BY_HAND):
        print(f"{name} is in {data_root} already: nothing to do")
        return
    if fault and source in BY_HAND:
        raise fault
    obtain(sources(source), data_root)
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
