"""What resume points cost a training: `python benchmarks/resume.py`.

    python benchmarks/resume.py --interval 120 --widths 256 2048

For each model: parameters, MB of a resume point, the median of the seconds that writing one takes (the sha256 of its
bytes included), and their share of the time of a training at the interval. The goal is at most 2 %: where one write
takes longer than that share of the interval, the next one is put off until it does not.

Printed on a machine of 2 cores, at the interval of 120 s:

    model                      parameters        MB   seconds      share
    spline_flow                    21,696       0.5     0.008     0.01 %
    vae, width 512              2,282,048      45.7     0.059     0.05 %
    vae, width 2048            21,706,304     434.2     1.204     0.99 %
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import torch

from pipeline.contract import Event, Task
from pipeline.device import CPU
from pipeline.families.registry import find
from pipeline.params import Training
from pipeline.training.batches import shuffled
from pipeline.training.curve_logger import CurveLogger
from pipeline.training.loop import TrainingLoop
from pipeline.training.progress_bar import StepLines
from pipeline.training.resume import SHARE, ResumePoints
from pipeline.training.transfer import Transfer

POINTS = Task("points", Event((2,), scale=2.0))
IMAGES = Task("grey", Event((1, 28, 28), levels=256))
SETTINGS = Training(steps=3, batch_size=16, learning_rate=1e-3)


def loop(task: Task, family: str, recipe: str, **keywords: int) -> TrainingLoop:
    """A training after three steps, so that its optimisers have moments."""
    torch.manual_seed(0)
    model = find(family, recipe, task.event.kind, "benchmark")(task, **keywords)
    shape, levels = (64, *task.event.shape), task.event.levels
    x = torch.randn(shape) if levels is None else task.event.value(torch.randint(levels, shape))
    data = x, torch.empty(64, 0)
    batches = shuffled(data, SETTINGS.batch_size, seed=0)
    training = TrainingLoop(model.train(), batches, data, SETTINGS, CurveLogger(), Transfer(CPU))
    training.run(StepLines(recipe, 10**9, CPU))
    return training


def line(name: str, training: TrainingLoop, interval: float, repeats: int) -> str:
    seconds = []
    with tempfile.TemporaryDirectory() as folder:
        points = ResumePoints(Path(folder) / "cell", {}, interval)
        for step in range(1, repeats + 1):
            start = time.perf_counter()
            points.save(step, training.state())
            seconds.append(time.perf_counter() - start)
        size = sum(file.stat().st_size for file in (points.folder / str(repeats)).iterdir())
    count, median = sum(p.numel() for p in training.model.parameters()), statistics.median(seconds)
    share = median / (max(interval, median / SHARE) + median)
    return f"{name:<24} {count:>12,} {size / 1e6:>9.1f} {median:>9.3f} {100 * share:>8.2f} %"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--interval", type=float, default=120.0, help="hardware.checkpoint_seconds")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--widths", type=int, nargs="*", default=[512, 2048], help="of VAEs of images")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{'model':<24} {'parameters':>12} {'MB':>9} {'seconds':>9} {'share':>10}")
    flow = loop(POINTS, "flow", "spline_flow")
    print(line("spline_flow", flow, options.interval, options.repeats), flush=True)
    for width in options.widths:
        training = loop(IMAGES, "vae", "vae", width=width, depth=3, latent=16)
        print(line(f"vae, width {width}", training, options.interval, options.repeats), flush=True)


if __name__ == "__main__":
    main()
