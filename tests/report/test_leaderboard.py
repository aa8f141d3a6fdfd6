"""The leaderboard on a terminal."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pipeline import paths
from pipeline.errors import UserError
from pipeline.families.vae import recipe
from pipeline.params import load
from pipeline.report.row_labels import TWO_DIMENSIONAL, family_label
from pipeline.stages import leaderboard, report
from pipeline.stages.leaderboard import main, render

ROOT = Path(__file__).parents[2]

if TYPE_CHECKING:
    from tests.report.conftest import Tree


def test_it_shows_every_task_with_kind_and_status(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    tree.diverged("toy", "gan", 1, step=120, player="critic")
    report.main()
    main(None)
    shown = capsys.readouterr().out
    assert "-0.490 ± 0.025" in shown
    assert "≤ (IWAE-64)" in shown
    assert "gan: diverged at step 120 (critic), 1 of 3 seeds" in shown
    assert str(paths.LEADERBOARD_MD) in shown


def test_it_shows_one_task_alone(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    report.main()
    main("pics")
    shown = capsys.readouterr().out
    assert "pics" in shown
    assert "toy" not in shown


def test_it_shows_the_suites_that_ran_and_says_where_the_others_are(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    report.main()
    render(None)
    shown = capsys.readouterr().out
    assert "points: toy" in shown
    assert "images: pics" in shown
    assert "Of other suites" not in shown
    render(None, ["images"])
    shown = capsys.readouterr().out
    assert "images: pics" in shown
    assert "points: toy" not in shown
    assert "Of other suites (points): coverseek leaderboard\n" in shown


def test_the_row_of_a_vae_of_two_dimensions_says_so(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    report.main()
    main(None)
    points, images = capsys.readouterr().out.split("images: pics")
    assert "vae (2-D code)" in images
    assert "2-D code" not in points
    assert paths.LEADERBOARD_MD.read_text(encoding="utf-8").count("vae (2-D code)") == 2  # quality and cost


@pytest.mark.parametrize("name", sorted(TWO_DIMENSIONAL))
def test_a_vae_of_two_dimensions_says_so(name: str) -> None:
    assert family_label(name, "vae", images=True) == "vae (2-D code)"
    assert family_label(name, "vae", images=False) == family_label("conv_vae", "vae", images=True) == "vae"


def test_the_vaes_that_say_so_are_those_of_params() -> None:
    default = inspect.signature(recipe.vae).parameters["latent"].default
    models = load(ROOT / "params.yaml").models["images"]
    small = {
        name
        for name, spec in models.items()
        if spec.family == "vae" and (spec.recipe or name) == "vae" and spec.keywords.get("latent", default) == 2
    }
    assert small == TWO_DIMENSIONAL


def test_an_unknown_task_gets_a_suggestion(tree: Tree) -> None:
    report.main()
    with pytest.raises(UserError, match="did you mean pics"):
        main("pic")


def test_without_a_report_it_says_what_to_run(tree: Tree) -> None:
    with pytest.raises(UserError, match="coverseek run, or coverseek report"):
        main(None)


def test_a_damaged_file_is_named(tree: Tree) -> None:
    paths.LEADERBOARD_CSV.parent.mkdir(exist_ok=True)
    paths.LEADERBOARD_CSV.write_text("a,b\n1,2\n")
    with pytest.raises(UserError, match="damaged"):
        main(None)


def test_it_imports_nothing_heavy() -> None:
    heavy = "{'torch', 'pandas', 'numpy', 'scipy', 'matplotlib', 'pydantic'}"
    code = f"import sys, pipeline.stages.leaderboard; print({heavy} & sys.modules.keys())"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "set()"


@pytest.mark.parametrize("width", [60, 80, 100, 140])
def test_no_row_is_wider_than_the_terminal(
    tree: Tree, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], width: int
) -> None:
    report.main()
    monkeypatch.setattr(leaderboard, "PIPE_WIDTH", width)
    main("toy")
    table = capsys.readouterr().out.split("A wider")[0].split("Means over")[0]
    assert max(map(len, table.splitlines())) <= width
    assert "…" not in table
    assert "-0.490 ± 0.025" in table
