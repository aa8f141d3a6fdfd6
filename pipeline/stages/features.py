"""features: prepared data and a task's extractor block of params.yaml -> artifacts/features/<task>."""

from __future__ import annotations

import torch

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
    data = prepared.load(task)
    where = f"tasks.{task}.extractor"
    try:
        _write(settings, data, where, device)
    except FloatingPointError as error:
        raise UserError(
            f"{paths.PARAMS}: {where} cannot measure task {task}: {error}; take other weights, settings or extractor"
        ) from None


def _write(settings: params.TaskParams, data: Prepared, where: str, device: torch.device) -> None:
    """The extractor and the judges are fitted on the CPU, and read the data on `device`."""
    extractor = fit(settings, data, where).to(device)
    splits = {"train": data.train[0], "validation": data.validation[0], "test": data.test[0]}
    accuracy = None
    if isinstance(extractor, Classifier):
        accuracy = {name: extractor.accuracy(x, data.labels[name]) for name, x in splits.items()}
    reference.write(data.task, extractor, splits, accuracy, judges(settings.data.dataset, data))


def fit(settings: params.TaskParams, data: Prepared, where: str) -> Extractor:
    """Raises `UserError` where the block names no extractor, or a keyword that the extractor does not take."""
    name = settings.extractor.name
    function = find(name, f"{paths.PARAMS}: {where}.name")
    keywords = params.bind(function, settings.extractor.keywords, where)
    extractor = function(settings.data.dataset, data.train[0], data.labels.get("train"), **keywords)
    if extractor.name != name:
        raise UserError(f"extractor {name} calls itself {extractor.name!r}; its class must be named as it is announced")
    return extractor


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
