"""One cell on a node of a cluster, in a private folder: fetch what it reads, run its command, send what it writes.

Nothing is written to a checkout, so that an attempt that was given up can only leave files behind that nobody reads.
`run` returns a value whatever happens: it neither raises nor exits.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from pipeline import files
from pipeline.metrics.evaluation import code_hash
from pipeline.run import worker
from pipeline.run.cluster.content_store import ContentStore, StoreError
from pipeline.run.cluster.node_identity import differences, identity
from pipeline.run.cluster.private_folder import private_folder, remove_orphans, root
from pipeline.run.cluster.remote_call import Answer, Call, LostError
from pipeline.run.cluster.transport import OBJECTS, Transport

GPUS = ("CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES")
"""Variables by which Ray gives GPUs to a task."""
LOG_BYTES = 1 << 20
"""The end of a log that is returned."""
LIMIT = 256 << 20
"""Bytes of outputs that are returned without a store."""
HASHES = code_hash.FILE
"""Of the code of each metric: an evaluation takes a second to make them, and a node keeps them for the next one."""
Load = Callable[[Sequence[Any]], Sequence[bytes]]


def run(call: Call, node: str, load: Load) -> Answer:
    """Run one cell.

    Args:
        call: the cell.
        node: the id of this node.
        load: the bytes of handles; raises `LostError` where they are lost.
    """
    answer = Answer(node=node)
    try:
        answer.refused = differences(call.identity, identity())
        if not answer.refused:
            _run(call, load, answer)
            if changed := differences(call.identity, identity()):
                answer.why = answer.why or f"the node changed while it ran: {changed}"
    except StoreError as error:
        answer.why = str(error)
    except LostError as error:
        answer.lost = str(error)
    except Exception as error:
        answer.why = " ".join(f"{type(error).__name__}: {error}".split())
    except BaseException as error:  # a signal: the command's own exit ends another process
        answer.lost = f"the node was stopped ({type(error).__name__})"
    return answer


def _run(call: Call, load: Load, answer: Answer) -> None:
    here = root(call.scratch)
    remove_orphans(here / "cells")
    transport = Transport(ContentStore(str(here / OBJECTS), hardlinks=True), call.store)
    with private_folder(here / "cells") as folder:
        for path, content in call.files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
        transport.accept(call.reads.values(), call.sent, load)
        transport.checkout(call.reads, folder)
        _copy(here / HASHES.name, folder / HASHES)
        _execute(call, folder, answer)
        _copy(folder / HASHES, here / HASHES.name)
        log = folder / call.step.log
        answer.log = log.read_bytes()[-LOG_BYTES:] if log.exists() else b""
        if not answer.why:
            _send(call, transport, folder, answer)


def _execute(call: Call, folder: Path, answer: Answer) -> None:
    """Run the command in a process that is forked from a server with the libraries loaded."""
    worker.COMMAND, worker.PRELOAD = call.command, list(call.preload)
    worker.warm_up()
    gpus = {name: os.environ[name] for name in GPUS if name in os.environ}  # the server of processes has older ones
    start = time.monotonic()
    with _program_hidden():
        process = worker.Worker(call.step, folder, gpus | dict(call.environment))
    try:
        while not process.wait(0.5):
            answer.peak = max(answer.peak, process.memory())
        answer.why = process.end()
        answer.seconds = time.monotonic() - start
    finally:
        process.stop()


def _copy(source: Path, target: Path) -> None:
    with suppress(OSError), files.atomic_write(target) as draft:  # another cell writes the same, or there is none
        shutil.copyfile(source, draft)


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


def _send(call: Call, transport: Transport, folder: Path, answer: Answer) -> None:
    missing = [path for path in call.writes if not (folder / path).exists()]
    if missing:
        answer.why = f"its command did not write {', '.join(missing)}"
        return
    answer.wrote = {path: transport.cache.keep(folder / path) for path in call.writes}
    answer.sent = {md5: transport.cache.read(md5) for md5 in transport.offer(answer.wrote.values())}
    if (size := sum(map(len, answer.sent.values()))) > LIMIT:
        answer.sent = {}
        answer.why = (
            f"its outputs have {size >> 20} MiB; without a store at most {LIMIT >> 20}: set store in cluster.yaml"
        )
