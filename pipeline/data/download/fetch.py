"""A file from the network: it gets its name only when its checksum is right."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
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


def obtain(parts: Sequence[Source], data_root: Path) -> None:
    """Put the files of a dataset where it is read from; what is there and right is not fetched.

    Raises:
        UserError: none of the addresses gives the right file, or an archive lacks one.
    """
    targets = {source: data_root / source.folder / source.name for source in parts}
    waiting = [source for source, target in targets.items() if not (target.is_file() and md5(target) == source.md5)]
    while waiting:
        _fetch(waiting, targets[waiting[0]])
        del waiting[0]
    for source, target in targets.items():
        if source.packed:
            unpack(target, target.parent, source.files)


def md5(path: Path) -> str:
    """What the datasets' makers publish: it finds damage, and is no guard against forgery."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _fetch(waiting: Sequence[Source], target: Path) -> None:
    """The first of those that wait."""
    reasons = []
    for url in waiting[0].urls:
        try:
            with files.whole(target) as draft:
                _copy(url, draft)
                _same(draft, waiting[0].md5)
            return
        except (OSError, HTTPException, UserError) as error:
            reasons.append(_reason(error))
    why, by_hand = "; ".join(dict.fromkeys(reasons)), ", ".join(source.urls[0] for source in waiting)
    raise UserError(f"{target.name} is not downloaded ({why}): put {by_hand} into {target.parent} and run this again")


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
