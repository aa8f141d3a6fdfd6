"""What the controls score in modes hit and modes covered.

    coverseek prepare --task shapes_none && coverseek features --task shapes_none    (likewise of each task)
    python benchmarks/modes.py ring ring_wide grid grid_wide ring_tail shapes_none stacked_digits

*blur* is the mean of two samples of `real`. Measured, seed 0; 2,500 points, 250 images of shapes, 26,000 of digits:

    task            modes   hit: real  noise  collapsed  blur   covered: real  noise  collapsed  blur
    ring                8           8      5          1     -               8      0          1     -
    ring_wide           8           8      8          1     -               8      0          1     -
    grid               25          25     14          1     -              25      0          1     -
    grid_wide          25          25     25          1     -              25      0          1     -
    ring_tail           8           8      8          1     -               8      0          1     -
    shapes_none        80          68     25         22    69              66      0         22    12
    stacked_digits  1,000       1,000    990        115   992             985      0        112   357

Of the tail, hit and covered: ring_tail noise 1.000 and 0.000, real 1.000 and 1.000; shapes_none noise .750 and 0.000,
marginal .719 and 0.000, real .688 and .688.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import torch
from torch import Tensor

from pipeline.contract import GenerativeModel, Task
from pipeline.data import prepared
from pipeline.data.prepared import Prepared
from pipeline.families.control import recipe
from pipeline.metrics import mode_coverage, modes
from pipeline.metrics.evaluation.draws import draw
from pipeline.metrics.extractors import reference
from pipeline.metrics.mode_coverage import Coverage
from pipeline.metrics.modes import Visits

POINTS, IMAGES, MANY = 2500, 250, 26_000


def controls(task: Task) -> dict[str, GenerativeModel]:
    points = task.event.kind == "points"
    found = {"real": recipe.real(task), "copycat": recipe.copycat(task), "collapsed": recipe.collapsed(task)}
    found["noise"] = recipe.noise_points(task) if points else recipe.noise_images(task)
    return found if points else found | {"marginal": recipe.marginal_images(task)}


def samples(data: Prepared, count: int) -> Iterator[tuple[str, Tensor]]:
    for name, model in controls(data.task).items():
        torch.manual_seed(0)
        model.calibrate([data.train], [data.validation])
        x, _ = draw(model, data.task.event, data.test[1], count=count, chunk=1000)
        yield name, x
        if name == "real" and data.task.event.kind == "images":
            yield "blur", data.task.event.quantise((x + x[torch.randperm(count)]) / 2)


def scored(data: Prepared, x: Tensor) -> tuple[Visits, Coverage]:
    task = data.task
    if task.truth is not None:
        placed = modes.nearest_mode(task.truth, x)
        visits = modes.visits(modes.histogram(task.truth, *placed))
        accepted = modes.histogram(task.truth, *placed, within=mode_coverage.median_radius(task.event.dims))
        return visits, mode_coverage.coverage(accepted, items=len(x), accepted=0.5)
    judge, test = reference.load(task).judges["factors"], data.test[0]
    gate = mode_coverage.gate(test, judge.answer_with_confidence(test).confidence)
    read = judge.answer_with_confidence(x)
    passed = mode_coverage.accepts(gate, x=x, confidence=read.confidence, test=test)
    visits = modes.visits(modes.factor_histogram(task.factors, read.answer))
    accepted = modes.factor_histogram(task.factors, read.answer[passed])
    return visits, mode_coverage.coverage(accepted, items=len(x), accepted=gate.accepted)


def main() -> None:
    parser = argparse.ArgumentParser(description="What the controls score in modes hit and modes covered.")
    parser.add_argument("tasks", nargs="+")
    for task in parser.parse_args().tasks:
        data = prepared.load(task)
        count = POINTS if data.task.event.kind == "points" else MANY if task.startswith("stacked") else IMAGES
        for name, x in samples(data, count):
            visits, found = scored(data, x)
            print(
                f"{task:16}{name:12} hit {int(visits.hit):5,}, of the tail {float(visits.tail_recall):5.3f}; "
                f"covered {int(found.modes):5,}, of the tail {float(found.tail):5.3f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
