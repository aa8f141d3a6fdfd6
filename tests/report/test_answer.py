"""Laws of the answer on the first screen: what counts as covering and seeking, and what is said to be unknown."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pipeline import paths
from pipeline.html import document
from pipeline.params import load
from pipeline.report import benchmark
from pipeline.report.answer import Answer, answer, behaviour
from pipeline.stages import report
from pipeline.statistics.intervals import Interval

if TYPE_CHECKING:
    from tests.report.conftest import Tree


def interval(low: float | None, high: float | None) -> Interval:
    return Interval(((low or 0) + (high or 0)) / 2, low, high, 1 if low is None else 3)


@pytest.mark.parametrize(
    ("coverage", "fidelity", "word"),
    [
        ((0.95, 1.0), (0.1, 0.2), "covers"),
        ((0.3, 0.5), (0.95, 1.0), "seeks"),
        ((0.0, 0.0), (0.03, 0.05), "neither"),
        ((0.3, 0.5), (0.8, 1.0), "misses"),
        ((0.8, 1.0), (0.95, 1.0), "open"),
        ((None, None), (0.95, 1.0), "open"),
    ],
)
def test_a_behaviour_is_decided_by_intervals(
    coverage: tuple[float | None, float | None], fidelity: tuple[float, float], word: str
) -> None:
    assert behaviour(interval(*coverage), interval(*fidelity)) == word


def test_without_precision_a_model_that_misses_data_is_not_called_seeking() -> None:
    assert behaviour(interval(0.3, 0.5), None) == "misses"


def measure(tree: Tree) -> None:
    """`gan` seeks, `flow` covers, `vae` does neither."""
    for seed in range(3):
        near = seed / 1000
        for model, precision, coverage in (
            ("oracle", 0.98, 0.97), ("gan", 0.9, 0.4), ("flow", 0.97, 0.96), ("vae", 0.2, 0.6),
        ):  # fmt: skip
            tree.cell("toy", model, seed, {"precision": precision + near, "coverage": coverage + near})


def found() -> Answer:
    return answer(benchmark.read(load()).boards)


def test_each_family_is_judged_by_the_controls_score(tree: Tree) -> None:
    measure(tree)
    seen = found()
    assert (seen.of("covers"), seen.of("seeks"), seen.of("neither")) == (["flow"], ["gan"], ["vae"])
    assert seen.tasks["toy"] == "coverage"
    assert {one.task for one in seen.evidence} == {"toy", "pics"}
    assert next(one for one in seen.evidence if one.task == "pics").behaviour == "open"  # one seed
    assert any(line.startswith("pics: one seed of vae") for line in seen.unknown)


def test_a_blind_metric_decides_nothing_and_is_named(tree: Tree) -> None:
    measure(tree)
    text = paths.PARAMS.read_text()
    text = re.sub(r"oracle: *\{family: control\}", "oracle: {family: control}, noise: {family: control}", text)
    paths.PARAMS.write_text(re.sub(r"flow, oracle\]", "flow, oracle, noise]", text))
    for seed in range(3):
        tree.cell("toy", "noise", seed, {"precision": 0.01, "coverage": 0.97})
    seen = found()
    assert "toy" not in seen.tasks
    assert any("nothing is concluded from coverage" in line for line in seen.unknown)


def test_what_is_not_measured_is_said(tree: Tree) -> None:
    measure(tree)
    tree.forget("pics", "vae", 0)
    tree.forget("pics", "real", 0)
    assert "pics: not measured; run coverseek run --suite images" in found().unknown


@pytest.mark.parametrize("partial", [False, True])
def test_the_page_answers_before_its_tables(painted_tree: Tree, partial: bool) -> None:
    if partial:
        painted_tree.forget("pics", "vae", 0)
        painted_tree.forget("pics", "real", 0)
    measure(painted_tree)
    report.main()
    page = Path(document.PATH).read_text(encoding="utf-8")
    screen = page.split('<section id="answer"')[1].split("</section>")[0]
    assert page.index('id="answer"') < page.index('id="leaderboards"')
    assert "<h1" in screen
    assert re.search(r"<dt>Seek a few modes</dt><dd><span class=\"of-gan\">gan</span>", screen)
    assert ("pics: not measured" in screen) == partial
    assert "<svg" in screen
    assert "The answer in 10 sentences, from the claims" in screen
    assert "What the claims leave open" in screen
    assert (paths.FIGURES / "answer.png").exists()
