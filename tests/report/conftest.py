"""Small made-up benchmarks on disk: points with three seeds, images with one, and a conditioning series."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from configuration import params_text, suite_entry, task_entry

from pipeline import files, paths
from pipeline.html import document
from pipeline.paths import Cell
from pipeline.report import figures
from pipeline.results import external
from pipeline.results.outcomes import Measurement

PARAMS = params_text(
    {"toy": task_entry("ring", 9, 9, 64), "pics": task_entry("digits", 9, 9, 64, extractor="classifier")},
    points={
        "gan": {"family": "gan"}, "vae": {"family": "vae"}, "flow": {"family": "flow"}, "oracle": {"family": "control"},
    },
    images={"vae": {"family": "vae"}, "real": {"family": "control"}},
    suites={
        "points": suite_entry(
            "points", ["toy"], ["gan", "vae", "flow", "oracle"], question="Who covers?", seeds=[0, 1, 2],
            sweep=["vae", "gan"],
        ),
        "images": suite_entry("images", ["pics"], ["vae", "real"], question="Who compresses?"),
    },
    training={"steps": 10, "batch_size": 4, "learning_rate": 0.001},
)  # fmt: skip

SERIES = params_text(
    {
        name: task_entry("shapes", 9, 9, 40, extractor="classifier")
        for name in ("plain", "classes", "boxes", "maps", "greys")
    },
    images={
        "pixelcnn": {"family": "autoregressive"}, "glow": {"family": "flow"}, "gan": {"family": "gan"},
        "real": {"family": "control"},
    },
    suites={
        "ends": suite_entry(
            "images", ["plain", "greys"], ["pixelcnn", "glow", "gan"], question="Does colour follow luma?",
            seeds=[0, 1, 2], conditioning=["plain", "greys"],
        ),
        "denser": suite_entry(
            "images", ["plain", "classes", "boxes", "maps", "greys"], ["pixelcnn", "glow", "gan", "real"],
            default=False, question="Does it help to know more?", seeds=[0, 1, 2],
            conditioning=["plain", "classes", "boxes", "maps", "greys"],
        ),
    },
    training={"steps": 10, "batch_size": 4, "learning_rate": 0.001},
)  # fmt: skip
KINDS = {"plain": "none", "classes": "class", "boxes": "box", "maps": "segmentation", "greys": "grayscale"}
OBEDIENCE = {
    "classes": "class_accuracy", "boxes": "box_iou", "maps": "segmentation_miou", "greys": "luma_error",
}  # fmt: skip
CLASSES, DIMS = 3, 3 * 8 * 8

Numbers = Mapping[str, float | tuple[float, str]]
BETTER = {
    "nats": "higher",
    "bits_per_dim": "lower",
    "frechet": "lower",
    "precision": "higher",
    "recall": "higher",
    "coverage": "higher",
}
EXTERNAL = {"nats": 9.0, "frechet": 1e-6, "precision": 1.0, "recall": 1.0}
LEVELS = 17
SPLITS = {name: {"count": 64, "sha256": name} for name in ("train", "validation", "test")}
"""As a manifest names them."""


class Tree:
    """Writes what the other stages write."""

    def prepare(self, task: str, images: bool) -> None:
        folder = paths.prepared(task)
        event = {"shape": [1, 8, 8] if images else [2], "levels": LEVELS if images else None}
        truth = None if images else {"means": [[1.0, 0.0], [-1.0, 0.0]], "sigma": 0.1, "weights": [0.5, 0.5]}
        described = {"event": event, "condition": {"kind": "none", "shape": [0], "size": 0}, "truth": truth}
        files.write_json(folder / "manifest.json", {"task": task, "splits": SPLITS} | described)
        for split in ("train", "test"):
            files.write_npz(folder / f"{split}.npz", {"x": self.x(images), "c": np.empty((64, 0), np.float32)})

    def x(self, images: bool, count: int = 64) -> np.ndarray[Any, Any]:
        rng = np.random.default_rng(0)
        if images:
            return rng.integers(0, LEVELS, (count, 1, 8, 8), dtype=np.uint8)
        return rng.normal(size=(count, 2)).astype(np.float32)

    def cell(
        self, task: str, model: str, seed: int, numbers: Numbers, protocol: str = "test split", **more: object
    ) -> None:
        """A measured cell: numbers as value, or (value, kind)."""
        metrics = {name: self._metric(name, number, protocol) for name, number in numbers.items()}
        self._write(Cell(task, model, seed), {"status": "ok", "metrics": metrics} | more, count=64)

    def diverged(self, task: str, model: str, seed: int, step: int, player: str) -> None:
        metrics = {"parameters": self._metric("parameters", 10.0, "counted")}
        record = {"status": "diverged", "diverged": {"step": step, "player": player}, "metrics": metrics}
        self._write(Cell(task, model, seed), record, count=0)

    def scored(
        self,
        name: str,
        *,
        task: str = "toy",
        trust: str = "re-scored",
        protocol: str = "test split",
        kind: str = "measured",
    ) -> None:
        """A model from elsewhere that looks better than any here."""
        metrics = {
            metric: self._metric(metric, (value, "reported" if metric == "nats" else kind), protocol)
            | {"low": value, "high": value}
            for metric, value in EXTERNAL.items()
        }
        told = {metric: Measurement.model_validate(entry) for metric, entry in metrics.items()}
        record = {"status": "ok", "condition": "none", "trust": trust, "metrics": metrics}
        files.write_json(external.path(task, name), record | {"protocols": external.protocols(task, told)})

    def forget(self, task: str, model: str, seed: int) -> None:
        paths.metrics(Cell(task, model, seed)).unlink()

    def rows(self, path: Path) -> list[dict[str, str]]:
        with path.open(newline="") as file:
            return list(csv.DictReader(file))

    def standing(self, task: str, model: str) -> dict[str, str]:
        """A row of leaderboard.csv."""
        return next(r for r in self.rows(paths.LEADERBOARD_CSV) if (r["task"], r["model"]) == (task, model))

    def line(self, task: str, model: str) -> str:
        """The model's row of the first table of a task in the leaderboard."""
        section = self.pages().split(f"### {task}\n")[1]
        return next(text for text in section.splitlines() if text.split("|")[1:2] and model in text.split("|")[1])

    def pages(self) -> str:
        """leaderboard.md, and the files of the other suites."""
        others = sorted(Path("reports/leaderboards").glob("*.md"))
        return "".join(path.read_text(encoding="utf-8") for path in (paths.LEADERBOARD_MD, *others))

    def hashes(self) -> dict[str, str]:
        """Of what `report` writes."""
        written = [*Path("reports").glob("*.*"), *Path("reports/leaderboards").glob("*"), *paths.FIGURES.glob("*")]
        return {str(path): files.sha256(path) for path in written}

    def _metric(self, name: str, number: float | tuple[float, str], protocol: str) -> dict[str, Any]:
        value, kind = number if isinstance(number, tuple) else (number, "measured")
        return {"value": value, "unit": "1", "better": BETTER.get(name, "none"), "kind": kind, "protocol": protocol}

    def on(self, device: str, cell: Cell) -> None:
        """As if the cell had run on this GPU."""
        for stage in ("train", "evaluate"):
            times = files.read_json(paths.times(stage, cell), "")
            for entry in times["metrics"].values():
                entry["protocol"] = f"wall clock, {device}"
            files.write_json(paths.times(stage, cell), times | {"hardware": {"cores": 2, "device": device}})

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
        rows = [(step, "validation", "nats", -(0.1**step) - cell.seed) for step in range(5)]
        self._write_rows(path, rows)

    def rising(self, task: str, model: str, seed: int) -> None:
        """The cell's validation score still rises by .25 at the last step."""
        rows = [(step, "validation", "nats", step / 4) for step in range(5)]
        self._write_rows(paths.curve(Cell(task, model, seed)), rows)

    def unknown(self, task: str, model: str, seed: int) -> None:
        """The cell has no validation score."""
        self._write_rows(paths.curve(Cell(task, model, seed)), [(1, "generator", "loss", 0.5)])

    def _write_rows(self, path: Path, rows: list[tuple[int, str, str, float]]) -> None:
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([("step", "player", "part", "value"), *rows])


class SeriesTree(Tree):
    """The same 40 images under five conditions, and models that answered them."""

    def prepare_all(self) -> None:
        for task, kind in KINDS.items():
            shape = {"none": [0], "class": [], "box": [4], "segmentation": [8, 8], "grayscale": [1, 8, 8]}[kind]
            size = {"class": CLASSES, "segmentation": CLASSES + 1}.get(kind, 0)
            described = {"condition": {"kind": kind, "shape": shape, "size": size}, "truth": None}
            event = {"shape": [3, 8, 8], "levels": LEVELS}
            splits = {name: split | {"count": 40} for name, split in SPLITS.items()}
            known = {"task": task, "event": event, "splits": splits}
            files.write_json(paths.prepared(task) / "manifest.json", known | described)
            for split in ("train", "validation", "test"):
                files.write_npz(paths.prepared(task) / f"{split}.npz", {"x": self.pictures(40), "c": self.c(task)})

    def pictures(self, *count: int) -> np.ndarray[Any, Any]:
        return np.random.default_rng(1).integers(0, LEVELS, (*count, 3, 8, 8), dtype=np.uint8)

    def c(self, task: str) -> np.ndarray[Any, Any]:
        rng = np.random.default_rng(2)
        low = rng.uniform(0, 0.5, (40, 2))
        return {
            "none": np.empty((40, 0), np.float32),
            "class": rng.integers(0, CLASSES, 40),
            "box": np.concatenate([low, low + 0.4], axis=1).astype(np.float32),
            "segmentation": rng.integers(0, CLASSES + 1, (40, 8, 8)),
            "grayscale": rng.uniform(-1, 1, (40, 1, 8, 8)).astype(np.float32),
        }[KINDS[task]]

    def reached(self, task: str, model: str, seed: int, bits: float | tuple[float, str] | None, share: float) -> None:
        """A measured cell with its answers; `share`: how far its obedience lies from the floor to the ceiling."""
        numbers: dict[str, float | tuple[float, str]] = {} if bits is None else {"bits_per_dim": bits}
        if task in OBEDIENCE:
            ceiling, floor = (0.0, 0.4) if task == "greys" else (0.9, 0.3)
            name = OBEDIENCE[task]
            numbers |= {name: floor + share * (ceiling - floor), f"{name}_ceiling": ceiling, f"{name}_floor": floor}
            numbers["conditional_diversity"] = 2.0 - share
        if task == "classes":
            numbers["conditional_diversity_real"] = 1.75
        self.cell(task, model, seed, numbers)
        asked = np.arange(CLASSES) if task == "classes" else self.c(task)[:6]
        answers = {} if task == "plain" else {"repeated": self.pictures(len(asked), 4), "repeated_c": asked}
        files.write_npz(paths.samples(Cell(task, model, seed)), {"x": self.pictures(64), **answers})

    def section(self) -> str:
        """The section of the suite whose series has five levels."""
        text = Path("reports/leaderboards/denser.md").read_text()
        return text.split("### The conditioning series\n")[1].split("### ")[0]


@pytest.fixture
def series(painted_series: SeriesTree, monkeypatch: pytest.MonkeyPatch) -> SeriesTree:
    """Five levels, and the report draws no figures and no page."""
    monkeypatch.setattr(document, "text", lambda *_: "")
    monkeypatch.setattr(figures, "PICTURES", {})
    monkeypatch.setattr(figures, "draw_answer", lambda boards, folder: None)
    monkeypatch.setattr(figures, "draw_series", lambda series, folder: None)
    return painted_series


@pytest.fixture
def painted_series(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SeriesTree:
    """Five levels: bits/dim of two models falls by .1 at each, with noise of seeds that the levels share."""
    monkeypatch.chdir(tmp_path)
    paths.PARAMS.write_text(SERIES)
    tree = SeriesTree()
    tree.prepare_all()
    for level, task in enumerate(KINDS):
        for seed in range(3):
            for model, start, share in (("pixelcnn", 4.0, 0.9), ("glow", 4.5, 0.6)):
                bits = start - 0.1 * level + seed + 1e-4 * level * seed
                tree.reached(task, model, seed, (bits, "exact" if model == "pixelcnn" else "<= (ELBO)"), share)
            tree.reached(task, "gan", seed, None, 0.3)
            if task not in ("plain", "greys"):
                tree.reached(task, "real", seed, None, 1.0)
    return tree


@pytest.fixture
def tree(painted_tree: Tree, monkeypatch: pytest.MonkeyPatch) -> Tree:
    """Everything measured, and the report draws no figures and no page: they take most of its time."""
    monkeypatch.setattr(document, "text", lambda *_: "")
    monkeypatch.setattr(figures, "PICTURES", {})
    monkeypatch.setattr(figures, "draw_answer", lambda boards, folder: None)
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
