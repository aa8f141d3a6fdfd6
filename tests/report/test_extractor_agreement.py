"""Agreement of two extractors: Kendall's τ of the orders that they give the models of a board."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from pipeline.report.extractor_agreement import agreements, sentence
from pipeline.report.leaderboard import Board, SeedMean, Standing
from pipeline.statistics.intervals import student_t


def standing(model: str, family: str = "vae", status: str = "ok", **scores: float) -> Standing:
    means = {
        name: SeedMean(student_t([value]), "estimate", "lower", False, {0: value}) for name, value in scores.items()
    }
    return Standing(model, family, status, (), means)


def board(first: Sequence[float], second: Sequence[float], blind: Mapping[str, str] | None = None) -> Board:
    rows = [
        standing(f"m{place}", frechet=a, frechet_second=b)
        for place, (a, b) in enumerate(zip(first, second, strict=True))
    ]
    protocols = {"frechet": {"estimate": "by one"}, "frechet_second": {"estimate": "by another"}}
    return Board("suite", "question", "task", tuple(rows), {}, {}, protocols, (), blind or {})


@pytest.mark.parametrize(
    ("second", "tau"), [([1, 2, 3, 4], 1), ([10, 20, 30, 31], 1), ([4, 3, 2, 1], -1), ([2, 1, 3, 4], 4 / 6)]
)
def test_it_is_the_share_of_pairs_in_one_order_less_that_of_the_others(second: list[float], tau: float) -> None:
    (found,) = agreements(board([1, 2, 3, 4], second))
    assert (found.metric, found.models) == ("frechet", 4)
    assert found.tau == pytest.approx(tau)


def test_the_sentence_names_metric_and_models() -> None:
    assert sentence(board([1, 2, 3], [1, 3, 2])).endswith("Kendall's τ 0.33 (Fréchet, 3 models)")


def test_blind_metrics_and_few_models_say_nothing() -> None:
    assert not sentence(board([1, 2], [1, 2]))
    assert not sentence(board([1, 2, 3], [2, 2, 2]))
    for name in ("frechet", "frechet_second"):
        assert not sentence(board([1, 2, 3], [1, 2, 3], {name: "noise scores as real does"}))


def test_controls_and_models_that_diverged_do_not_count() -> None:
    whole = board([1, 2, 3], [1, 2, 3])
    more = (
        standing("noise", "control", frechet=9, frechet_second=0),
        standing("gan", status="diverged at step 3", frechet=9, frechet_second=0),
        standing("made", frechet=9),
    )
    assert agreements(replace(whole, standings=whole.standings + more)) == agreements(whole)
