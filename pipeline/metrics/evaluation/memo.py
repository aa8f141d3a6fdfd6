"""The memo of a cell: its samples and its numbers, so that an edit of one metric computes that metric alone.

Samples are those of a key: the weights, the prepared data, the features, the settings, the seed and the code that
draws. Numbers are in addition those of the code of their metric. What has another key or hash is not used. The memo is
no result: it lies in an ignored folder, DVC does not know it, and deleting it costs time alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from pipeline import files, paths
from pipeline.contract import Event
from pipeline.errors import UserError
from pipeline.metrics import registry
from pipeline.metrics.evaluation.code_hash import metric_hashes, sampling_hash
from pipeline.metrics.evaluation.draws import restored, stored
from pipeline.metrics.extractors.lookup import EXTRACTORS
from pipeline.metrics.registry import Entry
from pipeline.params import Evaluation
from pipeline.paths import Cell

FOLDER = Path("artifacts/memo")
AGAIN = "coverseek evaluate"
LIKELIHOOD_SECONDS = "likelihood_seconds_per_1000"


class Draws(NamedTuple):
    """What is sampled of a cell."""

    many: Tensor
    """(L, *event)."""
    c: Tensor
    """(L, *condition), what each was drawn under."""
    repeated: Tensor
    """(K, R, *event)."""
    repeated_c: Tensor
    """(K, *condition)."""


class Memo:
    """The memo of one cell under one key."""

    def __init__(self, cell: Cell, key: str) -> None:
        self.key, self.hashes = key, metric_hashes()
        self._record, self._samples = FOLDER / f"{cell.key}.json", FOLDER / f"{cell.key}.npz"
        try:
            record = files.read_json(self._record, AGAIN)
        except UserError:
            record = {}
        self._known = record if record.get("key") == key else {}

    def draws(self, event: Event) -> Draws | None:
        """The samples; None where there are none of this key, or their file is damaged."""
        if not self._has_samples():
            return None
        found = files.read_npz(self._samples, AGAIN)
        many, c, repeated, repeated_c = (torch.from_numpy(found[name]) for name in Draws._fields)
        again = restored(event, repeated.flatten(0, 1))[:].unflatten(0, repeated.shape[:2])
        return Draws(restored(event, many), c, again, repeated_c)

    def metrics(self) -> dict[str, dict[str, Entry]]:
        """Name of a metric as declared -> its numbers, of those whose code is what it was."""
        known = self._known.get("metrics", {})
        return {name: one["entries"] for name, one in known.items() if one["hash"] == self.hashes.get(name)}

    def seconds(self) -> dict[str, tuple[float, str]]:
        """Wall-clock times of the cell when all of it was measured, by name: seconds and kind.

        Without that of the likelihood where its code has changed.
        """
        known = {name: (seconds, kind) for name, (seconds, kind) in self._known.get("seconds", {}).items()}
        if self._known.get("likelihood") != self.hashes["nats"]:
            known.pop(LIKELIHOOD_SECONDS, None)
        return known

    def log_p(self) -> Tensor | None:
        """(T,) float32 nats of the test items; None where there are none, or the code of the likelihood has changed."""
        if self._known.get("likelihood") != self.hashes["nats"] or not self._has_samples():
            return None
        found = files.read_npz(self._samples, AGAIN).get("log_p")
        return None if found is None else torch.from_numpy(found)

    def _has_samples(self) -> bool:
        there = bool(self._known) and self._samples.exists()
        return there and files.sha256(self._samples) == self._known["sha256"]

    def save(
        self, event: Event, draws: Draws, metrics: Mapping[str, Entry], seconds: Mapping[str, tuple[float, str]],
        k: int, log_p: Tensor | None = None,
    ) -> None:  # fmt: skip
        """Write the samples and the log-likelihoods, unless they are there, and the numbers.

        Args:
            event: of the task.
            draws: the samples.
            metrics: all numbers, by their names in results.csv.
            seconds: wall-clock times by name, with their kinds.
            k: draws of a bound, which some names hold.
            log_p: (T,) float32 nats of the test items; None of a model without a likelihood.
        """
        if not self._has_samples() or (log_p is not None and self.log_p() is None):
            arrays = {"many": stored(event, draws.many), "repeated": stored(event, draws.repeated)}
            arrays |= {"c": draws.c, "repeated_c": draws.repeated_c}
            arrays |= {} if log_p is None else {"log_p": log_p}
            files.write_npz(self._samples, {name: value.numpy() for name, value in arrays.items()})
        written = {metric.name: registry.measured_name(metric, k) for metric in registry.metrics()}
        record = {
            "key": self.key,
            "sha256": files.sha256(self._samples),
            "likelihood": self.hashes["nats"],
            "seconds": seconds,
            "metrics": {
                name: {"hash": self.hashes[name], "entries": {label: metrics[label]} if label in metrics else {}}
                for name, label in written.items()
            },
        }
        files.write_json(self._record, record)


def of_cell(
    cell: Cell, family: str, extractors: Collection[str], settings: Evaluation, device: str = "cpu"
) -> Memo | None:
    """The memo of a trained cell; None if its family or an extractor is another package's, whose code is not hashed."""
    code = sampling_hash(family)
    if code is None or not EXTRACTORS.keys() >= set(extractors):
        return None
    parts = [code, settings.model_dump_json(), json.dumps(list(cell)), device]
    folders = paths.trained(cell), paths.prepared(cell.task), paths.features(cell.task)
    for folder in folders:
        found = (path for path in sorted(folder.rglob("*")) if path.is_file())
        parts += [f"{path.relative_to(folder)} {files.sha256(path)}" for path in found]
    return Memo(cell, hashlib.sha256("\n".join(parts).encode()).hexdigest())
