"""The driver's side of a cell on a node: what the node gets, and what is made of its answer."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from pipeline import paths
from pipeline.run import worker
from pipeline.run.cluster.config import ClusterConfig, Needs
from pipeline.run.cluster.content_store import ContentStore, StoreError
from pipeline.run.cluster.remote_call import Answer, Call
from pipeline.run.cluster.transport import Transport
from pipeline.run.place import Ended, Work
from pipeline.run.step import Step

HELD = 256
"""Inputs of cells that are held as handles, where there is no store."""


class RemoteWork:
    """Makes calls, and files of answers.

    Args:
        config: cluster.yaml.
        cache: the folder of DVC's cache.
        identity: of this machine.
        put: a handle of bytes, that nodes get them by.
    """

    def __init__(
        self, config: ClusterConfig, cache: Path, identity: Mapping[str, str], put: Callable[[bytes], Any]
    ) -> None:
        self._config, self._identity = config, identity
        self._transport = Transport(ContentStore(str(cache)), config.file.store)
        self._put = lru_cache(maxsize=HELD)(lambda md5: put(self._transport.cache.read(md5)))

    def call(self, work: Work, needs: Needs) -> Call:
        """The call of a cell, whose inputs are sent to the store where there is one.

        Raises:
            StoreError: they cannot be sent.
        """
        for path, md5 in work.reads.items():
            if not self._transport.cache.has(md5):
                self._transport.cache.keep(Path(path))  # DVC's cache was emptied, and the work tree has it
        sent = {md5: self._put(md5) for md5 in self._transport.offer(work.reads.values())}
        device = os.environ.get("COVERSEEK_DEVICE")
        environment = {"COVERSEEK_DEVICE": device} if device else {}
        if not needs.gpus:
            environment["CUDA_VISIBLE_DEVICES"] = ""  # Ray shows all GPUs to a task that needs none
        files = {path.as_posix(): path.read_bytes() for path in (paths.PARAMS, paths.REQUIREMENTS) if path.exists()}
        return Call(
            work.step, work.reads, work.writes, files, sent, self._config.file.store, self._config.file.scratch,
            self._identity, environment, worker.COMMAND, tuple(worker.PRELOAD),
        )  # fmt: skip

    def ended(self, step: Step, answer: Answer, why: str) -> Ended:
        """Make the log and the outputs of a cell files of the work tree.

        Args:
            why: the cell failed; empty where it succeeded.
        """
        step.log.parent.mkdir(parents=True, exist_ok=True)
        step.log.write_bytes(answer.log)
        if not why:
            try:
                self._transport.accept(answer.wrote.values(), answer.sent, list)
                self._transport.checkout(answer.wrote, Path())
            except StoreError as error:
                why = str(error)
        return Ended(step.name, answer.seconds, why)
