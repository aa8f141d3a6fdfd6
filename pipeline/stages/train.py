"""train: prepared data and a model's block of params.yaml -> artifacts/train/<cell>."""

from __future__ import annotations

import time
from typing import Any

from pipeline import families, files, hardware, params, paths
from pipeline.data import prepared
from pipeline.errors import UserError
from pipeline.paths import Cell
from pipeline.training import checkpoint, reproducible
from pipeline.training.curve_logger import CurveLogger
from pipeline.training.loop import fit
from pipeline.training.optimiser import DivergedError


def main(task: str, model: str, seed: int) -> None:
    settings, cell = params.load(), Cell(task, model, seed)
    settings.task(task)
    data = prepared.load(task)
    events = settings.events(cell, data.task.event.kind)
    spec, training = settings.model(events, model), settings.train(events, model)
    hyper, recipe = families.check(events, model, spec), spec.recipe or model
    pack = hyper.get("pack", 1)
    if training.batch_size < pack:
        where = f"{paths.PARAMS}: models.{events}.{model}"
        raise UserError(f"{where}.training.batch_size: {training.batch_size}; allowed: {pack} (its pack) or more")
    reproducible.seed(seed)
    built = families.build(data.task, spec.family, recipe, hyper)
    manifest: dict[str, Any] = {
        "task": task, "model": model, "family": spec.family, "recipe": recipe, "seed": seed,
        "data": files.sha256(paths.prepared(task) / "manifest.json"),
        "hyper": hyper, "training": training.model_dump(mode="json"),
        "parameters": sum(p.numel() for p in built.parameters()),
    }  # fmt: skip
    curve, start = CurveLogger(paths.live_curve(cell), manifest), time.perf_counter()
    try:
        trained, steps, best = fit(
            built, data.train, data.validation, training, curve, cell.key, data.intensity, seed=seed
        )
        checkpoint.save(cell, trained, manifest | {"status": "ok", "steps": steps, "best_step": best})
    except DivergedError as error:
        print(f"{cell.key} diverged: {error}")
        end = {"status": "diverged", "diverged": {"step": error.step, "player": error.player}}
        checkpoint.save(cell, None, manifest | end)
    seconds = time.perf_counter() - start
    curve.write(paths.curve(cell))
    files.write_json(paths.times("train", cell), hardware.timed({"train_seconds": (seconds, "measured")}))
