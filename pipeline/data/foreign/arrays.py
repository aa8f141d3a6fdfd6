"""Arrays in a file of a stranger, npy, npz or safetensors: first what it declares, then as many rows as are wanted.

A header is a few bytes, whatever stands behind it. So shape and type are known before memory is spent, an array that
nobody asks for is never unpacked, and a member of an archive that is longer than it says is cut where it said.
"""

from __future__ import annotations

import lzma
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from zipfile import ZipFile

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from pipeline.data.given import UNREADABLE
from pipeline.errors import UserError

Array = NDArray[Any]
SUFFIXES = (".npy", ".npz", ".safetensors")
MOST = 2**28
"""Bytes that an array may have, 256 MiB: far more than any task of this size needs."""
MEMBERS = 100
"""Arrays that a file may hold."""
DAMAGED = (*UNREADABLE, lzma.LZMAError, SafetensorError)
TENSORS = {
    "BOOL": "?", "U8": "u1", "I8": "i1", "U16": "u2", "I16": "i2", "U32": "u4", "I32": "i4", "U64": "u8", "I64": "i8",
    "F16": "f2", "F32": "f4", "F64": "f8",
}  # fmt: skip
"""A type of safetensors -> that of numpy, which has no bfloat16 and no float8."""


@dataclass(frozen=True)
class Declared:
    """An array as its header describes it. `take(n)` reads the first n rows, all where it has fewer; it works once."""

    what: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    take: Callable[[int], Array]

    def rows(self, count: int | None = None) -> Array:
        """(N, ...): the first `count` rows, or all.

        Raises:
            UserError: the array has no rows, or declares more than `MOST` bytes.
        """
        if not self.shape:
            raise UserError(f"{self.what} is a number: give an array with a row for each sample")
        size = math.prod(self.shape) * self.dtype.itemsize
        if size > MOST:
            raise UserError(
                f"{self.what} declares {size:,} bytes, and at most {MOST:,} are read: give fewer samples, or uint8"
            )
        return self.take(self.shape[0] if count is None else min(count, self.shape[0]))


@contextmanager
def opened(path: Path) -> Iterator[Mapping[str, Declared]]:
    """By name, what a file holds; the array of an npy, and a lone one of another file, is named x.

    Raises:
        UserError: the file is missing, damaged, of another kind or holds a pickle; also where that shows on reading.
    """
    if not path.is_file():
        raise UserError(f"{path} is not a file" if path.exists() else f"{path} is missing")
    with ExitStack() as stack:
        try:
            found = READERS[path.suffix.lower()](path, stack)
            yield {"x": next(iter(found.values()))} if len(found) == 1 else found
        except DAMAGED:
            raise UserError(f"{path} cannot be read: it is damaged, encrypted or no {path.suffix}") from None


def _npy(path: Path, stack: ExitStack) -> dict[str, Declared]:
    return {"x": _declared(stack.enter_context(path.open("rb")), str(path))}


def _npz(path: Path, stack: ExitStack) -> dict[str, Declared]:
    archive = stack.enter_context(ZipFile(path))
    names = [name for name in archive.namelist() if name.endswith(".npy")]
    _few(path, names)
    return {
        name.removesuffix(".npy"): _declared(stack.enter_context(archive.open(name)), f"{path}: {name}")
        for name in names
    }


def _safetensors(path: Path, stack: ExitStack) -> dict[str, Declared]:
    file = stack.enter_context(safe_open(path, framework="np"))
    found = {}
    _few(path, file.keys())
    for name in file.keys():  # noqa: SIM118  it is no mapping
        part = file.get_slice(name)
        if part.get_dtype() not in TENSORS:
            raise UserError(f"{path}: {name} holds {part.get_dtype()}: save it as float32")
        shape, dtype = tuple(part.get_shape()), np.dtype(TENSORS[part.get_dtype()])
        found[name] = Declared(f"{path}: {name}", shape, dtype, lambda count, part=part: part[:count])  # type: ignore[misc]
    return found


def _few(path: Path, names: Sequence[str]) -> None:
    """Few enough to be opened, and fit to be named in a line."""
    if len(names) > MEMBERS or not all(name.isprintable() for name in names):
        raise UserError(f"{path} holds {len(names):,} arrays: save x alone, and c where the task has a condition")


READERS = {".npy": _npy, ".npz": _npz, ".safetensors": _safetensors}


def _declared(stream: IO[bytes], what: str) -> Declared:
    """Of an npy. WHY version 1 alone: the header of a later one may be as long as the rest, and is read at once."""
    if npy.read_magic(stream) != (1, 0):
        raise UserError(f"{what} is not of version 1.0 of the npy format: save it with np.save or np.savez")
    shape, fortran, dtype = npy.read_array_header_1_0(stream)
    if dtype.hasobject:
        raise UserError(f"{what} holds Python objects, which are a pickle: save an array of numbers")
    if fortran and len(shape) > 1:
        raise UserError(f"{what} is stored in Fortran's order: save np.ascontiguousarray(x)")
    if any(size < 0 for size in shape):
        raise ValueError(f"{shape} is no shape")

    def take(count: int) -> Array:
        size = count * math.prod(shape[1:]) * dtype.itemsize
        read = stream.read(size)
        if len(read) < size:
            raise EOFError(what)
        return np.frombuffer(read, dtype).reshape(count, *shape[1:])

    return Declared(what, shape, dtype, take)
