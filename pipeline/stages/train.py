"""train: prepared data and a model's block of params.yaml -> artifacts/train/<cell>."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn

from pipeline import device as devices
from pipeline import families, files, hardware, params, paths
from pipeline.data import prepared
from pipeline.errors import UserError
from pipeline.paths import Cell
from pipeline.stages.loaded_code import code_hash
from pipeline.training import checkpoint, reproducible
from pipeline.training.cost import step_cost
from pipeline.training.curve_logger import CurveLogger
from pipeline.training.loop import fit
from pipeline.training.optimiser import DivergedError
from pipeline.training.resume import ResumePoints


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
    build = partial(families.build, data.task, spec.family, recipe, hyper)
    cost = step_cost(build, data.task, training.batch_size)
    reproducible.seed(seed)
    device = devices.resolve(settings.device)
    built = build()
    manifest: dict[str, Any] = {
        "task": task, "model": model, "family": spec.family, "recipe": recipe, "seed": seed,
        "data": files.sha256(paths.prepared(task) / "manifest.json"),
        "hyper": hyper, "training": training.model_dump(mode="json"),
        "parameters": sum(p.numel() for p in built.parameters()), "operations": cost.operations,
    }  # fmt: skip
    if gpu := devices.name(device):
        manifest["device"] = gpu
    points = resume_points(cell, manifest, built, device, settings.hardware.checkpoint_seconds)
    curve = CurveLogger(paths.live_curve(cell), manifest)
    try:
        trained, steps, best = fit(
            built, data.train, data.validation, training, curve, cell.key, data.intensity,
            seed=seed, device=device, points=points,
        )  # fmt: skip
        checkpoint.save(cell, trained, manifest | {"status": "ok", "steps": steps, "best_step": best})
    except DivergedError as error:
        print(f"{cell.key} diverged: {error}")
        end = {"status": "diverged", "diverged": {"step": error.step, "player": error.player}}
        checkpoint.save(cell, None, manifest | end)
    devices.synchronize(device)
    seconds = points.seconds
    curve.write(paths.curve(cell))
    times = hardware.timed({"train_seconds": (seconds, "measured")}, device=gpu)
    files.write_json(paths.times("train", cell), times)
    points.remove()


def resume_points(
    cell: Cell, manifest: dict[str, Any], model: nn.Module, device: torch.device, interval: float
) -> ResumePoints:
    """The resume points of a cell: they are of this code, these data and settings, these libraries and this device."""
    machine = {"device": device.type, "torch": torch.__version__, "numpy": np.__version__}
    inputs = {"manifest": manifest, "code": code_hash(model), "machine": machine}
    return ResumePoints(paths.resume_points(cell), inputs, interval)
