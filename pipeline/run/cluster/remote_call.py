"""What the machine that drives a run and a node of its cluster tell each other of one cell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.run.step import Step

KILLED = "killed by SIGKILL"


@dataclass(frozen=True)
class Call:
    """What a node gets.

    Attributes:
        step: the step.
        reads: path -> md5 of its inputs.
        writes: the paths of its outputs.
        files: path -> bytes of the settings that it reads.
        sent: md5 -> handle of the bytes of each input; empty where there is a store.
        store: the address of a store that all nodes reach; empty where the bytes themselves are sent.
        scratch: the folder for private folders and the node's cache; the temporary folder where it is empty.
        identity: of the driver.
        environment: variables of the command.
        command: module:function of the command.
        preload: the modules that the server of processes imports.
    """

    step: Step
    reads: Mapping[str, str]
    writes: tuple[str, ...]
    files: Mapping[str, bytes]
    sent: Mapping[str, Any]
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
        seconds: that its command took, measured on the node.
        log: the end of what its command printed.
        wrote: path -> md5 of its outputs.
        sent: md5 -> bytes of them; empty where there is a store.
        peak: the most bytes of memory that its command was seen to take.
        node: the id of the node.
    """

    refused: str = ""
    lost: str = ""
    why: str = ""
    seconds: float = 0.0
    log: bytes = b""
    wrote: dict[str, str] = field(default_factory=dict)
    sent: dict[str, bytes] = field(default_factory=dict)
    peak: int = 0
    node: str = ""

    @property
    def killed(self) -> bool:
        """Whether its command was killed from outside, as the system does where memory is short."""
        return self.why == KILLED
