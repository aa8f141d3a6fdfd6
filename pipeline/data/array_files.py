"""Arrays from npy, npz and safetensors files that another program wrote.

The files are not trusted: no pickle is opened, and a compressed array is unpacked only if its header declares less than
`MOST` bytes (zipfile reads no more of a member than that declares).
"""

from __future__ import annotations

import lzma
import math
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from pipeline.errors import UserError

Array = NDArray[Any]
SUFFIXES = (".npy", ".npz", ".safetensors")
MOST = 2**28
"""Bytes that an array may have, 256 MiB: far more than any task of this size needs."""
MOST_ARRAYS = 100
UNREADABLE = (OSError, ValueError, EOFError, RuntimeError, TypeError, BadZipFile, zlib.error, lzma.LZMAError)
"""What numpy and zipfile raise on a file that is damaged, encrypted or holds a pickle."""


def load_arrays(path: Path, names: Sequence[str]) -> dict[str, Array]:
    """Load the arrays called `names` that a file holds; if it holds only one array, that is names[0].

    Args:
        path: a file that ends in one of `SUFFIXES`.
        names: the arrays that are wanted; the others are not read.

    Returns:
        By name, the arrays that are there, names[0] among them; an npy is memory-mapped.

    Raises:
        UserError: the file is missing, damaged, too large, holds a pickle, or has no array names[0].
    """
    if not path.is_file():
        raise UserError(f"{path} is not a file" if path.exists() else f"{path} is missing")
    load = {".npy": _load_npy, ".npz": _load_npz, ".safetensors": _load_safetensors}[path.suffix.lower()]
    try:
        return load(path, names)
    except (*UNREADABLE, SafetensorError):
        raise UserError(
            f"{path} cannot be read: it is damaged, encrypted, no {path.suffix}, or holds a pickle"
        ) from None


def _load_npy(path: Path, names: Sequence[str]) -> dict[str, Array]:
    array = npy.open_memmap(path, mode="r")  # what np.load(mmap_mode="r") calls, without trying zip and pickle
    _check_size(str(path), array.shape, array.dtype)
    return {names[0]: array}


def _load_npz(path: Path, names: Sequence[str]) -> dict[str, Array]:
    """WHY version 1 alone: the header of a later one may be as long as the rest, and numpy reads it at once."""
    found = {}
    with ZipFile(path) as archive:
        members = [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
        for name, member in _select(path, members, names).items():
            what = f"{path}: {member}.npy"
            with archive.open(f"{member}.npy") as stream:
                if npy.read_magic(stream) != (1, 0):
                    raise UserError(f"{what} is not of version 1.0 of the npy format: save it with np.savez")
                shape, _, dtype = npy.read_array_header_1_0(stream)
            _check_size(what, shape, dtype)
            with archive.open(f"{member}.npy") as stream:
                found[name] = npy.read_array(stream, allow_pickle=False)
    return found


def _load_safetensors(path: Path, names: Sequence[str]) -> dict[str, Array]:
    found = {}
    with safe_open(path, framework="np") as file:
        for name, member in _select(path, list(file.keys()), names).items():
            part, what = file.get_slice(member), f"{path}: {member}"
            if part.get_dtype().startswith(("BF", "F8")):  # numpy has no such type
                raise UserError(f"{what} holds {part.get_dtype()}: save it as float32")
            found[name] = file.get_tensor(member)
            _check_size(what, found[name].shape, found[name].dtype)
    return found


def _select(path: Path, members: Sequence[str], names: Sequence[str]) -> dict[str, str]:
    """Name -> member, of those that are wanted."""
    if len(members) > MOST_ARRAYS or not all(member.isprintable() for member in members):
        raise UserError(f"{path} holds {len(members):,} arrays: save only those that are needed")
    if len(members) == 1:
        return {names[0]: members[0]}
    if names[0] not in members:
        raise UserError(f"{path} holds {', '.join(members) or 'nothing'}: name the array {names[0]}")
    return {name: name for name in names if name in members}


def _check_size(what: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    if (size := math.prod(shape) * dtype.itemsize) > MOST:
        raise UserError(f"{what} declares {size:,} bytes, and at most {MOST:,} are read: give fewer samples, or uint8")
