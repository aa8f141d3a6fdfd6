"""Addresses of tracking stores: where the store is, which file an address names, and what of it may be printed."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from pipeline import paths
from pipeline.errors import UserError

VARIABLE = "MLFLOW_TRACKING_URI"
HIDDEN = "***"
KINDS = "sqlite:///FILE, postgresql://USER:PASSWORD@HOST/DATABASE, http://HOST:PORT"
ALLOWED = f"allowed: {KINDS}, with reserved characters of a path or password quoted (% as %25, ? as %3F, @ as %40)"

_SCHEME = re.compile(r"[A-Za-z][\w+.-]*")
_PATH = re.compile(r"[^:@=?#&\x00-\x1f]+")
_HOST = re.compile(r"[\w.-]+|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*")
_DATABASE = re.compile(r"[\w./-]*")
_URL = re.compile(r"[A-Za-z][\w+.-]*://[^\s'\"<>]*[^\s'\"<>.,;:)]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SHORT = 4
"""Words of a password that have fewer characters are hidden as whole words only."""


def uri() -> str:
    """MLFLOW_TRACKING_URI if it is set, else the address of `mlflow.db` in the repository's root.

    Raises:
        UserError: MLFLOW_TRACKING_URI is not a valid address.
    """
    address = os.environ.get(VARIABLE) or sqlite(paths.TRACKING.resolve())
    database(address)
    return address


def sqlite(path: Path) -> str:
    """The address of the sqlite file at `path`, reserved characters quoted. Inverse of `database`."""
    return "sqlite:///" + path.as_posix().replace("%", "%25").replace("?", "%3F")


def database(address: str) -> Path | None:
    """The file of a sqlite store; None for another kind of store.

    Raises:
        UserError: `address` is malformed, or is a sqlite address without a file or with options.
    """
    if _CONTROL.search(address):
        raise UserError(f"{VARIABLE} holds a control character; {ALLOWED}")
    if "://" not in address:
        return None
    try:
        url, _ = make_url(address), urlsplit(address).port if address.startswith("http") else None
    except (ArgumentError, ValueError):
        raise UserError(f"{VARIABLE} ({shown(address)}) is malformed; {ALLOWED}") from None
    if url.drivername.partition("+")[0] != "sqlite":
        return None
    if not url.database or url.database == ":memory:" or url.host:
        raise UserError(f"{VARIABLE} ({shown(address)}) names no file; write sqlite:///FILE")
    if url.query:
        raise UserError(f"{VARIABLE} ({shown(address)}) has options; write sqlite:///FILE, a ? of its path as %3F")
    return Path(url.database)


def shown(address: str) -> str:
    """`address` as it may be printed: without user, password and options.

    Where a password cannot be separated from the rest, as with an unquoted `@` in it, only the scheme is left.
    """
    scheme, separator, rest = address.partition("://")
    if not separator:
        return address if _PATH.fullmatch(address) else HIDDEN
    if not _SCHEME.fullmatch(scheme):
        return HIDDEN
    before, options, after = rest.partition("?")
    if scheme.partition("+")[0] in ("sqlite", "file") and rest.startswith("/"):
        return _CONTROL.sub("", f"{scheme}://{before}") + options + HIDDEN * bool(options)
    place = None if rest.count("@") > 1 or "@" in after else _place(address)
    return f"{scheme}://{HIDDEN if place is None else place + options + HIDDEN * bool(options)}"


def scrub(text: str, address: str | None = None) -> str:
    """`text`, as a message of another library, without what may be a secret in `address` or in any other URL.

    Args:
        address: that of the store; None for MLFLOW_TRACKING_URI as it is set.
    """
    address = os.environ.get(VARIABLE, "") if address is None else address
    text = _URL.sub(lambda url: shown(url[0]), text.replace(address, shown(address)) if address else text)
    for secret in sorted(set(_secrets(address)), key=len, reverse=True):
        word = re.escape(secret)
        pattern = word if len(secret) >= _SHORT else rf"(?<!\w){word}(?!\w)"
        text = re.sub(pattern, HIDDEN, text, flags=re.IGNORECASE)
    return text


def _place(address: str) -> str | None:
    """Host, port and database of `address`; None where they hold anything that a password could be part of."""
    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        return None
    host, name = url.host or "", url.database or ""
    if (host and not _HOST.fullmatch(host)) or not _DATABASE.fullmatch(name):
        return None
    host = f"[{host}]" if ":" in host else host
    return f"{host}{f':{url.port}' if url.port else ''}{f'/{name}' if name else ''}"


def _secrets(address: str) -> Iterator[str]:
    """What may be a password in `address`, whole and word by word, as written and unquoted."""
    scheme, separator, rest = address.partition("://")
    if not separator or (scheme.partition("+")[0] in ("sqlite", "file") and rest.startswith("/")):
        return
    login, at, _ = rest.rpartition("@")
    zones = [option.partition("=")[2] or option for option in rest.partition("?")[2].split("&")]
    if at:
        zones.append(login.partition(":")[2] or login)
    elif shown(address).endswith(f"://{HIDDEN}"):
        zones.append(rest)
    for zone in zones:
        for text in (zone, unquote(zone)):
            yield from (part for part in (text, *re.split(r"\W+", text)) if part)
