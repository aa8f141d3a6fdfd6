"""Files of a dataset on the user's disk: all there, readable and undamaged, or one line that says what to do."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import UserError


def present(folder: Path, names: Sequence[str], remedy: str) -> None:
    """`remedy`: how to get them, said of the files."""
    missing = [name for name in names if not (folder / name).exists()]
    if missing:
        raise UserError(f"{folder / missing[0]} is missing: {folder} must hold {', '.join(names)}; {remedy}")


def downloadable(name: str, data_root: Path) -> str:
    """The remedy of a dataset that `coverseek download` knows."""
    return f"put them there, set data_root, or run: coverseek download {name} --data-root {data_root}"


def content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise unreadable(path, error) from None


def unreadable(path: Path, error: OSError) -> UserError:
    return UserError(f"{path} cannot be read ({error.strerror}); allow it, or copy it again")


def damaged(path: Path, why: str) -> UserError:
    return UserError(f"{path} is damaged: {why}; copy it again")


def classes(label: NDArray[np.uint8], count: int, path: Path) -> NDArray[np.int64]:
    """Labels as they are stored, all of them below `count`."""
    if label.max() >= count:
        raise damaged(path, f"it holds label {label.max()}, the largest is {count - 1}")
    return label.astype(np.int64)
