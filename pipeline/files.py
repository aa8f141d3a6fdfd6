"""Bytes on disk: whole or not at all, the same bytes for the same content, hashed, and never a pickle."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import UserError

Arrays = dict[str, NDArray[Any]]


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Yield a temporary sibling of `path`; it replaces `path` only when the block ends without an exception.

    A file is replaced atomically: whenever the process is killed, `path` holds the old or the new bytes.
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
def whole_folder(path: Path) -> Iterator[Path]:
    """Like `whole`, for a folder that the block fills."""
    with whole(path) as draft:
        draft.mkdir()
        yield draft


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Sorted keys, no NaN, one trailing newline."""
    text = json.dumps(content, indent=2, sort_keys=True, allow_nan=False) + "\n"
    with whole(path) as draft:
        draft.write_text(text, encoding="utf-8")


def read_json(path: Path, mend: str, *keys: str) -> dict[str, Any]:
    """Raises `UserError`, naming the command that mends it, where the file is missing, damaged or lacks a key."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path} is missing; make it with: {mend}") from None
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise UserError(f"{path} is damaged; make it again with: {mend}") from None
    if not isinstance(content, dict) or not content.keys() >= set(keys):
        raise UserError(f"{path} is damaged; make it again with: {mend}")
    return content


def write_npz(path: Path, arrays: Arrays) -> None:
    with whole(path) as draft, draft.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def read_npz(path: Path, mend: str) -> Arrays:
    """Raises `UserError`, naming the command that mends it, where the file is missing, damaged or holds a pickle."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except FileNotFoundError:
        raise UserError(f"{path} is missing; make it with: {mend}") from None
    except (ValueError, OSError, EOFError, BadZipFile):
        raise UserError(f"{path} is damaged; make it again with: {mend}") from None


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def md5(path: Path) -> str:
    """The hash by which dvc.lock knows a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


def _replace(path: Path, draft: Path) -> None:
    """No system call replaces a folder that is not empty: the old one is moved aside before the new one is renamed."""
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
