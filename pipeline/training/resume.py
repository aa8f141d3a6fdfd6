"""Resume points: the state of a training on disk, from which a killed training goes on to the same bytes.

A resume point is a folder `<step>` with two files. state.safetensors has the tensors and, in its header, everything
else as JSON; point.json has the sha256 of that file and the hash of the inputs of the training. Folders are renamed
into place when they are complete, and the last two are kept, so that a process killed at any moment leaves a usable
one. A resume point that is damaged, or is of a training with other inputs, is ignored.

The state is everything that a step changes: weights and buffers of the model and of its average, the optimisers'
moments and schedules, the position in the data, the states of all random numbers, the best weights, and the curve. A
module that changes anything else while it trains has it saved by `SavesTrainingState`.
"""

from __future__ import annotations

import json
import random
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
import torch
from pydantic import BaseModel
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from pipeline import device as devices
from pipeline import files, resumable
from pipeline.errors import UserError

TENSORS, POINT = "state.safetensors", "point.json"
GENERATIONS = 2
SHARE = 0.02
"""The largest share of the time of a training that is spent on writing resume points."""


class State(NamedTuple):
    """A part of the state of a training."""

    tensors: dict[str, Tensor]
    values: dict[str, Any]
    """Anything that JSON holds."""


Parts = dict[str, State]
"""The state of a training by name of its part; names have no slash."""


@runtime_checkable
class SavesTrainingState(Protocol):
    """A module with state that is neither a parameter nor a buffer nor follows from one, such as a counter."""

    def training_state(self) -> dict[str, Any]:
        """The state, as JSON holds it."""
        ...

    def load_training_state(self, state: dict[str, Any]) -> None:
        """Go back to a state."""
        ...


class ResumePoint(BaseModel):
    """point.json."""

    inputs: str
    sha256: str
    seconds: float


class ResumePoints:
    """The resume points of one training.

    Args:
        folder: where they are; no other file may be there.
        inputs: what the result of the training depends on, as JSON. Only points of the same inputs are used.
        interval: seconds between two points, at least; 0: none are written.
        share: the largest share of the time that writing may take: after a write of s seconds the next one follows
            after s / share seconds at the earliest.
    """

    def __init__(self, folder: Path, inputs: Mapping[str, Any], interval: float, share: float = SHARE) -> None:
        self.folder, self.interval, self.share = folder, interval, share
        self.inputs = resumable.hash_inputs(inputs)
        self._seconds, self._start = 0.0, time.monotonic()
        self._written, self._cost = self._start, 0.0

    @property
    def seconds(self) -> float:
        """Seconds of training so far, with those before the last resume point of a killed process."""
        return self._seconds + time.monotonic() - self._start

    def due(self) -> bool:
        """Whether it is time to write one."""
        return self.interval > 0 and time.monotonic() - self._written >= max(self.interval, self._cost / self.share)

    def save(self, step: int, parts: Parts) -> None:
        """Write a resume point, and remove all but the last `GENERATIONS` up to this one. A folder that cannot be
        written is given up, with a printed line."""
        start = time.monotonic()

        def write() -> None:
            with files.atomic_dir(self.folder / str(step)) as draft:
                tensors, values = _packed(parts)
                save_file(tensors, draft / TENSORS, values)
                point = ResumePoint(inputs=self.inputs, sha256=files.sha256(draft / TENSORS), seconds=self.seconds)
                files.write_json(draft / POINT, point.model_dump())
            self._remove_all_but_last(step)

        if not resumable.try_write(self.folder, write, "the training has no resume points"):
            self.interval = 0
        self._written = time.monotonic()
        self._cost = self._written - start

    def load(self) -> Parts | None:
        """The last usable resume point; None if there is none. If others are ignored, a line says why."""
        ignored = False
        for folder in self._points():
            try:
                point = files.read_record(folder / POINT, "coverseek train", ResumePoint)
                if point.inputs != self.inputs:
                    raise UserError(f"{folder} is of a training with other code, data or settings")
                if files.sha256(folder / TENSORS) != point.sha256:
                    raise UserError(f"{folder / TENSORS} is damaged (sha256)")
                parts = _unpacked(folder / TENSORS)
            except (UserError, OSError, SafetensorError) as error:
                if not ignored:
                    print(f"resume point ignored: {error}")
                ignored = True
            else:
                self._seconds = point.seconds
                return parts
        return None

    def remove(self) -> None:
        """Remove all of them: the training has ended."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _remove_all_but_last(self, step: int) -> None:
        """Points of later steps were ignored by `load`: they are damaged or of another training."""
        points = self._points()
        kept = [path for path in points if int(path.name) <= step][:GENERATIONS]
        for path in points:
            if path not in kept:
                shutil.rmtree(path)

    def _points(self) -> list[Path]:
        """The last one first."""
        found = [path for path in self.folder.glob("*") if path.name.isdecimal()]
        return sorted(found, key=lambda path: int(path.name), reverse=True)


def model_state(model: nn.Module) -> State:
    """Parameters and buffers, those outside the state dict too, and what modules save by `SavesTrainingState`."""
    saved = model.state_dict()
    buffers = {f"buffer:{name}": value for name, value in model.named_buffers() if name not in saved}
    own = {name: module.training_state() for name, module in _with_state(model)}
    return State({**{f"state:{name}": value for name, value in saved.items()}, **buffers}, own)


def restore_model(model: nn.Module, state: State) -> None:
    """Go back to a state, in place: parameters stay the same objects, with the same memory layout."""
    buffers = dict(model.named_buffers())
    with torch.no_grad():
        for name, value in _under("buffer:", state.tensors):
            buffers[name].copy_(value)
    model.load_state_dict(dict(_under("state:", state.tensors)))
    for name, module in _with_state(model):
        module.load_training_state(state.values[name])


def random_state(device: torch.device) -> State:
    """The states of the global random numbers of Python, numpy and torch, on the CPU and on `device`."""
    name, words, *rest = np.random.get_state(legacy=True)
    numpy = [name, np.asarray(words).tolist(), *rest]
    return State(devices.random_states(device), {"python": random.getstate(), "numpy": numpy})


def restore_random(state: State, device: torch.device) -> None:
    """Go back to a state."""
    version, words, gauss = state.values["python"]
    random.setstate((version, tuple(words), gauss))
    np.random.set_state(tuple(state.values["numpy"]))
    devices.set_random_states(state.tensors, device)


def _with_state(model: nn.Module) -> Iterator[tuple[str, Any]]:
    for name, module in model.named_modules():
        if isinstance(module, SavesTrainingState):
            yield name, module


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    return ((name.removeprefix(prefix), value) for name, value in tensors.items() if name.startswith(prefix))


def _packed(parts: Parts) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors of all parts on the CPU, each with memory of its own, and the rest as JSON."""
    tensors: dict[str, Tensor] = {}
    seen: set[int] = set()
    for part, state in parts.items():
        for name, value in state.tensors.items():
            value = value.detach().cpu().contiguous()
            memory = value.untyped_storage().data_ptr()
            tensors[f"{part}/{name}"] = value.clone() if memory in seen else value
            seen.add(memory)
    return tensors, {"values": json.dumps({part: state.values for part, state in parts.items()})}


def _unpacked(path: Path) -> Parts:
    with safe_open(path, framework="pt") as file:
        values = json.loads(file.metadata()["values"])
        parts = {part: State({}, each) for part, each in values.items()}
        for key in file.keys():  # noqa: SIM118 (not a mapping)
            part, name = key.split("/", 1)
            parts[part].tensors[name] = file.get_tensor(key)
    return parts
