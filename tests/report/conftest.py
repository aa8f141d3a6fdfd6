"""A small made-up benchmark on disk: a points suite with three seeds, an images suite with one."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline import files, paths
from pipeline.paths import Cell
from pipeline.report import figures

PARAMS = """
tasks:
  toy: {data: {dataset: ring, train: 9, validation: 9, test: 64}, extractor: {name: identity}}
  pics: {data: {dataset: digits, train: 9, validation: 9, test: 64}, extractor: {name: classifier}}
training:
  points: {steps: 10, batch_size: 4, learning_rate: 0.001}
  images: {steps: 10, batch_size: 4, learning_rate: 0.001}
evaluation:
  points: {samples: 64, draws: 64, chunk: 64}
  images: {samples: 64, draws: 64, chunk: 64}
models:
  points: {gan: {family: gan}, vae: {family: vae}, flow: {family: flow}, oracle: {family: control}}
  images: {vae: {family: vae}, real: {family: control}}
suites:
  points: {question: Who covers?, default: true, events: points, tasks: [toy], models: [gan, vae, flow, oracle],
           seeds: [0, 1, 2]}
  images: {question: Who compresses?, default: true, events: images, tasks: [pics], models: [vae, real], seeds: [0]}
"""

Numbers = Mapping[str, float | tuple[float, str]]
BETTER = {"nats": "higher", "bits_per_dim": "lower", "frechet": "lower", "precision": "higher", "recall": "higher"}
LEVELS = 17


class Tree:
    """Writes what the other stages write."""

    def prepare(self, task: str, images: bool) -> None:
        folder = paths.prepared(task)
        event = {"shape": [1, 8, 8] if images else [2], "levels": LEVELS if images else None}
        truth = None if images else {"means": [[1.0, 0.0], [-1.0, 0.0]], "sigma": 0.1, "weights": [0.5, 0.5]}
        files.write_json(folder / "manifest.json", {"task": task, "event": event, "truth": truth})
        files.write_npz(folder / "test.npz", {"x": self.x(images), "c": np.empty((64, 0), np.float32)})

    def x(self, images: bool, count: int = 64) -> np.ndarray[Any, Any]:
        rng = np.random.default_rng(0)
        if images:
            return rng.integers(0, LEVELS, (count, 1, 8, 8), dtype=np.uint8)
        return rng.normal(size=(count, 2)).astype(np.float32)

    def cell(self, task: str, model: str, seed: int, numbers: Numbers, protocol: str = "test split") -> None:
        """A measured cell: numbers as value, or (value, kind)."""
        metrics = {name: self._metric(name, number, protocol) for name, number in numbers.items()}
        self._write(Cell(task, model, seed), {"status": "ok", "metrics": metrics}, count=64)

    def diverged(self, task: str, model: str, seed: int, step: int, player: str) -> None:
        metrics = {"parameters": self._metric("parameters", 10.0, "counted")}
        record = {"status": "diverged", "diverged": {"step": step, "player": player}, "metrics": metrics}
        self._write(Cell(task, model, seed), record, count=0)

    def forget(self, task: str, model: str, seed: int) -> None:
        paths.metrics(Cell(task, model, seed)).unlink()

    def rows(self, path: Path) -> list[dict[str, str]]:
        with path.open(newline="") as file:
            return list(csv.DictReader(file))

    def standing(self, task: str, model: str) -> dict[str, str]:
        """A row of leaderboard.csv."""
        return next(r for r in self.rows(paths.LEADERBOARD_CSV) if (r["task"], r["model"]) == (task, model))

    def line(self, task: str, model: str) -> str:
        """The model's row of the first table of a task on the page."""
        section = paths.LEADERBOARD_MD.read_text().split(f"### {task}\n")[1]
        return next(text for text in section.splitlines() if text.split("|")[1:2] and model in text.split("|")[1])

    def hashes(self) -> dict[str, str]:
        """Of what `report` writes."""
        written = [*Path("reports").glob("*.*"), *paths.FIGURES.glob("*")]
        return {str(path): files.sha256(path) for path in written}

    def _metric(self, name: str, number: float | tuple[float, str], protocol: str) -> dict[str, Any]:
        value, kind = number if isinstance(number, tuple) else (number, "measured")
        return {"value": value, "unit": "1", "better": BETTER.get(name, "none"), "kind": kind, "protocol": protocol}

    def _write(self, cell: Cell, record: dict[str, Any], count: int) -> None:
        keys = {"task": cell.task, "model": cell.model, "seed": cell.seed, "family": "", "condition": "none"}
        files.write_json(paths.metrics(cell), keys | record)
        files.write_npz(paths.samples(cell), {"x": self.x(cell.task == "pics", count)})
        for stage, name in (("train", "train_seconds"), ("evaluate", "sample_seconds_per_1000")):
            seconds = {"value": 1.5, "unit": "s", "better": "lower", "kind": "measured", "protocol": "wall clock"}
            files.write_json(paths.times(stage, cell), {"metrics": {name: seconds}, "hardware": {"cores": 2}})
        self._curve(cell)

    def _curve(self, cell: Cell) -> None:
        path = paths.curve(cell)
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = [(step, "validation", "nats", -1 / (step + 1 + cell.seed)) for step in range(5)]
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([("step", "player", "part", "value"), *rows])


@pytest.fixture
def tree(painted_tree: Tree, monkeypatch: pytest.MonkeyPatch) -> Tree:
    """Everything measured, and the report draws no figures: they take most of its time."""
    monkeypatch.setattr(figures, "PICTURES", {})
    return painted_tree


@pytest.fixture
def painted_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tree:
    """Everything measured: three seeds on `toy`, one on `pics`."""
    monkeypatch.chdir(tmp_path)
    paths.PARAMS.write_text(PARAMS)
    tree = Tree()
    tree.prepare("toy", images=False)
    tree.prepare("pics", images=True)
    for seed in range(3):
        shift = 0.01 * seed
        tree.cell("toy", "gan", seed, {"frechet": 0.2 + shift, "precision": 0.9, "recall": 0.1 + shift})
        tree.cell("toy", "vae", seed, {"nats": (-1.5 + shift, ">= (IWAE-64)"), "frechet": 0.4 + shift})
        tree.cell("toy", "flow", seed, {"nats": (-0.5 + shift, "exact"), "frechet": 0.1 + shift, "parameters": 12345})
        tree.cell("toy", "oracle", seed, {"nats": (-0.3, "exact"), "frechet": 0.01 + shift, "precision": 0.9})
    tree.cell("pics", "vae", 0, {"bits_per_dim": (2.08, "<= (IWAE-64)"), "precision": 0.7, "recall": 0.6})
    tree.cell("pics", "real", 0, {"precision": 0.8, "recall": 0.8})
    return tree
