"""cluster.yaml: the most specific key decides, and what is not known is refused in one line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pipeline.errors import UserError
from pipeline.params import load
from pipeline.run.cluster.config import FILE, ClusterConfig, Needs
from pipeline.run.step import Step

if TYPE_CHECKING:
    from tests.run.conftest import Toy


def step(stage: str, task: str, model: str) -> Step:
    words = (stage, "--task", task, "--model", model, "--seed", "0")
    return Step(f"{stage}@{task}-{model}-0", words, frozenset())


def test_without_a_file_a_cell_needs_one_cpu(toy: Toy) -> None:
    config = ClusterConfig.load(load())
    assert config.needs(step("train", "ring", "gan")) == Needs(1, 0.0, 0, "")
    assert (config.file.address, config.file.store, config.file.retries) == (None, "", 2)


def test_the_most_specific_key_decides(toy: Toy) -> None:
    FILE.write_text(
        "needs:\n  train.points.gan: {gpus: 0.25}\n  train.points: {gpus: 1, memory: 2G}\n  train: {cpus: 2}\n"
    )
    config = ClusterConfig.load(load())
    assert config.needs(step("train", "ring", "gan")) == Needs(2, 0.25, 2 << 30)
    assert config.needs(step("train", "ring", "vae")) == Needs(2, 1, 2 << 30)
    assert config.needs(step("train", "digits", "vae")) == Needs(2)
    assert config.needs(step("evaluate", "ring", "gan")) == Needs(1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("stor: x", r"cluster.yaml: stor: Extra inputs are not permitted"),
        (
            "needs: {trian: {cpus: 1}}",
            "needs.trian: no such stage, events or model; .*did you mean train",
        ),
        ("needs: {train.points.gam: {cpus: 1}}", "did you mean train.points.gan"),
        ("needs: {train: {memory: 6 GB}}", "needs.train.memory: allowed: a whole number of K, M or G, such as 6G"),
        ("needs: {train: {gpus: 1.5}}", "gpus: 1.5; allowed: below 1 a share, above a whole number"),
        ("retries: -1", "cluster.yaml: retries: Input should be greater than or equal to 0"),
    ],
)
def test_what_is_not_known_is_refused(toy: Toy, text: str, message: str) -> None:
    FILE.write_text(text + "\n")
    with pytest.raises(UserError, match=message):
        ClusterConfig.load(load())


def test_the_file_makes_nothing_stale(toy: Toy) -> None:
    FILE.write_text("retries: 1\n")
    toy.run()
    assert not toy.commands()
    assert not Path("dvc.yaml").read_text().count(FILE.name)
