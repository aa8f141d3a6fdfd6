"""The training curve: rows of (step, player, part, value), each a mean over the steps since the last row."""

from __future__ import annotations

import csv
import json
import time
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from pipeline.contract import Loss
from pipeline.files import atomic_write
from pipeline.training.resume import State

Row = tuple[int, str, str, float]
TENSORS = 256
"""Tensors of one value each that are collected before they become one."""


class CurveLogger:
    """Collects the rows of one training. Values stay tensors on their device until a row is added.

    Args:
        live: a file that gets the rows while training goes on, one JSON object a line, so that another process can
            follow it: `settings` with the time, then `{"time": ms, "step": 1, "values": {"player/part": 0.5}}` for each
            row, and `{"end": true}`. A file that cannot be written is given up.
        settings: of this training.
    """

    def __init__(self, live: Path | None = None, settings: Mapping[str, Any] | None = None) -> None:
        self.rows: list[Row] = []
        self._values: dict[tuple[str, str], list[Tensor]] = defaultdict(list)
        self._live = live
        self._append({**(settings or {}), "time": _now()}, mode="w")

    def record(self, player: str, loss: Loss) -> None:
        """Collect the parts of one step's loss."""
        for part, value in loss.parts.items():
            values = self._values[player, part]
            values.append(value.detach().reshape(1).clone())  # a part may be a tensor that the next step changes
            if len(values) == TENSORS:
                values[:] = [_joined(values)]

    def flush(self, step: int) -> dict[str, float]:
        """Add a row for each part that was collected; returns {player/part: mean}."""
        collected = {key: _joined(values).tolist() for key, values in self._values.items()}
        means = {key: sum(values) / len(values) for key, values in collected.items()}
        self._values.clear()
        self._add(step, means)
        return {"/".join(key): mean for key, mean in means.items()}

    def state(self) -> State:
        """The rows, and what was collected since the last one."""
        collected = {f"collected.{place}": _joined(values) for place, values in enumerate(self._values.values())}
        rows = torch.tensor([row[3] for row in self.rows], dtype=torch.float64)
        return State(
            {"rows": rows, **collected}, {"rows": [row[:3] for row in self.rows], "collected": list(self._values)}
        )

    def restore(self, state: State) -> None:
        """Go on from a `state`."""
        values = state.tensors["rows"].tolist()
        for (step, player, part), value in zip(state.values["rows"], values, strict=True):
            self.add(step, player, part, value)
        for place, (player, part) in enumerate(state.values["collected"]):
            self._values[player, part] = [state.tensors[f"collected.{place}"]]

    def add(self, step: int, player: str, part: str, value: float) -> None:
        """Add one row."""
        self._add(step, {(player, part): value})

    def write(self, path: Path) -> None:
        """Write all rows as csv, six significant digits of each value, and end the live file."""
        with atomic_write(path) as draft, draft.open("w", newline="", encoding="utf-8") as file:
            table = csv.writer(file, lineterminator="\n")
            table.writerow(("step", "player", "part", "value"))
            table.writerows((step, player, part, f"{value:.6g}") for step, player, part, value in self.rows)
        self._append({"end": True})

    def _add(self, step: int, values: Mapping[tuple[str, str], float]) -> None:
        self.rows += [(step, *key, value) for key, value in values.items()]
        self._append({"time": _now(), "step": step, "values": {"/".join(key): value for key, value in values.items()}})

    def _append(self, content: Mapping[str, Any], mode: str = "a") -> None:
        if self._live is None:
            return
        try:
            self._live.parent.mkdir(parents=True, exist_ok=True)
            with self._live.open(mode, encoding="utf-8") as file:
                file.write(json.dumps(content) + "\n")
        except OSError as error:
            print(f"{self._live} cannot be written: {error.strerror}")
            self._live = None


def _joined(values: list[Tensor]) -> Tensor:
    """On the device of the last one: the first one is on the CPU after `restore`."""
    return torch.cat([value.to(values[-1].device) for value in values])


def _now() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000
