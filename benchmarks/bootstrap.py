"""What the sampling intervals cost: seconds to measure one image cell with and without them, against the target.

    python benchmarks/bootstrap.py --count 250 1000 --features 64 192

The cell is made up: images of 16 x 16 in three colours under segmentation, with a judge of each kind that was never
fitted, which costs as much as one that was. Of every metric of the table the number is measured once, and then the
number with its interval of 1,000 resamples.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace

import torch
from torch import Tensor

from pipeline.contract import Condition, Event, Exact, Factor, Player, Task
from pipeline.metrics import registry
from pipeline.metrics.evaluation.bootstrap import RESAMPLES
from pipeline.metrics.evaluation.context import EvaluationContext
from pipeline.metrics.evaluation.measure import entry
from pipeline.metrics.judges.judge import Fitted, Labels, Segmentation
from pipeline.params import Evaluation

LIMIT = 5.0
"""Seconds for the intervals of one cell: the project's target."""
LABELS, FACTORS = 6, (Factor("class", (0.2,) * 5), Factor("colour", (0.25,) * 4), Factor("place", (0.25,) * 4))
TASK = Task("made_up", Event((3, 16, 16), levels=256), Condition("segmentation", (16, 16), LABELS), factors=FACTORS)


class Uniform(Exact):
    """Every image is as likely as any other."""

    def players(self) -> tuple[Player, ...]:
        return ()

    def sample(self, c: Tensor) -> Tensor:
        return TASK.event.quantise(2 * torch.rand(len(c), *TASK.event.shape) - 1)

    def log_prob(self, x: Tensor, c: Tensor) -> Tensor:
        return -TASK.event.dims * torch.full((len(x),), 256.0).log()


def cell(count: int, features: int) -> EvaluationContext:
    torch.manual_seed(0)
    c = torch.randint(LABELS, (count, 16, 16))
    x = Uniform().sample(c)
    judges: dict[str, Fitted] = {
        "segmentation": Segmentation(name="made-up", channels=3, size=LABELS),
        "factors": Labels(name="made-up", channels=3, sizes=[5, 4, 4]),
    }
    for judge in judges.values():
        judge.eval().test = 1.0
    settings = Evaluation(
        samples=count, draws=64, chunk=250, neighbours=3, coverage_neighbours=5, conditions=8, repeats=8
    )
    return EvaluationContext(
        model=Uniform(), task=TASK, test=(x, c), samples=x, many=x, c=c, train=torch.randn(6000, features),
        real=torch.randn(count, features), fake=1.1 * torch.randn(count, features),
        repeated=torch.randn(8, 8, features), judges=judges, extractor="made-up", settings=settings, seed=0,
    )  # fmt: skip


def seconds(context: EvaluationContext, metrics: tuple[registry.Metric, ...]) -> float:
    start = time.perf_counter()
    for metric in metrics:
        if metric.requires(context):
            entry(metric, context)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, nargs="+", default=[250, 1000], help="samples, and test images")
    parser.add_argument("--features", type=int, nargs="+", default=[64, 192])
    options = parser.parse_args()
    torch.set_num_threads(1)
    bare = tuple(replace(metric, interval=None) for metric in registry.metrics())
    seconds(cell(20, 2), registry.metrics())  # the first call pays for imports
    for count in options.count:
        for features in options.features:
            alone, both = seconds(cell(count, features), bare), seconds(cell(count, features), registry.metrics())
            verdict = "ok" if both - alone < LIMIT else "MISSED"
            print(f"n={count} d={features}: numbers {alone:.2f} s", end="")
            print(f", {RESAMPLES:,} resamples {both - alone:.2f} s  < {LIMIT:g}  {verdict}")


if __name__ == "__main__":
    main()
