"""Which feature extractors keep the controls apart, by the rule of `pipeline.statistics.admission`.

    coverseek prepare --task shapes_none    (likewise of each task)
    python benchmarks/extractors.py digits shapes_none stacked_digits
    python benchmarks/extractors.py ring grid --samples 2500

Each extractor is fitted on the training split. One line for each metric has the values of the controls and `apart`, or
the comparison that fails: noise, one mode or independent pixels that score like held-out data. The control *blur* is
`real` averaged over 5 x 5 pixels; it is shown, and no part of the rule. The last lines count the metrics that each
extractor admits: of a task's extractors the one with the most is the natural choice, and the next one of another kind
the second.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from functools import partial

import pandas as pd
import torch
from torch import Tensor

from pipeline.contract import GenerativeModel, Task
from pipeline.data import prepared
from pipeline.data.prepared import Prepared
from pipeline.errors import UserError
from pipeline.families.control import recipe
from pipeline.metrics import registry
from pipeline.metrics.evaluation.context import EvaluationContext
from pipeline.metrics.evaluation.draws import draw
from pipeline.metrics.evaluation.measure import entry
from pipeline.metrics.extractors.classifier import channel_classifier, classifier
from pipeline.metrics.extractors.contrastive import contrastive
from pipeline.metrics.extractors.corruption import blurred
from pipeline.metrics.extractors.lookup import Extractor, identity
from pipeline.metrics.extractors.untrained import untrained
from pipeline.params import Evaluation
from pipeline.stages.features import labels
from pipeline.statistics.admission import admissions

CONTROLS: dict[str, dict[str, Callable[[Task], GenerativeModel]]] = {
    "images": {"real": recipe.real, "noise": recipe.noise_images, "collapsed": recipe.collapsed,
               "marginal": recipe.marginal_images},
    "points": {"real": recipe.real, "noise": recipe.noise_points, "collapsed": recipe.collapsed},
}  # fmt: skip
METRICS = (
    "frechet", "kernel", "fld", "sliced_wasserstein", "precision", "recall", "density", "coverage", "p_precision",
    "p_recall", "alpha_precision", "beta_recall", "f_8", "f_1_8",
)  # fmt: skip


def extractors(features: int, steps: int | None) -> dict[str, Callable[..., Extractor]]:
    more = {} if steps is None else {"steps": steps}
    return {
        "identity": identity,
        "classifier": partial(classifier, features=features, **more),
        "classifier, noise class": partial(classifier, features=features, noise_class=True, **more),
        "channel_classifier": partial(channel_classifier, **more),
        "channel_classifier, noise class": partial(channel_classifier, noise_class=True, **more),
        "contrastive": partial(contrastive, features=features, **more),
        "untrained": partial(untrained, features=features),
    }


def samples(data: Prepared, count: int) -> Iterator[tuple[str, Tensor]]:
    kind = data.task.event.kind
    for name, make in CONTROLS[kind].items():
        model = make(data.task)
        torch.manual_seed(0)
        model.calibrate([data.train], [data.validation])
        x, _ = draw(model, data.task.event, data.test[1], count=count, chunk=1000)
        yield name, x
        if name == "real" and kind == "images":
            yield "blur", data.task.event.quantise(blurred(x))


def rows(data: Prepared, extractor: Extractor, made: dict[str, Tensor], names: tuple[str, ...]) -> Iterator[dict]:
    """As of results.csv: one for each metric of each control."""
    features = {name: extractor.extract(split[0]) for name, split in (("train", data.train), ("test", data.test))}
    chosen = [metric for metric in registry.metrics() if metric.name in names]
    for control, x in made.items():
        context = EvaluationContext(
            model=torch.nn.Identity(), task=data.task, test=data.test, samples=x, many=x, c=data.test[1][: len(x)],
            train=features["train"], real=features["test"][: len(x)], fake=extractor.extract(x),
            repeated=torch.empty(0, 2, extractor.size), judges={}, extractor=extractor.id,
            settings=Evaluation(samples=len(x), draws=1, chunk=len(x)), seed=0, sources=data.sources.get("test"),
        )  # fmt: skip
        for metric in chosen:
            found = entry(metric, context)
            yield {
                "task": data.task.name, "family": "shown" if control == "blur" else "control", "model": control,
                "metric": metric.name, "sampling_low": found.get("low"), "sampling_high": found.get("high"),
                **{key: found[key] for key in ("value", "unit", "better", "kind")},
            }  # fmt: skip


def table(data: Prepared, extractor: Extractor, made: dict[str, Tensor], names: tuple[str, ...]) -> int:
    """Print the table of one extractor on one task; returns how many metrics are admitted."""
    frame = pd.DataFrame(rows(data, extractor, made, names))
    verdicts = admissions(frame.astype({"sampling_low": float, "sampling_high": float}))
    for metric, group in frame.groupby("metric", sort=False):
        values = dict(zip(group["model"], group["value"], strict=True))
        verdict = verdicts[data.task.name, metric]
        numbers = " ".join(f"{values[name]:>10.3g}" for name in made)
        print(f"  {metric:20} {numbers}  {'apart' if verdict.admitted else verdict.reason}", flush=True)
    return sum(verdict.admitted for verdict in verdicts.values())


def main() -> None:
    parser = argparse.ArgumentParser(description="Which feature extractors keep the controls apart.")
    parser.add_argument("tasks", nargs="+")
    parser.add_argument("--extractors", nargs="+", help="of these alone")
    parser.add_argument("--metrics", nargs="+", default=METRICS)
    parser.add_argument("--samples", type=int, default=250)
    parser.add_argument("--features", type=int, default=64)
    parser.add_argument("--steps", type=int, help="of each training; the default of each extractor unless given")
    options = parser.parse_args()
    torch.set_num_threads(1)
    counts: dict[tuple[str, str], int] = {}
    for task in options.tasks:
        data = prepared.load(task)
        made = dict(samples(data, min(options.samples, len(data.test[0]))))
        for name, make in extractors(options.features, options.steps).items():
            if options.extractors and name not in options.extractors:
                continue
            try:
                extractor = make(task, data.train[0], labels(data, "train"))
            except UserError:
                continue  # it needs labels that the task has not
            print(f"{task}, {name}: {extractor.id}\n  {'':20} {' '.join(f'{control:>10}' for control in made)}")
            counts[task, name] = table(data, extractor, made, tuple(options.metrics))
    for (task, name), admitted in counts.items():
        print(f"{task:16} {name:32} {admitted} of {len(options.metrics)} metrics keep the controls apart")


if __name__ == "__main__":
    main()
