"""features: prepared data and a task's blocks of extractors of params.yaml -> artifacts/features/<task>."""

from __future__ import annotations

from torch import Tensor

from pipeline import device as devices
from pipeline import params, paths
from pipeline.contract import Batch
from pipeline.data import prepared
from pipeline.data.prepared import Prepared
from pipeline.errors import UserError
from pipeline.metrics.extractors import reference
from pipeline.metrics.extractors.lookup import Classifier, Extractor, find
from pipeline.metrics.judges import fitting
from pipeline.metrics.judges.judge import Fitted
from pipeline.training import reproducible


def main(task: str) -> None:
    configured = params.load()
    settings, device = configured.task(task), devices.resolve(configured.device)
    reproducible.seed(0)
    data, where = prepared.load(task), f"tasks.{task}.extractor"
    try:
        extractor = fit(settings.extractor, settings.data.dataset, data, where).to(device)
        second = None
        if settings.second_extractor:
            where = f"tasks.{task}.second_extractor"
            second = fit(settings.second_extractor, settings.data.dataset, data, where).to(device)
        _write(settings, data, extractor, second)
    except FloatingPointError as error:
        raise UserError(
            f"{paths.PARAMS}: {where} cannot measure task {task}: {error}; take other weights, settings or extractor"
        ) from None


def _write(settings: params.TaskParams, data: Prepared, extractor: Extractor, second: Extractor | None) -> None:
    """The extractors and the judges are fitted on the CPU, and the extractors read the data on their device."""
    splits = {"train": data.train[0], "validation": data.validation[0], "test": data.test[0]}
    accuracy = None
    if isinstance(extractor, Classifier):
        known = {name: label for name in splits if (label := labels(data, name)) is not None}
        accuracy = {name: extractor.accuracy(splits[name], label) for name, label in known.items()}
    reference.write(data.task, extractor, splits, accuracy, judges(settings.data.dataset, data), second)


def fit(block: params.ExtractorParams, dataset: str, data: Prepared, where: str) -> Extractor:
    """Raises `UserError` where the block names no extractor, or a keyword that the extractor does not take."""
    function = find(block.name, f"{paths.PARAMS}: {where}.name")
    keywords = params.bind(function, block.keywords, where)
    extractor = function(dataset, data.train[0], labels(data, "train"), **keywords)
    if extractor.name != block.name:
        raise UserError(
            f"extractor {block.name} calls itself {extractor.name!r}; its class must be named as it is announced"
        )
    return extractor


def labels(data: Prepared, split: str) -> Tensor | None:
    """What extractors may learn from: the classes (N,), else the values of the factors (N, F), else nothing."""
    return data.labels.get(split, data.factors.get(split))


def judges(dataset: str, data: Prepared) -> dict[str, Fitted]:
    """By kind, those that the task needs."""

    def shown(kind: str, split: str, batch: Batch) -> Batch:
        return (batch[0], data.factors[split]) if kind == "factors" else batch

    return {
        kind: fitting.fit(
            kind, dataset, data.task, train=shown(kind, "train", data.train), test=shown(kind, "test", data.test)
        )
        for kind in fitting.needed(data.task)
    }
