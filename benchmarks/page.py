"""How long the report page takes from 1,000 cells: `python benchmarks/page.py`.

Lays out a made-up benchmark in a temporary folder (5 tasks of points and 5 of images, 20 models, 5 seeds; the numbers
are those of two committed cells, each moved by a few percent), which is not measured; then times the reading of all
cells, with the comparisons of their boards, and the page alone, and prints seconds and bytes with their limits.
"""

from __future__ import annotations

import json
import os
import random
import tempfile
import time
from itertools import product
from typing import Any

import numpy as np
import yaml
from pipeline.html.scope import LIMIT as BYTES

from pipeline import files, params, paths
from pipeline.html import document
from pipeline.paths import Cell
from pipeline.report import benchmark

TASKS, MODELS, SEEDS = 5, 20, 5
LIMIT = 30  # seconds
FAMILIES = ("autoregressive", "flow", "vae", "gan", "diffusion")
ITEMS, LEVELS = 2500, 17
PATTERNS = {"points": Cell("ring", "vae", 0), "images": Cell("digits", "vae", 0)}
"""Events -> the committed cell whose metrics and curve the made-up ones have."""


def main() -> None:
    patterns = {events: (paths.metrics(of).resolve(), paths.curve(of).resolve()) for events, of in PATTERNS.items()}
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for events, (metrics, curve) in patterns.items():
            fill(events, json.loads(metrics.read_text(encoding="utf-8")), curve.read_text(encoding="utf-8"))
        paths.PARAMS.write_text(yaml.safe_dump(configuration(), sort_keys=False), encoding="utf-8")
        settings, start = params.load(), time.perf_counter()
        found = benchmark.read(settings)
        read = time.perf_counter() - start
        page = document.text(settings, found.boards, [], [])
        built = time.perf_counter() - start - read
        print(f"{len(found.outcomes):,} cells read and compared {read:10.1f} s")
        print(f"the page alone {built:23.1f} s")
        print(f"both {read + built:33.1f} s  <= {LIMIT}  {'ok' if read + built <= LIMIT else 'MISSED'}")
        print(f"size {len(page.encode()):33,} bytes  <= {BYTES:,}")
        os.chdir("/")


def names(events: str) -> tuple[list[str], list[str]]:
    """(tasks, models) of `events`."""
    return [f"{events}_{k}" for k in range(TASKS)], [f"{FAMILIES[k % len(FAMILIES)]}_{k}" for k in range(MODELS)]


def configuration() -> dict[str, Any]:
    """params.yaml: one default suite of points, one suite of images outside the default run."""
    data = {"train": ITEMS, "validation": ITEMS, "test": ITEMS}
    made: dict[str, Any] = {"tasks": {}, "training": {}, "evaluation": {}, "models": {}, "suites": {}}
    for events, dataset in (("points", "ring"), ("images", "digits")):
        tasks, models = names(events)
        made["tasks"] |= {t: {"data": {"dataset": dataset, **data}, "extractor": {"name": "identity"}} for t in tasks}
        made["training"][events] = {"steps": 10, "batch_size": 4, "learning_rate": 0.001}
        made["evaluation"][events] = {"samples": ITEMS, "draws": 1, "chunk": ITEMS}
        made["models"][events] = {model: {"family": model.partition("_")[0]} for model in models}
        grid = {"tasks": tasks, "models": models, "seeds": list(range(SEEDS))}
        made["suites"][events] = {"question": "?", "default": events == "points", "events": events, **grid}
    return made


def fill(events: str, pattern: dict[str, Any], curve: str) -> None:
    tasks, models = names(events)
    for task in tasks:
        prepare(task, events)
        for model, seed in product(models, range(SEEDS)):
            measure(Cell(task, model, seed), events, pattern, curve)


def prepare(task: str, events: str) -> None:
    shape = [2] if events == "points" else [1, 8, 8]
    event = {"shape": shape, "levels": None if events == "points" else LEVELS}
    known = {"event": event, "condition": {"kind": "none", "shape": [0], "size": 0}, "truth": None, "splits": {}}
    files.write_json(paths.prepared(task) / "manifest.json", {"task": task, **known})
    for split in ("train", "test"):
        files.write_npz(paths.prepared(task) / f"{split}.npz", {"x": drawn(split, events)})


def measure(cell: Cell, events: str, pattern: dict[str, Any], curve: str) -> None:
    rng = random.Random(cell.key)
    metrics = {name: moved(of, rng) for name, of in pattern["metrics"].items()}
    files.write_json(paths.metrics(cell), pattern | {"metrics": metrics} | cell._asdict())
    files.write_npz(paths.samples(cell), {"x": drawn(cell.key, events)})
    for stage, name in (("train", "train_seconds"), ("evaluate", "sample_seconds_per_1000")):
        seconds = {"value": rng.uniform(1, 99), "unit": "s", "better": "lower", "kind": "measured", "protocol": "clock"}
        files.write_json(paths.times(stage, cell), {"metrics": {name: seconds}, "hardware": {"cores": 2}})
    paths.curve(cell).parent.mkdir(parents=True, exist_ok=True)
    paths.curve(cell).write_text(curve, encoding="utf-8")


def moved(metric: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    """By up to 5 %, with its interval."""
    factor = rng.uniform(0.95, 1.05)
    return metric | {key: factor * metric[key] for key in ("value", "low", "high") if key in metric}


def drawn(seed: str, events: str) -> np.ndarray[Any, Any]:
    rng = np.random.default_rng(list(seed.encode()))
    if events == "points":
        return rng.normal(size=(ITEMS, 2)).astype(np.float32)
    return rng.integers(0, LEVELS, (ITEMS // 10, 1, 8, 8), dtype=np.uint8)


if __name__ == "__main__":
    main()
