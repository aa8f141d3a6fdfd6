"""What training logs: rows of (step, player, part, value), means over the steps since the last row."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

from pipeline.contract import Loss
from pipeline.files import whole

Row = tuple[int, str, str, float]


class History:
    def __init__(self) -> None:
        self.rows: list[Row] = []
        self._open: dict[tuple[str, str], list[float]] = defaultdict(list)

    def note(self, player: str, loss: Loss) -> None:
        """Collect one step's parts."""
        for part, value in loss.parts.items():
            self._open[player, part].append(value.item())

    def close(self, step: int) -> dict[str, float]:
        """Write a row for each part that was collected; they come back as {player/part: mean}."""
        means = {key: sum(values) / len(values) for key, values in self._open.items()}
        self.rows += [(step, *key, mean) for key, mean in means.items()]
        self._open.clear()
        return {"/".join(key): mean for key, mean in means.items()}

    def add(self, step: int, player: str, part: str, value: float) -> None:
        self.rows.append((step, player, part, value))

    def write(self, path: Path) -> None:
        with whole(path) as draft, draft.open("w", newline="", encoding="utf-8") as file:
            table = csv.writer(file, lineterminator="\n")
            table.writerow(("step", "player", "part", "value"))
            table.writerows((step, player, part, f"{value:.6g}") for step, player, part, value in self.rows)
