"""Archives, with distrust: only the files that are wanted, by their bare names, so that no path leaves the folder.

Links and devices are passed over; no file has its name before it is whole.
"""

from __future__ import annotations

import gzip
import shutil
import tarfile
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Protocol
from zipfile import BadZipFile, ZipFile

from pipeline import files
from pipeline.errors import UserError

DAMAGE = (tarfile.TarError, BadZipFile, gzip.BadGzipFile, EOFError, zlib.error)


class Readable(Protocol):
    """As much of a file as is needed of it."""

    def read(self, size: int = -1, /) -> bytes: ...


def unpack(archive: Path, folder: Path, wanted: Collection[str]) -> None:
    """Write the files `wanted` of a .tar.gz, a .zip or a .gz into `folder`; what is gzipped inside is unpacked too.

    Raises:
        UserError: the archive is damaged or lacks a file, or the folder takes none.
    """
    missing = set(wanted)
    try:
        for name, content in _members(archive):
            if name in wanted:
                with files.whole(folder / name) as draft, draft.open("wb") as file:
                    shutil.copyfileobj(content, file)
                missing.discard(name)
    except DAMAGE:
        raise UserError(f"{archive} is damaged; delete it and run the command again") from None
    except OSError as error:
        raise UserError(
            f"{archive} cannot be unpacked ({error.strerror}): make room in {folder}, or allow it"
        ) from None
    if missing:
        raise UserError(f"{archive} does not hold {min(missing)}; delete it and run the command again")


def _members(archive: Path) -> Iterator[tuple[str, Readable]]:
    """Bare name and content of each plain file."""
    if archive.name.endswith(".tar.gz"):
        with tarfile.open(archive) as tar:
            for member in tar:
                if member.isfile() and (content := tar.extractfile(member)):
                    yield PurePosixPath(member.name).name, content
    elif archive.suffix == ".zip":
        with ZipFile(archive) as packed:
            for info in packed.infolist():
                if not info.is_dir():
                    with packed.open(info) as content:
                        yield _plain(PurePosixPath(info.filename).name, content)
    else:
        with archive.open("rb") as content:
            yield _plain(archive.name, content)


def _plain(name: str, content: IO[bytes]) -> tuple[str, Readable]:
    """What is gzipped by itself is opened."""
    return (name.removesuffix(".gz"), gzip.GzipFile(fileobj=content)) if name.endswith(".gz") else (name, content)
