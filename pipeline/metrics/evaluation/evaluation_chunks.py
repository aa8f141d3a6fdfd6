"""Chunks of a long evaluation on disk: what a killed evaluation has drawn and scored is not computed again.

An evaluation computes samples and log-likelihoods in chunks. After each of them, if the last write is long enough ago,
the chunks since then are written to a file of their own, each with the states of the random numbers after it. An
evaluation of the same inputs takes these values and states, so that it ends with the bytes that it would have had.
Files that are damaged or of other inputs are ignored.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from pipeline import device as devices
from pipeline import files, resumable


class Chunk(NamedTuple):
    """What was computed, on the CPU, the seconds that it took, and the random states afterwards."""

    value: Tensor
    seconds: float
    states: dict[str, Tensor]


class EvaluationChunks:
    """The chunks of one evaluation.

    Args:
        folder: where they are; no other file may be there. None: nothing is read or written.
        inputs: what the chunks depend on, as JSON. Only those of the same inputs are used.
        interval: seconds between two files, at least; 0: none are written.
        device: of the model, whose random numbers are drawn.
    """

    def __init__(
        self, folder: Path | None = None, inputs: Mapping[str, Any] | None = None, interval: float = 0.0,
        device: torch.device = devices.CPU,
    ) -> None:  # fmt: skip
        self._folder, self._interval, self._device = folder if interval > 0 else None, interval, device
        self._inputs = resumable.hash_inputs(inputs)
        self._unwritten: dict[str, Chunk] = {}
        self._written = time.monotonic()
        self._calls: dict[str, int] = {}
        self._known = self._read()
        self.seconds = 0.0
        """Of the chunks that were taken from files."""

    def compute(self, name: str, function: Callable[[], Tensor]) -> tuple[Tensor, float]:
        """What `function` returns, on the CPU, and the seconds that it took here or in the killed process.

        Args:
            name: of the chunk. The n-th call with a name stands for the same chunk in every process.
        """
        self._calls[name] = self._calls.get(name, 0) + 1
        key = f"{name}:{self._calls[name]}"
        if known := self._known.pop(key, None):
            devices.set_random_states(known.states, self._device)
            self.seconds += known.seconds
            return known.value, known.seconds
        start = time.perf_counter()
        value = function().cpu()
        seconds = time.perf_counter() - start
        if self._folder is not None:
            self._unwritten[key] = Chunk(value, seconds, devices.random_states(self._device))
            if time.monotonic() - self._written >= self._interval:
                self._write(self._folder)
        return value, seconds

    def remove(self) -> None:
        """Remove the files: the evaluation has ended."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _write(self, folder: Path) -> None:
        """A folder that cannot be written is given up, with a printed line."""
        tensors: dict[str, Tensor] = {}
        for key, chunk in self._unwritten.items():
            states = {f"{key}/state:{name}": state for name, state in chunk.states.items()}
            tensors |= {f"{key}/value": chunk.value.contiguous(), **states}
        seconds = {key: chunk.seconds for key, chunk in self._unwritten.items()}

        def write() -> None:
            number = 1 + max((int(path.stem) for path in folder.glob("*.safetensors")), default=0)
            with files.atomic_write(folder / f"{number}.safetensors") as draft:
                save_file(tensors, draft, {"inputs": self._inputs, "seconds": json.dumps(seconds)})

        if not resumable.try_write(folder, write, "the evaluation has no chunks on disk"):
            self._folder = None
        self._unwritten, self._written = {}, time.monotonic()

    def _read(self) -> dict[str, Chunk]:
        """The chunks of these inputs. If others are ignored, a line says so and they are removed."""
        found: dict[str, Chunk] = {}
        for path in sorted(self._folder.glob("*.safetensors")) if self._folder else ():
            try:
                found |= _chunks(path, self._inputs)
            except (OSError, SafetensorError, KeyError, ValueError) as error:
                print(f"evaluation chunks ignored: {path}: {error}")
                path.unlink(missing_ok=True)
        return found


def _chunks(path: Path, inputs: str) -> dict[str, Chunk]:
    """Raises `ValueError` where the file is of other inputs."""
    with safe_open(path, framework="pt") as file:
        header = file.metadata() or {}
        if header["inputs"] != inputs:
            raise ValueError("they are of an evaluation with other code, data or settings")
        found = {key: Chunk(file.get_tensor(f"{key}/value"), seconds, {}) for key, seconds in _seconds(header)}
        for name in file.keys():  # noqa: SIM118 (not a mapping)
            key, _, part = name.rpartition("/")
            if part.startswith("state:"):
                found[key].states[part.removeprefix("state:")] = file.get_tensor(name)
    return found


def _seconds(header: Mapping[str, str]) -> list[tuple[str, float]]:
    return list(json.loads(header["seconds"]).items())
