"""evaluate: a trained model, prepared data and features -> artifacts/metrics/<cell>, its samples and times."""

from __future__ import annotations

from statistics import median
from time import perf_counter
from typing import NamedTuple

import torch
from torch import Tensor, nn

from pipeline import device as devices
from pipeline import files, hardware, paths
from pipeline.contract import Batch, Bounded, Exact, GenerativeModel
from pipeline.data.prepared import Prepared
from pipeline.items import head
from pipeline.metrics.evaluation import memo, operations
from pipeline.metrics.evaluation.context import EvaluationContext, SecondFeatures
from pipeline.metrics.evaluation.draws import draw_timed, latent_plane, repeat, stored
from pipeline.metrics.evaluation.evaluation_chunks import EvaluationChunks
from pipeline.metrics.evaluation.measure import measure
from pipeline.metrics.evaluation.memo import LIKELIHOOD_SECONDS, Draws, Memo
from pipeline.metrics.evaluation.placement import device_of
from pipeline.metrics.extractors import reference
from pipeline.metrics.log_likelihood import statement, test_likelihood
from pipeline.metrics.registry import Entry
from pipeline.params import Evaluation
from pipeline.paths import Cell
from pipeline.stages import trained as cells
from pipeline.stages.loaded_code import code_hash
from pipeline.stages.trained import TrainedCell


class Measured(NamedTuple):
    """The samples and the numbers of one trained model on one task."""

    drawn: dict[str, Tensor]
    """x (M, *event) as stored and c (M, *condition). Of a task with a condition also `repeated` (K, R, *event), R
    samples under each row of `repeated_c` (K, *condition); of a model with a latent plane also `plane`; of a model with
    a likelihood also `log_p` (T,) float32 nats, the value or bound of each test item, in the order of the split."""
    metrics: dict[str, Entry]
    seconds: hardware.Seconds
    likelihood: str
    """`exact`, `quadrature`, `IWAE-64`, `ELBO` or another bound; empty of a model without likelihood."""


def main(task: str, model: str, seed: int) -> None:
    cell = Cell(task, model, seed)
    trained = cells.load(cell)
    event, test = trained.data.task.event, trained.data.test
    kept = EvaluationChunks()
    if trained.model is None:
        nothing = {"x": stored(event, test[0][:0]), "c": test[1][:0]}
        measured, replicated = Measured(nothing, {}, {}, ""), True
    else:
        extractors = trained.configured.task(task).extractors
        device = device_of(trained.model)
        found = memo.of_cell(cell, trained.manifest["family"], extractors, trained.settings, device.type)
        kept = evaluation_chunks(cell, trained, trained.model, device)
        measured = evaluate(trained.model, trained.data, trained.settings, seed, found, kept)
        measured.metrics["parameters"] = Entry(
            value=trained.manifest["parameters"], unit="parameters", better="none", kind="exact", protocol="model"
        )
        measured.metrics["train_flops"] = Entry(
            value=trained.manifest["operations"] * trained.manifest["steps"], unit="FLOPs", better="none",
            kind="exact", protocol=operations.TRAINING,
        )  # fmt: skip
        measured.metrics.update(operation_counts(trained.model, test))
        replicated = trained.model.replicates(measured.drawn["c"].to(device))
    known = trained.known("task", "model", "family", "seed", "status", "diverged", "data")
    record = {
        "condition": trained.data.task.condition.kind,
        "replicated": replicated,
        "metrics": measured.metrics,
    }
    files.write_npz(paths.samples(cell), {name: value.numpy() for name, value in measured.drawn.items()})
    whole = measured.seconds.pop("evaluate_seconds", (0.0, "measured"))
    gpu = devices.name(device_of(trained.model)) if trained.model else None
    times = hardware.timed({"evaluate_seconds": whole}, device=gpu)
    times["metrics"] |= hardware.timed(measured.seconds, hardware.MEDIAN, gpu)["metrics"]
    files.write_json(paths.times("evaluate", cell), times)
    files.write_json(paths.metrics(cell), known | record)
    kept.remove()


def evaluation_chunks(cell: Cell, trained: TrainedCell, model: nn.Module, device: torch.device) -> EvaluationChunks:
    """The chunks of a killed evaluation: they are of this code, this model, these data, settings and this device."""
    inputs = {
        "model": dict(trained.manifest),
        "data": files.sha256(paths.prepared(cell.task) / "manifest.json"),
        "settings": trained.settings.model_dump(mode="json"), "code": code_hash(model),
        "machine": {"device": device.type, "torch": torch.__version__},
    }  # fmt: skip
    interval = trained.configured.hardware.checkpoint_seconds
    return EvaluationChunks(paths.evaluation_chunks(cell), inputs, interval, device)


def evaluate(
    model: GenerativeModel, data: Prepared, settings: Evaluation, seed: int, known: Memo | None = None,
    kept: EvaluationChunks | None = None,
) -> Measured:  # fmt: skip
    """Draw, measure what applies, and take the seconds for 1,000 samples and 1,000 likelihoods.

    Args:
        model: the trained model.
        data: the data of its task.
        settings: the counts.
        seed: of the draws of a bound and of the resamples.
        known: the memo of the cell. What it holds is neither drawn nor measured again, and it is written at the end.
        kept: the chunks of a killed evaluation, which are not computed again.
    """
    kept = kept or EvaluationChunks()
    start, event = perf_counter(), data.task.event
    draws = known.draws(event) if known else None
    seconds = dict(known.seconds()) if known and draws else {}
    log_p = known.log_p() if known and draws else None
    if draws is None:
        draws, seconds["sample_seconds_per_1000"] = _draw(model, data, settings, kept)
    x, c, (again, held) = head(draws.many, settings.samples), draws.c[: settings.samples], draws[2:]
    extractor, features, judges = reference.load(data.task, device_of(model))
    context = EvaluationContext(
        model=model, task=data.task, test=data.test, samples=x, many=draws.many, c=c, train=features["train"],
        real=features["test"][: settings.samples], fake=extractor.extract(x),
        repeated=extractor.extract(again.flatten(0, 1)).unflatten(0, again.shape[:2]), judges=judges,
        extractor=extractor.id, settings=settings, seed=seed, sources=data.sources.get("test"), kept=kept,
        second=_second(data, settings, x, device_of(model)),
    )  # fmt: skip
    name = statement(model, settings.draws) if isinstance(model, Bounded) else ""
    if name and (LIKELIHOOD_SECONDS not in seconds or log_p is None):
        scores = test_likelihood(context)
        log_p = scores.log_p.float()
        seconds[LIKELIHOOD_SECONDS] = 1000 * median(scores.seconds), f"measured ({name})"
    metrics, decoded = measure(context, known.metrics() if known else None), latent_plane(model, event, data.test)
    drawn = {"x": stored(event, x), "c": c}
    if len(held):
        drawn |= {"repeated": stored(event, again), "repeated_c": held}
    if decoded is not None:
        drawn["plane"] = stored(event, decoded)
    if log_p is not None:
        drawn["log_p"] = log_p
    seconds.setdefault("evaluate_seconds", (perf_counter() - start + kept.seconds, "measured"))
    if known:
        known.save(event, draws, metrics, seconds, settings.draws, log_p)
    return Measured(drawn, metrics, seconds, name)


def _second(data: Prepared, settings: Evaluation, x: Tensor, device: torch.device) -> SecondFeatures | None:
    """The features of samples x (M, *event) and of the real data by the task's second extractor, if it has one."""
    other = reference.load_second(data.task, device)
    if other is None:
        return None
    return SecondFeatures(
        train=other.features["train"], real=other.features["test"][: settings.samples],
        fake=other.extractor.extract(x), extractor=other.extractor.id,
    )  # fmt: skip


def _draw(
    model: GenerativeModel, data: Prepared, settings: Evaluation, kept: EvaluationChunks
) -> tuple[Draws, tuple[float, str]]:
    """The samples of a cell, and the seconds for 1,000 of them with their kind."""
    count = max(settings.samples, settings.modes or 0)
    chunk = hardware.batch_size(count, settings.chunk) if model.independent_samples else count
    many, c, each = draw_timed(model, data.task.event, data.test[1], count=count, chunk=chunk, kept=kept)
    again, held = repeat(
        model, data.task, data.test[1],
        conditions=settings.conditions, repeats=settings.repeats, chunk=settings.chunk, kept=kept,
    )  # fmt: skip
    return Draws(many, c, again, held), (1000 * median(each), "measured")


def operation_counts(model: GenerativeModel, test: Batch) -> dict[str, Entry]:
    """The work and the depth of one sample, and of one log p, or one draw of its bound, where there is a likelihood."""
    found = _entries("sample", operations.sampling(model, test[1]), "counted", "one sample")
    if isinstance(model, Bounded):
        kind = f"counted ({model.likelihood_kind})" if isinstance(model, Exact) else "counted (one draw)"
        found |= _entries("likelihood", operations.evaluation(model, test), kind, "one test item")
    return found


def _entries(way: str, cost: operations.Cost, kind: str, what: str) -> dict[str, Entry]:
    words = f"{what}, {operations.WORK}", f"{what}, {operations.DEPTH}"
    return {
        f"{way}_flops": Entry(value=cost.flops, unit="FLOPs", better="none", kind=kind, protocol=words[0]),
        f"{way}_depth": Entry(value=cost.depth, unit="operations", better="none", kind=kind, protocol=words[1]),
    }
