"""A report keeps the committed results of suites that have not run in this folder."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pipeline import files, paths
from pipeline.paths import Cell
from pipeline.stages.report import main

if TYPE_CHECKING:
    from tests.report.conftest import Tree

OWN = Cell("toy", "vae", 7)
KEPT = "Suites kept as committed, for they have not run here: more.\n"


@pytest.fixture(autouse=True)
def cloned(tree: Tree) -> None:
    """The report of two suites, one of which has no artifacts any more."""
    grid = "tasks: [toy], models: [vae], seeds: [0, 7]"
    paths.PARAMS.write_text(
        f"{paths.PARAMS.read_text()}  more: {{question: All?, default: false, events: points, {grid}}}\n"
    )
    tree.cell(*OWN, {"nats": -1.0})
    main()
    (paths.FIGURES / "more-toy-plane.png").write_bytes(b"a figure")
    hashes = {"train.points.vae": "code-settings", "evaluate.points.vae": "code-settings"}
    stages = {
        f"{stage}@{OWN.key}": {"cmd": "coverseek", "params": {str(paths.PARAMETERS): {f"{stage}.points.vae": value}}}
        for stage, value in (("train", hashes["train.points.vae"]), ("evaluate", hashes["evaluate.points.vae"]))
    }
    files.write_json(paths.LOCK, {"schema": "2.0", "stages": stages})  # JSON is YAML
    settle("later code-settings")
    for path in (paths.metrics(OWN), paths.samples(OWN), *(paths.times(stage, OWN) for stage in ("train", "evaluate"))):
        path.unlink()
    shutil.rmtree(paths.trained(OWN))


def settle(value: str) -> None:
    """What plan/parameters.json holds of the model: <code>-<settings>."""
    files.write_json(paths.PARAMETERS, {stage: {"points": {"vae": value}} for stage in ("train", "evaluate")})


def written() -> dict[Path, bytes]:
    """The tables and figures."""
    tables = (
        paths.RESULTS,
        paths.LEADERBOARD_CSV,
        Path("reports/comparisons.csv"),
        Path("reports/leaderboards/more.md"),
    )
    return {path: path.read_bytes() for path in (*tables, *sorted(paths.FIGURES.glob("more-*.png")))}


def test_tables_and_figures_stay_and_a_line_says_so(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    before = written()
    assert len(before) == 5
    capsys.readouterr()
    for _ in range(2):
        main()
        assert written() == before
        assert capsys.readouterr().out == KEPT
    assert "[more](leaderboards/more.md) (as committed: not run here)" in paths.LEADERBOARD_MD.read_text()


def test_numbers_of_other_settings_are_left_out_and_a_line_says_so(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    settle("code-other")
    capsys.readouterr()
    main()
    assert not Path("reports/leaderboards/more.md").exists()
    assert not [row for row in tree.rows(paths.RESULTS) if row["seed"] == "7"]
    assert capsys.readouterr().out == "Suites left out, for their settings changed or dvc.lock lacks them: more.\n"


def test_the_metrics_of_dvc_are_a_small_file_for_each_model_of_the_default_suites(tree: Tree) -> None:
    names = {path.stem for path in paths.DVC_METRICS.iterdir()}
    assert names == {"toy-gan", "toy-vae", "toy-flow", "pics-vae"}
    held = files.read_json(paths.DVC_METRICS / "toy-flow.json", "coverseek report")
    assert held["nats"] == pytest.approx(-0.49)
