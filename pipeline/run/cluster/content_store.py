"""Files and folders by their md5, in the layout of DVC's cache: what a cell reads and writes on a node of a cluster.

Uses dvc_data alone. Importing DVC and opening its graph takes seconds; only the driver of a run does it.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar
from urllib.parse import urlsplit

from dvc_data.hashfile import db, load
from dvc_data.hashfile.build import build
from dvc_data.hashfile.checkout import checkout
from dvc_data.hashfile.hash_info import HashInfo
from dvc_data.hashfile.transfer import transfer
from dvc_objects.fs import _import_class, known_implementations
from dvc_objects.fs.local import localfs

PAUSES = (0.2, 1.0, 4.0)
"""Seconds before each further attempt at a file of a store that cannot be reached or does not show it yet."""
COPIES, LINKS = ("reflink", "copy"), ("reflink", "hardlink", "copy")
"""How a file gets to its path: the first way that the file system has."""
T = TypeVar("T")
_database: Any = db.get_odb  # declares no types


class StoreError(Exception):
    """A store cannot be used; the message is one line."""


def patiently(attempt: Callable[[], T], what: str) -> T:
    """The result of `attempt`, which is called again after each of `PAUSES` where it fails.

    Raises:
        StoreError: the last attempt failed as well.
    """
    for pause in (*PAUSES, None):
        try:
            return attempt()
        except Exception as error:  # each kind of store raises its own
            if pause is None:
                line = " ".join(f"{type(error).__name__}: {error}".split())
                raise StoreError(f"{what} ({line[:300]}); is the store reachable and not full?") from None
            time.sleep(pause)
    raise AssertionError


class ContentStore:
    """A store of files by md5.

    Args:
        address: a folder, or the URL of a DVC remote such as s3://bucket/folder, whose package is installed.
        hardlinks: whether `checkout` may make hard links, whose files must not be written to; else it copies.
    """

    def __init__(self, address: str, hardlinks: bool = False) -> None:
        self.address = address
        protocol = urlsplit(address).scheme
        if protocol in ("", "file"):
            folder = str(Path(address.removeprefix("file://")).absolute())
            self._objects: Any = _database(localfs, folder, hash_name="md5", type=[*(LINKS if hardlinks else COPIES)])
        else:
            kind = _import_class(known_implementations[protocol]["class"])
            fs = kind(**kind._get_kwargs_from_urls(address))
            self._objects = _database(fs, fs._strip_protocol(address), hash_name="md5")

    def names(self, md5: str) -> list[str]:
        """The md5 of a file, or of a folder and of each file in it.

        Raises:
            StoreError: a folder's list of files is not in the store.
        """
        if not md5.endswith(".dir"):
            return [md5]
        tree: Any = patiently(lambda: load(self._objects, _hash(md5)), f"{md5} is not in {self.address}")
        return list(dict.fromkeys([md5, *(str(found.value) for _, _, found in tree)]))

    def has(self, md5: str) -> bool:
        """Whether this file, or this folder's list of files, is in the store."""
        return bool(self._objects.exists(md5))

    def read(self, md5: str) -> bytes:
        """The bytes of one file, or of a folder's list of files."""

        def content() -> bytes:
            with self._objects.fs.open(self._objects.oid_to_path(md5), mode="rb") as file:
                return bytes(file.read())

        return patiently(content, f"{md5} cannot be read from {self.address}")

    def add(self, md5: str, content: bytes) -> None:
        """Store bytes under their md5.

        Raises:
            StoreError: they have another md5, or cannot be written.
        """
        found = hashlib.md5(content, usedforsecurity=False).hexdigest()
        if found != md5.partition(".")[0]:
            raise StoreError(f"{md5} arrived with the md5 {found}: run again")

        def write() -> None:
            with TemporaryDirectory() as folder:
                draft = Path(folder) / "draft"
                draft.write_bytes(content)
                self._objects.add(str(draft), localfs, md5)
            self._objects.check(md5, check_hash=True)

        patiently(write, f"{md5} cannot be written to {self.address}")

    def keep(self, path: Path) -> str:
        """Store a file or folder; its md5, of a folder with `.dir`."""

        def copy() -> str:
            staging, _, found = build(self._objects, str(path), localfs, "md5")
            transfer(staging, self._objects, {found.hash_info}, shallow=False)
            return str(found.hash_info.value)

        return patiently(copy, f"{path} cannot be written to {self.address}")

    def copy_to(self, other: ContentStore, md5s: Iterable[str]) -> None:
        """Copy files and folders, each checked by its md5 after the copy.

        Raises:
            StoreError: one is missing here, was damaged on the way, or the other store cannot be written.
        """
        wanted = {_hash(md5) for md5 in md5s}

        def copy() -> None:
            result = transfer(self._objects, other._objects, wanted, verify=True, shallow=False)
            lost = [str(each.value) for each in result.failed]
            lost += [str(each.value) for each in wanted if not other.has(str(each.value))]
            if lost:
                raise FileNotFoundError(", ".join(sorted(lost)[:3]))

        patiently(copy, f"files cannot be copied from {self.address} to {other.address}")

    def checkout(self, md5: str, path: Path) -> None:
        """Make `path` this file or folder: linked where the file system can, else copied."""

        def place() -> None:
            path.parent.mkdir(parents=True, exist_ok=True)
            checkout(
                str(path.absolute()), localfs, load(self._objects, _hash(md5)), self._objects, force=True, quiet=True
            )

        patiently(place, f"{path} cannot be made from {md5} of {self.address}")


def _hash(md5: str) -> Any:
    return HashInfo("md5", md5)
