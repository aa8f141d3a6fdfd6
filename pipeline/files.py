"""Reading and writing files: atomic writes, reproducible bytes, validated reads, hashes; never a pickle."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
import os
import shutil
import struct
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from zipfile import BadZipFile

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json, to_json

from pipeline.errors import LONGEST, UserError

Arrays = dict[str, NDArray[Any]]
Schema = TypeVar("Schema", bound=BaseModel)

LARGEST_JSON, LARGEST_CSV = 2**26, 2**28
"""Bytes."""
BLOCK = 2**24
"""Bytes of an array that are written at a time."""
NPZ_ERRORS = (
    BadZipFile, EOFError, KeyError, MemoryError, OSError, OverflowError, RuntimeError, SyntaxError, TypeError,
    ValueError, struct.error, zlib.error,
)  # fmt: skip
"""All that zipfile and numpy raise on damaged files."""


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a temporary sibling of `path`, which replaces `path` when the block ends without an exception.

    A file is replaced atomically: if the process is killed, `path` holds the old or the new bytes.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.part")
    _remove(draft)
    try:
        yield draft
        _replace(path, draft)
    finally:
        _remove(draft)


@contextmanager
def atomic_dir(path: Path) -> Iterator[Path]:
    """Like `atomic_write`, for a folder that the block fills."""
    with atomic_write(path) as draft:
        draft.mkdir()
        yield draft


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Sorted keys, no NaN, one trailing newline."""
    text = json.dumps(content, indent=2, sort_keys=True, allow_nan=False) + "\n"
    with atomic_write(path) as draft:
        draft.write_text(text, encoding="utf-8")


def read_json(path: Path, hint: str, *keys: str, schema: type[BaseModel] | None = None) -> dict[str, Any]:
    """Read a file that holds one JSON object.

    Args:
        path: a file in UTF-8, not larger than `LARGEST_JSON` bytes.
        hint: the command that makes the file, for the error message.
        keys: required keys.
        schema: validates the object in strict mode: text is not converted to a number.

    Raises:
        UserError: the file is missing or damaged.
    """
    try:
        content = parse_json(_bytes(path, hint, LARGEST_JSON))
    except ValueError as error:
        raise damaged(path, str(error), hint) from None
    if not isinstance(content, dict):
        raise damaged(path, "it holds no object", hint)
    for key in keys:
        if key not in content:
            raise damaged(path, f"{key} is missing", hint)
    if schema is not None:
        _validate(schema, content, path, hint)
    return content


def read_record(path: Path, hint: str, schema: type[Schema]) -> Schema:
    """Like `read_json`, returning an object of `schema`."""
    return _validate(schema, read_json(path, hint), path, hint)


def read_utf8(path: Path, hint: str, most: int = LARGEST_CSV) -> str:
    """The text of a UTF-8 file of at most `most` bytes. Raises `UserError` if it is missing or not such a file."""
    try:
        return _bytes(path, hint, most).decode("utf-8")
    except UnicodeDecodeError:
        raise damaged(path, "not UTF-8", hint) from None


def parse_json(text: str | bytes) -> object:
    """The value of a JSON text without NaN, numbers beyond 64 bits or nesting deeper than 200.

    Raises:
        ValueError: it is not such a text.
    """
    content = from_json(text, allow_inf_nan=False)
    values = [content]
    while values:
        value = values.pop()
        if isinstance(value, dict):
            values.extend(value.values())
        elif isinstance(value, list):
            values.extend(value)
        elif (isinstance(value, int) and abs(value) >= 2**63) or value in (math.inf, -math.inf):
            raise ValueError("a number is too large")
    return content


def damaged(path: Path, why: str, hint: str) -> UserError:
    """The error for a damaged file; `hint` is the command that makes it."""
    return UserError(f"{path} is damaged ({' '.join(why.split())}); make it again with: {hint}")


def _bytes(path: Path, hint: str, most: int) -> bytes:
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            content = file.read(min(size, most) + 1)  # `read` allocates all that it is asked for
    except FileNotFoundError:
        raise UserError(f"{path} is missing; make it with: {hint}") from None
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}); make it again with: {hint}") from None
    if size > most:
        raise damaged(path, f"more than {most:,} bytes", hint)
    return content


def _validate(schema: type[Schema], content: dict[str, Any], path: Path, hint: str) -> Schema:
    """Validated as JSON, since strict mode accepts a list for a tuple only there."""
    try:
        return schema.model_validate_json(to_json(content), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part)[:LONGEST] for part in first["loc"])
        raise damaged(path, f"{where}: {first['msg'].lower()}" if where else first["msg"], hint) from None


def read_csv(path: Path, hint: str, schema: type[Schema]) -> list[Schema]:
    """Read a table with a header: a record of `schema` for each row; an empty cell takes the default of its field.

    Raises:
        UserError: the file is missing or damaged.
    """
    try:
        return parse_csv(read_utf8(path, hint), schema)
    except ValueError as error:
        raise damaged(path, str(error), hint) from None


def parse_csv(text: str, schema: type[Schema]) -> list[Schema]:
    """Like `read_csv`, from text.

    Raises:
        ValueError: a column is missing, or a row does not fit; the message names the line.
    """
    rows = csv.DictReader(io.StringIO(text, newline=""))
    needed = [field.alias or name for name, field in schema.model_fields.items() if field.is_required()]
    try:
        if missing := [name for name in needed if name not in (rows.fieldnames or ())]:
            raise ValueError(f"the column {missing[0]} is missing")
        return [_row(schema, row, rows.line_num) for row in rows]
    except csv.Error as error:
        raise ValueError(f"line {rows.line_num}: {error}") from None


def _row(schema: type[Schema], row: dict[str, Any], line: int) -> Schema:
    if None in row or None in row.values():
        raise ValueError(f"line {line}: it does not have as many cells as the header")
    try:
        return schema.model_validate({name: cell for name, cell in row.items() if cell != ""})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part)[:LONGEST] for part in first["loc"])
        raise ValueError(f"line {line}: {where}: {first['msg'].lower()}") from None


@dataclass(frozen=True)
class ArraySpec:
    """Requirements on an array in a file.

    Args:
        kinds: allowed values of numpy's `dtype.kind`: "f", "u", "i", "b".
        shape: None allows any size of an axis.
        below: integers must be in [0, below).
        optional: the array may be missing.
    """

    kinds: str
    shape: tuple[int | None, ...]
    below: int | None = None
    optional: bool = False

    def misfit(self, array: NDArray[Any]) -> str | None:
        """The violated requirement on type and shape, or None; no value is read."""
        if array.dtype.kind not in self.kinds:
            return f"type {array.dtype}"
        expected = tuple(a if b is None else b for a, b in zip(array.shape, self.shape, strict=False))
        if array.ndim != len(self.shape) or array.shape != expected:
            return f"shape {array.shape}"
        return None

    def fault(self, array: NDArray[Any]) -> str | None:
        """The violated requirement, or None."""
        if unfit := self.misfit(array):
            return unfit
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            return "a value that is not finite"
        if self.below is not None and array.size and not 0 <= array.min() <= array.max() < self.below:
            return f"a value outside 0 to {self.below - 1}"
        return None


def write_npz(path: Path, arrays: Arrays) -> None:
    with atomic_write(path) as draft, draft.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def read_npz(path: Path, hint: str, specs: Mapping[str, ArraySpec] | None = None) -> Arrays:
    """Read the arrays of a file.

    Args:
        path: an .npz file without pickled objects.
        hint: the command that makes the file, for the error message.
        specs: requirements on arrays, by name; other arrays are not checked.

    Raises:
        UserError: the file is missing or damaged.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except FileNotFoundError:
        raise UserError(f"{path} is missing; make it with: {hint}") from None
    except NPZ_ERRORS:
        raise UserError(f"{path} is damaged; make it again with: {hint}") from None
    for name, spec in (specs or {}).items():
        if name not in arrays and not spec.optional:
            raise damaged(path, f"it holds no array {name}", hint)
        fault = spec.fault(arrays[name]) if name in arrays else None
        if fault:
            raise damaged(path, f"array {name} has {fault}", hint)
    return arrays


def write_npy(path: Path, array: NDArray[Any]) -> None:
    """Write an array that may be mapped from a file, `BLOCK` bytes at a time."""
    step = max(1, BLOCK // max(1, math.prod(array.shape[1:]) * array.dtype.itemsize))
    header = {"descr": npy.dtype_to_descr(array.dtype), "fortran_order": False, "shape": array.shape}
    with atomic_write(path) as draft, draft.open("wb") as file:
        npy.write_array_header_1_0(file, header)
        for start in range(0, len(array), step):
            file.write(np.ascontiguousarray(array[start : start + step]).tobytes())


def map_npy(path: Path, hint: str, spec: ArraySpec) -> NDArray[Any]:
    """Map the array of an .npy file into memory: what is read of it is loaded then, and no value is checked.

    Args:
        path: a file without pickled objects.
        hint: the command that makes the file, for the error message.
        spec: requirements on its type and shape.

    Raises:
        UserError: the file is missing or damaged, or holds another array.
    """
    try:
        array: NDArray[Any] = np.load(path, mmap_mode="c", allow_pickle=False)
    except FileNotFoundError:
        raise UserError(f"{path} is missing; make it with: {hint}") from None
    except NPZ_ERRORS:
        raise UserError(f"{path} is damaged; make it again with: {hint}") from None
    if fault := spec.misfit(array):
        raise damaged(path, f"it has {fault}", hint)
    return array


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def md5(path: Path) -> str:
    """The hash of a file in dvc.lock."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


def _replace(path: Path, draft: Path) -> None:
    """No system call replaces a non-empty folder, so the old one is moved away before the new one is renamed."""
    if not (draft.is_dir() or path.is_dir()):
        draft.replace(path)
        return
    old = path.with_name(f".{path.name}.old")
    _remove(old)
    if path.exists() or path.is_symlink():
        path.rename(old)
    draft.rename(path)
    _remove(old)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
