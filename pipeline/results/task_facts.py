"""What reports read of a task's prepared data; tasks.csv keeps it for folders where the data are not prepared.

The hash of the data (`protocol.split`) names what a number was measured on. A conditioning series also wants the
values of an image, the entropy of a class, and whether its tasks have the same images.
"""

from __future__ import annotations

import csv
import hashlib
import io
import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from pipeline import files, paths
from pipeline.data import manifest
from pipeline.results import protocol

TASKS = paths.RESULTS.with_name("tasks.csv")
SPLITS = ("train", "validation", "test")
DIGITS = 16


class TaskFacts(BaseModel):
    """A row of tasks.csv.

    Attributes:
        split: a hash of the prepared data.
        dims: values of an event.
        entropy: of its condition in bits, where it is a class.
        train: a hash of the images of the split; empty unless the task is in a conditioning series.
        validation: the same.
        test: the same.
    """

    task: str
    split: str
    condition: str = "none"
    dims: int
    entropy: float | None = None
    train: str = ""
    validation: str = ""
    test: str = ""


def is_prepared(task: str) -> bool:
    """Whether the task's data are in this folder."""
    return (paths.prepared(task) / "manifest.json").exists()


def split(task: str) -> str:
    """A hash of the task's data: of those here, else of those of the record.

    Raises:
        UserError: they are in neither, or a file is damaged.
    """
    known = None if is_prepared(task) else read().get(task)
    return known.split if known else protocol.split(task)


def facts(task: str, *, images: bool) -> TaskFacts | None:
    """What is known of a task, from its data where they are here, else from the record; None where neither is there.

    Args:
        images: whether to compute the hashes of its images.

    Raises:
        UserError: a file is damaged.
    """
    if not is_prepared(task):
        return read().get(task)
    known = manifest.read(task)
    kind = known.condition.kind
    hashes = {name: _digest(manifest.read_split(task, name, known)["x"]) for name in SPLITS} if images else {}
    return TaskFacts(
        task=task, split=protocol.split(task), condition=kind, dims=math.prod(known.event.shape),
        entropy=_entropy(manifest.read_split(task, "train", known)["c"]) if kind == "class" else None, **hashes,
    )  # fmt: skip


def read() -> dict[str, TaskFacts]:
    """tasks.csv: task -> its facts; empty where there is no file.

    Raises:
        UserError: it is damaged.
    """
    rows = files.read_csv(TASKS, f"git show HEAD:{TASKS}", TaskFacts) if TASKS.exists() else []
    return {row.task: row for row in rows}


def as_csv(found: Iterable[TaskFacts]) -> str:
    """The text of tasks.csv."""
    held = io.StringIO()
    writer = csv.writer(held, lineterminator="\n")
    writer.writerow(TaskFacts.model_fields)
    writer.writerows(["" if value is None else value for _, value in one] for one in found)
    return held.getvalue()


def _entropy(classes: NDArray[Any]) -> float:
    """Of the shares of classes (N,), in bits, with six significant digits."""
    share = np.unique(classes, return_counts=True)[1] / len(classes)
    return float(format(-(share * np.log2(share)).sum(), ".6g"))


def _digest(x: NDArray[Any]) -> str:
    """Of the values of x (N, *event)."""
    head = f"{x.dtype.str} {x.shape}".encode()
    return hashlib.sha256(head + np.ascontiguousarray(x).tobytes()).hexdigest()[:DIGITS]
