"""prepare: params.yaml -> artifacts/prepared/<task>."""

from __future__ import annotations

from pipeline import params
from pipeline.data import datasets, prepared


def main(task: str) -> None:
    data = params.load().task(task).data
    prepared.write(task, data.dataset, datasets.make(data, f"tasks.{task}.data"))
