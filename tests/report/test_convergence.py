"""Laws of convergence: what a curve says of the end of a training, and that every table says so."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from pipeline import paths
from pipeline.params import load
from pipeline.paths import Cell
from pipeline.report import benchmark
from pipeline.report.answer import answer
from pipeline.results.convergence import CRITERIA, DISTANCE, LIMIT, RISE, fall, measured, rise
from pipeline.results.curve import CurveRow
from pipeline.results.table import Results
from pipeline.stages import leaderboard, report

if TYPE_CHECKING:
    from tests.report.conftest import Tree


def curve(*scores: float, player: str = "validation", every: int = 100) -> list[CurveRow]:
    return [
        CurveRow(step=every * place, player=player, part="elbo", value=score)
        for place, score in enumerate(scores, start=1)
    ]


def test_the_rise_is_the_gain_of_the_last_quarter_in_bits_per_dimension() -> None:
    assert rise(curve(-5.0, -4.0, -3.0, -2.0), dims=2) == pytest.approx(1 / (2 * math.log(2)))
    assert rise(curve(-5.0, -4.0, -3.0, -3.0), dims=2) == 0


def test_the_gain_is_that_of_a_quarter_however_far_apart_the_validations_are() -> None:
    """Two validations, at half of the steps and at their end: the gain of the half is divided by two."""
    assert rise(curve(-5.0, -3.0), dims=1) == pytest.approx(1 / math.log(2))


def test_a_score_that_peaked_before_is_converged() -> None:
    """As that of a training that ended for want of patience."""
    assert rise(curve(-5.0, -1.0, -3.0, -2.9), dims=1) == 0


def test_the_distance_of_samples_has_a_criterion_of_its_own() -> None:
    rows = [
        CurveRow(step=100 * n, player="validation", part=DISTANCE, value=v)
        for n, v in enumerate((0.5, 0.2, 0.1, 0.04), 1)
    ]
    assert fall(rows) == pytest.approx(0.06)
    assert rise(rows, dims=2) is None
    assert fall(curve(-5.0, -4.0, -3.0, -2.0)) is None


def test_where_samples_were_measured_they_decide_alone(tree: Tree) -> None:
    """A likelihood may rise or fall while an objective of another kind converges."""
    cell = benchmark.read(load()).outcomes[0].cell
    rows = curve(-5.0, -4.0, -3.0, -2.0)
    write(cell, rows)
    assert [criterion.metric for criterion, _ in measured(cell)] == [RISE]
    write(cell, [*rows, *(row.model_copy(update={"part": DISTANCE, "value": 0.1}) for row in rows)])
    assert measured(cell) == [(CRITERIA[1], 0.0)]


def write(cell: Cell, rows: list[CurveRow]) -> None:
    header = ",".join(CurveRow.model_fields)
    lines = (",".join(str(value) for value in row.model_dump().values()) for row in rows)
    paths.curve(cell).write_text("\n".join([header, *lines]) + "\n")


def test_the_order_of_rows_and_other_players_do_not_matter() -> None:
    rows = curve(-5.0, -4.0, -3.0, -2.0)
    assert rise([*curve(9.0, 1.0, player="train"), *reversed(rows)], dims=2) == rise(rows, dims=2)


@pytest.mark.parametrize("rows", [[], curve(1.0, 2.0, player="generator"), curve(-3.0), curve(-math.inf, -3.0)])
def test_without_two_validation_scores_convergence_is_not_decided(rows: list[CurveRow]) -> None:
    assert rise(rows, dims=2) is None


def test_every_table_names_what_had_not_converged(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    for seed in (0, 2):
        tree.rising("toy", "vae", seed)
    for seed in range(3):
        tree.unknown("toy", "gan", seed)
    report.main()
    assert tree.standing("toy", "vae")["not_converged"] == "0 2"
    assert tree.standing("toy", "flow")["not_converged"] == ""
    assert "3; 2 not converged" in tree.line("toy", "vae")
    section = tree.pages().split("### toy\n")[1].split("### ")[0]
    assert section.count("vae (seeds 0, 2)") == 2  # below the quality table and below that of costs
    assert "Convergence is not decided" in section
    assert "over the training: gan" in section
    capsys.readouterr()
    leaderboard.main(None)
    assert "Not converged when training ended: vae" in capsys.readouterr().out


def test_results_csv_keeps_the_rise(tree: Tree) -> None:
    """So that a clone without curves knows it."""
    tree.rising("toy", "vae", 1)
    report.main()
    results = Results.read()
    assert results.unconverged == {("toy", "vae"): frozenset({1})}
    assert results.seeds("toy", "vae", "nats").keys() == {0, 2}
    paths.curve(benchmark.read(load()).outcomes[0].cell).unlink()
    assert Results.read().unconverged == {("toy", "vae"): frozenset({1})}


def test_the_answer_rests_on_converged_trainings(tree: Tree) -> None:
    for seed in range(3):
        tree.cell("toy", "oracle", seed, {"precision": 0.9, "coverage": 0.97})
        tree.cell("toy", "flow", seed, {"precision": 0.9, "coverage": 0.96})
        tree.rising("toy", "flow", seed)
    found = answer(benchmark.read(load()).boards)
    assert not [one for one in found.evidence if one.model == "flow"]
    assert "toy: nothing is concluded from trainings that had not converged: flow" in found.unknown


def test_a_cell_without_a_curve_is_not_an_error(tree: Tree) -> None:
    for outcome in benchmark.read(load()).outcomes:
        paths.curve(outcome.cell).unlink()
    assert all(outcome.converged is None for outcome in benchmark.read(load()).outcomes)
    assert LIMIT > 0
