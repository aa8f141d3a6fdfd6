"""How files get from one cache to another: through a store that both sides reach, or as bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from pipeline.run.cluster.content_store import ContentStore

OBJECTS = "files/md5"
"""Below the address of a store, as in a DVC remote: `dvc pull` finds the files there."""
T = TypeVar("T")


class Transport:
    """One side of the way.

    Args:
        cache: the cache of this side.
        address: a folder, or the URL of a DVC remote, that both sides reach; empty where bytes are sent.
    """

    def __init__(self, cache: ContentStore, address: str) -> None:
        self.cache = cache
        self._store = ContentStore(f"{address.rstrip('/')}/{OBJECTS}") if address else None

    def offer(self, md5s: Iterable[str]) -> list[str]:
        """Make files and folders of this side's cache available to the other side.

        Returns:
            The md5 of each file whose bytes have to be sent; none where there is a store.

        Raises:
            StoreError: one is missing here, or the store cannot be written.
        """
        md5s = list(md5s)
        if self._store:
            self.cache.copy_to(self._store, md5s)
            return []
        return list(dict.fromkeys(name for md5 in md5s for name in self.cache.names(md5)))

    def accept(
        self, md5s: Iterable[str], sent: Mapping[str, T], load: Callable[[Sequence[T]], Iterable[bytes]]
    ) -> None:
        """Put files and folders that the other side offered into this side's cache.

        Args:
            sent: md5 -> handle of the bytes, for what `offer` returned.
            load: the bytes of handles; called with those of files that this side lacks.

        Raises:
            StoreError: one was damaged on the way, or a store cannot be used.
        """
        if self._store:
            self._store.copy_to(self.cache, md5s)
        missing = [md5 for md5 in sent if not self.cache.has(md5)]
        for md5, content in zip(missing, load([sent[md5] for md5 in missing]), strict=True):
            self.cache.add(md5, content)

    def checkout(self, files: Mapping[str, str], folder: Path) -> None:
        """Make `folder / path` the file or folder with the md5, for each path -> md5."""
        for path, md5 in files.items():
            self.cache.checkout(md5, folder / path)
