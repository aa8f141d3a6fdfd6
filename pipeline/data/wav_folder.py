"""A user's own sounds: data_root/<class>/<sound>.wav or data_root/<sound>.wav, cut into windows, in mu-law levels.

Files are split at random before they are cut, so that windows of one file are in one split. A split takes its windows
from its files in turn, the same number of each as far as they last, evenly spread without overlap. `sources` holds the
file of each window: windows of one file are not independent, and intervals resample files.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pipeline.contract import Event
from pipeline.data import conditions, mu_law
from pipeline.data.dataset import SPLITS, Dataset, Sizes, Split, unconditional
from pipeline.data.wav_files import list_wavs, read_wav
from pipeline.errors import UserError


class Windows(NamedTuple):
    """The windows of one file."""

    name: str
    x: NDArray[np.uint8]
    """(n, 1, length) levels."""


def wav_folder(
    sizes: Sizes,
    seed: int,
    *,
    data_root: Path,
    condition: Literal["none", "class"] = "none",
    length: Annotated[int, Field(strict=True, ge=16, le=65_536)] = 1024,
    levels: Annotated[int, Field(strict=True, ge=2, le=256)] = mu_law.LEVELS,
) -> Dataset:
    """Windows of `length` values; the class of one is the folder that its file lies in.

    Raises:
        UserError: there are fewer than three files, too few windows, several rates, or a file is damaged.
    """
    names = list_wavs(data_root)
    loose = [name for name in names if "/" not in name]
    if loose and condition == "class":
        raise UserError(f"{data_root / loose[0]} is in no class folder: condition class needs <class>/<sound>.wav")
    files, rate = _cut(data_root, names, length, levels)
    order = np.random.default_rng(seed).permutation(len(files))
    parts = _divide([files[row] for row in order], sizes, data_root)
    classes = [] if loose else sorted({name.partition("/")[0] for name in names})
    numbers = {windows.name: number for number, windows in enumerate(files)}
    splits = {
        name: _split(part, size, classes, condition, numbers)
        for name, part, size in zip(SPLITS, parts, sizes, strict=True)
    }
    described = conditions.describe(condition, (0, 0), len(classes) if condition == "class" else 0)
    return Dataset(Event((1, length), levels=levels, rate=rate), splits, described)


def _cut(root: Path, names: list[str], length: int, levels: int) -> tuple[list[Windows], int]:
    """The windows of each file that is long enough for one, and the rate of all files."""
    found, rates = list[Windows](), dict[int, str]()
    for name in names:
        sound = read_wav(root / name)
        rates.setdefault(sound.rate, name)
        if len(rates) > 1:
            different = " and ".join(f"{of} has {rate}" for rate, of in rates.items())
            raise UserError(f"{root} has sounds of several rates ({different}): bring them to one")
        count = len(sound.values) // length
        if count:
            x = mu_law.encode(sound.values[: count * length], levels).reshape(count, 1, length)
            found.append(Windows(name, x))
    if len(found) < len(SPLITS):
        raise UserError(f"{root} has {len(found)} files of {length} values or more; each of three splits needs one")
    return found, next(iter(rates))


def _divide(files: list[Windows], sizes: Sizes, root: Path) -> list[list[Windows]]:
    """Files in random order -> whole files for each split: as many as its size needs; training has all others."""
    counts = np.array([len(windows.x) for windows in files])
    if counts.sum() < sum(sizes):
        raise UserError(
            f"{root} has {counts.sum()} windows; train + validation + test = {sum(sizes)} is too many: choose a "
            "smaller `length` or fewer items"
        )
    parts: list[list[Windows]] = []
    rest = files
    for place, (name, size) in enumerate(zip(SPLITS[::-1], sizes[::-1], strict=True)):
        least = len(SPLITS) - 1 - place  # files that the later splits need
        taken, held = 0, 0
        while held < size and taken < len(rest) - least:
            held += len(rest[taken].x)
            taken += 1
        if held < size:
            raise UserError(
                f"{root}: the files of split {name} hold {held} windows, and {size} were requested: files are not "
                "divided between splits; ask for fewer items or give more files"
            )
        parts.append(rest[:taken])
        rest = rest[taken:]
    parts[-1] += rest  # training has what is left
    return parts[::-1]


def _split(files: list[Windows], size: int, classes: list[str], condition: str, numbers: dict[str, int]) -> Split:
    chosen = _choose([len(windows.x) for windows in files], size)
    x = np.concatenate([windows.x[rows] for windows, rows in zip(files, chosen, strict=True)])
    source = np.repeat([numbers[windows.name] for windows in files], [len(rows) for rows in chosen]).astype(np.int64)
    owners = [windows.name.partition("/")[0] for windows in files]
    label = None
    if classes:
        found = np.searchsorted(classes, owners)
        label = np.repeat(found, [len(rows) for rows in chosen]).astype(np.int64)
    c = label if condition == "class" and label is not None else unconditional(len(x))
    return Split(x, c, label, sources=source[:, None])


def _choose(available: list[int], size: int) -> list[NDArray[np.int64]]:
    """How many windows of each file, as evenly as they last, -> their places, evenly spread over the file."""
    quota = np.zeros(len(available), np.int64)
    while (missing := size - int(quota.sum())) > 0:
        open_files = np.flatnonzero(quota < np.array(available))
        share = max(1, missing // len(open_files))
        for row in open_files[:missing] if share == 1 else open_files:
            quota[row] += min(share, available[row] - quota[row])
    return [np.linspace(0, n - 1, k).round().astype(np.int64) for n, k in zip(available, quota, strict=True)]
