"""One cell on a node of a cluster, in a private folder: fetch what it reads, run its command, send what it writes.

Nothing is written to a checkout, so that an attempt that was given up can only leave files behind that nobody reads.
`run` returns a value whatever happens: it neither raises nor exits.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil

from pipeline import plugins
from pipeline.run import worker
from pipeline.run.content_store import ContentStore, StoreError
from pipeline.run.stamp import digest
from pipeline.run.step import Step

LIBRARIES = ("ray", "torch", "numpy", "scipy", "scikit-learn", "torchvision")
"""That compute, or that driver and node talk through: their versions have to be equal on all nodes."""
GPUS = ("CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES")
"""Variables by which Ray gives GPUs to a task."""
LOG_BYTES = 1 << 20
"""The end of a log that is returned."""
LIMIT = 256 << 20
"""Bytes of outputs that are returned without a store."""
PACKAGE = Path(__file__).parents[1]


@dataclass(frozen=True)
class Call:
    """What a node gets.

    Attributes:
        step: the step.
        reads: path -> md5 of its inputs.
        writes: the paths of its outputs.
        files: path -> bytes of the settings that it reads.
        objects: md5 -> handle of the bytes of each input; empty where there is a store.
        store: the address of a store that all nodes reach; empty where the bytes themselves are sent.
        scratch: the folder for private folders and the node's cache; the temporary folder where it is empty.
        identity: as from `identity`, of the driver.
        environment: variables of the command.
        command: module:function of the command.
        preload: the modules that the server of processes imports.
    """

    step: Step
    reads: Mapping[str, str]
    writes: tuple[str, ...]
    files: Mapping[str, bytes]
    objects: Mapping[str, Any]
    store: str
    scratch: str
    identity: Mapping[str, str]
    environment: Mapping[str, str]
    command: str
    preload: tuple[str, ...]


class LostError(Exception):
    """The node lost its inputs; the message is one line."""


@dataclass
class Answer:
    """What a node returns: `refused`, `lost` and `why` are one line each, and empty where all went well.

    Attributes:
        refused: how the node differs from the driver; nothing ran.
        lost: why the cell can run again elsewhere, through no fault of its own.
        why: why the cell has failed.
    """

    refused: str = ""
    lost: str = ""
    why: str = ""
    seconds: float = 0.0
    log: bytes = b""
    wrote: dict[str, str] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)
    peak: int = 0
    node: str = ""


def run(call: Call, node: str, get: Callable[[Sequence[Any]], Sequence[bytes]]) -> Answer:
    """Run one cell.

    Args:
        call: the cell.
        node: the name of this node.
        get: the bytes of handles; raises `LostError` where they are lost.
    """
    answer = Answer(node=node)
    try:
        answer.refused = differences(call.identity, identity())
        if not answer.refused:
            _run(call, get, answer)
            if changed := differences(call.identity, identity()):
                answer.why = answer.why or f"the node changed while it ran: {changed}"
    except StoreError as error:
        answer.why = str(error)
    except LostError as error:
        answer.lost = str(error)
    except Exception as error:
        answer.why = " ".join(f"{type(error).__name__}: {error}".split())
    except BaseException:  # a signal: the command's own exit ends another process
        answer.lost = "the node was stopped"
    return answer


def _run(call: Call, get: Callable[[Sequence[Any]], Sequence[bytes]], answer: Answer) -> None:
    root = Path(call.scratch or tempfile.gettempdir()) / f"coverseek-{os.getuid()}"
    _remove_orphans(root / "cells")
    cache = ContentStore(str(root / "files" / "md5"), hardlinks=True)
    with _private_folder(root / "cells") as folder:
        for path, content in call.files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
        _fetch(call, cache, get)
        for path, md5 in call.reads.items():
            cache.checkout(md5, folder / path)
        start = time.monotonic()
        answer.why, answer.peak = _fork(call, folder)
        answer.seconds = time.monotonic() - start
        log = folder / call.step.log
        answer.log = log.read_bytes()[-LOG_BYTES:] if log.exists() else b""
        if not answer.why:
            _send(call, cache, folder, answer)


def _fetch(call: Call, cache: ContentStore, get: Callable[[Sequence[Any]], Sequence[bytes]]) -> None:
    if call.store:
        ContentStore(call.store).copy_to(cache, call.reads.values())
        return
    missing = [md5 for md5 in call.objects if not cache.has(md5)]
    for md5, content in zip(missing, get([call.objects[md5] for md5 in missing]), strict=True):
        cache.add(md5, content)


def _fork(call: Call, folder: Path) -> tuple[str, int]:
    """Why the command failed, or nothing, and the most bytes of memory that it was seen to take."""
    worker.COMMAND, worker.PRELOAD = call.command, list(call.preload)
    worker.warm_up()
    gpus = {name: os.environ[name] for name in GPUS if name in os.environ}  # the server of processes has older ones
    with _program_hidden():
        process = worker.Worker(call.step, folder, gpus | dict(call.environment))
    peak = 0
    try:
        while not process.wait(0.5):
            peak = max(peak, process.memory())
        return process.end(), peak
    finally:
        process.stop()


@contextmanager
def _program_hidden() -> Iterator[None]:
    """A process that is started in the block does not import the program of this one: Ray's takes a second."""
    program = sys.modules["__main__"].__dict__
    path = program.pop("__file__", None)
    try:
        yield
    finally:
        if path is not None:
            program["__file__"] = path


def _send(call: Call, cache: ContentStore, folder: Path, answer: Answer) -> None:
    missing = [path for path in call.writes if not (folder / path).exists()]
    if missing:
        answer.why = f"its command did not write {', '.join(missing)}"
        return
    answer.wrote = {path: cache.keep(folder / path) for path in call.writes}
    if call.store:
        cache.copy_to(ContentStore(call.store), answer.wrote.values())
        return
    names = {name for md5 in answer.wrote.values() for name in cache.names(md5)}
    answer.objects = {name: cache.read(name) for name in names}
    size = sum(map(len, answer.objects.values()))
    if size > LIMIT:
        answer.objects = {}
        answer.why = (
            f"its outputs have {size >> 20} MiB; without a store at most {LIMIT >> 20}: set store in cluster.yaml"
        )


@contextmanager
def _private_folder(parent: Path) -> Iterator[Path]:
    """A folder of this attempt alone. Its name begins with the process's number."""
    folder = parent / f"{os.getpid()}-{uuid.uuid4().hex}"
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _remove_orphans(parent: Path) -> None:
    """Remove the folders of processes that were killed."""
    for folder in parent.glob("*-*"):
        number = folder.name.partition("-")[0]
        if number.isdecimal() and not psutil.pid_exists(int(number)):
            shutil.rmtree(folder, ignore_errors=True)


def identity() -> dict[str, str]:
    """What has to be equal on the driver and on a node: Python, libraries, the code of this package and of plugins."""
    return {"Python": platform.python_version(), **_versions(), "the code": _code(digest(*_sources()))}


def differences(expected: Mapping[str, str], found: Mapping[str, str]) -> str:
    """'torch is 2.13.0, and 2.14.1 where the run was started', for each difference; empty where there is none."""
    return "; ".join(
        f"{name} is {found.get(name, 'missing')}, and {value} where the run was started"
        for name, value in expected.items()
        if found.get(name) != value
    )


def _sources() -> list[Path]:
    return [PACKAGE, *plugins.everywhere()]


@lru_cache(maxsize=1)
def _versions() -> dict[str, str]:
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "missing"
    return found


@lru_cache(maxsize=1)
def _code(stamp: str) -> str:
    """The first 12 digits of a sha256 over all .py files; `stamp` changes when one of them does."""
    result = hashlib.sha256()
    for root in _sources():
        for path in sorted(root.rglob("*.py")) if root.is_dir() else [root]:
            result.update(f"{path.relative_to(root).as_posix()}\n".encode() + path.read_bytes())
    return result.hexdigest()[:12]
