"""What the columns of comparisons.csv over test items promise, and what is refused of the scores of a cell."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from pipeline import files, paths
from pipeline.errors import UserError
from pipeline.paths import Cell
from pipeline.results import item_scores
from pipeline.stages.report import COMPARISONS, main

if TYPE_CHECKING:
    from tests.report.conftest import Tree

ENDS = ("items_low", "items_high", "both_low", "both_high")
MODELS = {"vae": -1.5, "flow": -0.5}


def score(tree: Tree, cell: Cell, log_p: np.ndarray) -> None:
    x = tree.x(cell.task == "pics")
    files.write_npz(paths.samples(cell), {"x": x, "log_p": log_p.astype(np.float32)})


def score_all(tree: Tree, hard: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    for model, mean in MODELS.items():
        own = rng.normal(0.0, 0.1, 64)
        for seed in range(3):
            items = hard + own + rng.normal(0.0, 0.05, 64)
            score(tree, Cell("toy", model, seed), mean + 0.01 * seed + items - items.mean())


def row_of_nats(tree: Tree) -> dict[str, str]:
    (row,) = [r for r in tree.rows(COMPARISONS) if (r["task"], r["metric"]) == ("toy", "nats")]
    return row


def test_a_pair_has_the_interval_over_items_where_both_models_have_scores_of_items(tree: Tree) -> None:
    score_all(tree, np.random.default_rng(1).normal(0.0, 3.0, 64))
    main()
    row = row_of_nats(tree)
    ends = [float(row[name]) for name in ENDS]
    difference = float(row["difference"])
    assert ends[2] < ends[0] < difference < ends[1] < ends[3]
    assert ends[1] - ends[0] < 0.2  # what is hard for both has no part in it
    assert ends[2] < float(row["low"]) < float(row["high"]) < ends[3]
    assert all(r[name] == "" for r in tree.rows(COMPARISONS) if r["metric"] == "frechet" for name in ENDS)


def test_a_pair_with_a_cell_without_scores_of_items_has_empty_ends(tree: Tree) -> None:
    score_all(tree, np.zeros(64))
    files.write_npz(paths.samples(Cell("toy", "vae", 1)), {"x": tree.x(False)})
    main()
    assert [row_of_nats(tree)[name] for name in ENDS] == [""] * 4


def test_scores_of_images_are_in_bits_per_dim(tree: Tree) -> None:
    cell = Cell("pics", "vae", 0)
    score(tree, cell, np.full(64, -64 * math.log(2)))
    found = item_scores.read(cell)
    assert found is not None
    np.testing.assert_allclose(found, 1.0, rtol=1e-6)


@pytest.mark.parametrize(
    ("log_p", "said"),
    [(np.zeros(63), r"shape \(63,\)"), (np.full(64, np.nan), "not finite"), (np.zeros((64, 1)), "shape")],
)  # fmt: skip
def test_scores_that_are_not_of_the_test_split_are_refused(tree: Tree, log_p: np.ndarray, said: str) -> None:
    cell = Cell("toy", "vae", 0)
    score(tree, cell, log_p)
    with pytest.raises(UserError, match=f"log_p has .*{said}.*coverseek evaluate --task toy --model vae --seed 0"):
        item_scores.read(cell)


def test_a_damaged_file_of_samples_is_refused(tree: Tree) -> None:
    cell = Cell("toy", "vae", 0)
    paths.samples(cell).write_bytes(b"PK\x03\x04nothing")
    with pytest.raises(UserError, match=r"cannot be read.*coverseek evaluate"):
        item_scores.read(cell)
