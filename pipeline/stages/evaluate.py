"""evaluate: a trained model, prepared data and features -> reports/metrics/<cell>, its samples and times."""

from __future__ import annotations

from time import perf_counter

from torch import Tensor

from pipeline import files, hardware, params, paths
from pipeline.contract import Batch, Bounded, GenerativeModel
from pipeline.data import prepared
from pipeline.data.prepared import Prepared
from pipeline.metrics import reference
from pipeline.metrics.evidence import Evidence, Settings
from pipeline.metrics.latent import plane
from pipeline.metrics.sampling import draw, stored
from pipeline.metrics.table import Entry, measure
from pipeline.paths import Cell
from pipeline.training import checkpoint, reproducible


def main(task: str, model: str, seed: int) -> None:
    configured, cell = params.load(), Cell(task, model, seed)
    configured.task(task)
    reproducible.seed(seed)
    data = prepared.load(task)
    trained, manifest = checkpoint.load(cell, data.task)
    samples: Batch = data.test[0][:0], data.test[1][:0]
    drawn: dict[str, Tensor] = {}
    metrics: dict[str, Entry] = {}
    seconds: hardware.Seconds = {}
    if trained is not None:
        events = configured.events(cell, data.task.event.kind)
        settings = Settings(**configured.evaluation[events].model_dump())
        samples, metrics, seconds = evaluate(trained, data, settings, seed)
        decoded = plane(trained, data.task.event, data.test)
        drawn = {} if decoded is None else {"plane": stored(data.task.event, decoded)}
        metrics["parameters"] = Entry(
            value=manifest["parameters"], unit="parameters", better="none", kind="exact", protocol="model"
        )
    known = {key: manifest[key] for key in ("task", "model", "family", "seed", "status", "diverged") if key in manifest}
    drawn |= {"x": stored(data.task.event, samples[0]), "c": samples[1]}
    files.write_npz(paths.samples(cell), {name: value.numpy() for name, value in drawn.items()})
    files.write_json(paths.times("evaluate", cell), hardware.timed(seconds))
    files.write_json(paths.metrics(cell), known | {"condition": data.task.condition.kind, "metrics": metrics})


def evaluate(
    model: GenerativeModel, data: Prepared, settings: Settings, seed: int
) -> tuple[Batch, dict[str, Entry], hardware.Seconds]:
    """The samples, the metrics that apply, and the seconds for 1,000 samples and 1,000 likelihoods."""
    start = perf_counter()
    samples = draw(model, data.task.event, data.test[1], count=settings.samples, chunk=settings.chunk)
    seconds = {"sample_seconds_per_1000": (1000 * (perf_counter() - start) / settings.samples, "measured")}
    extractor, features = reference.load(data.task.name)
    evidence = Evidence(
        model=model, task=data.task, test=data.test, samples=samples[0], train=features["train"],
        real=features["test"][: settings.samples], fake=extractor.extract(samples[0]), extractor=extractor.id,
        settings=settings, seed=seed,
    )  # fmt: skip
    if isinstance(model, Bounded):
        start = perf_counter()
        name = evidence.likelihood.name  # computed here once, under the clock, and kept
        seconds["likelihood_seconds_per_1000"] = (
            1000 * (perf_counter() - start) / len(data.test[0]),
            f"measured ({name})",
        )
    return samples, measure(evidence), seconds
