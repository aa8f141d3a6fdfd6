"""A file from the network: it gets its name only when its checksum is right."""

from __future__ import annotations

import hashlib
from http.client import HTTPException
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

from pipeline import files
from pipeline.data.download.progress import transfer
from pipeline.data.download.sources import Source
from pipeline.data.download.unpack import unpack
from pipeline.errors import UserError

BLOCK = 1 << 18  # bytes that are read at once
TIMEOUT = 30  # seconds without a byte
AGENT = {"User-Agent": "coverseek"}  # some servers refuse Python's own


def obtain(source: Source, data_root: Path) -> None:
    """Put the files of `source` where the dataset is read from; an archive that is there and right is not fetched.

    Raises:
        UserError: none of the addresses gives the right file, or the archive lacks a file.
    """
    folder = data_root / source.folder
    target = folder / source.name
    if not (target.is_file() and md5(target) == source.md5):
        _fetch(source, target)
    if source.packed:
        unpack(target, folder, source.files)


def md5(path: Path) -> str:
    """What the datasets' makers publish: it finds damage, and is no guard against forgery."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _fetch(source: Source, target: Path) -> None:
    reasons = []
    for url in source.urls:
        try:
            with files.whole(target) as draft:
                _copy(url, draft)
                _same(draft, source.md5)
            return
        except (OSError, HTTPException, UserError) as error:
            reasons.append(_reason(error))
    why, remedy = "; ".join(dict.fromkeys(reasons)), "and run this command again"
    raise UserError(f"{source.name} is not downloaded ({why}): put {source.urls[0]} into {target.parent}, {remedy}")


def _copy(url: str, draft: Path) -> None:
    with urlopen(Request(url, headers=AGENT), timeout=TIMEOUT) as answer:
        total = int(answer.headers.get("Content-Length") or 0)
        with draft.open("wb") as file, transfer(url.rpartition("/")[2], total) as advance:
            while block := answer.read(BLOCK):
                file.write(block)
                advance(len(block))


def _same(draft: Path, expected: str) -> None:
    found = md5(draft)
    if found != expected:
        raise UserError(f"its md5 is {found}, not {expected}")


def _reason(error: Exception) -> str:
    return " ".join(str(error.reason if isinstance(error, URLError) else error).split()) or type(error).__name__
