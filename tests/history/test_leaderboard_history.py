"""`coverseek leaderboard --history` over a small repository: what each commit of the results changed."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from pipeline import paths
from pipeline.errors import UserError
from pipeline.stages import timeline
from tests.history.conftest import BASE, Repository

BETTER = {**BASE, ("ring", "gan"): (0.5, 0.6, 0.7)}


def history(capsys: pytest.CaptureFixture[str], everything: bool = True) -> dict[str, Any]:
    """Of `bits_per_dim` on `ring`."""
    capsys.readouterr()
    timeline.main("ring", "bits_per_dim", history=everything, form="json")
    (one,) = json.loads(capsys.readouterr().out)["history"]
    return dict(one)


def test_a_rank_that_changed_is_found_with_commit_cause_and_parameters(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    paths.PARAMS.write_text("models: {points: {gan: {width: 8}}}\ntraining: {points: {steps: 10}}\n")
    repository.write({**BASE, ("digits", "vae"): (2.1,)})
    repository.commit("settings")
    paths.PARAMS.write_text("models: {points: {gan: {width: 16}}}\ntraining: {points: {steps: 10}}\n")
    repository.write(BETTER)
    repository.commit("better")
    one = history(capsys)
    assert [(s["place"], s["model"]) for s in one["standings"]] == [(1, "gan"), (2, "vae")]
    assert [period["model"] for period in one["champions"]] == ["vae", "gan"]
    (change,) = one["changes"]
    assert change["commit"] == repository.id("better")
    (jump,) = change["jumps"]
    assert (jump["model"], jump["cause"]) == ("gan", "model")
    assert jump["params"] == {"models.points.gan.width": ["8", "16"]}
    assert {(m["model"], m["before"], m["after"]) for m in change["moves"]} == {("gan", 2, 1), ("vae", 1, 2)}


def test_results_that_are_not_committed_come_last(repository: Repository, capsys: pytest.CaptureFixture[str]) -> None:
    assert history(capsys)["changes"] == []
    repository.write(BETTER)
    (change,) = history(capsys)["changes"]
    assert change["commit"] == ""
    assert history(capsys, everything=False)["standings"][0]["model"] == "gan"
    timeline.main("ring", "bits_per_dim", history=True, form="markdown")
    assert "| work tree |" in capsys.readouterr().out


def test_a_commit_whose_results_cannot_be_read_is_left_out(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    paths.RESULTS.write_text("a,b\n1,2\n")
    repository.commit("damaged")
    repository.write(BETTER)
    repository.commit("better")
    (change,) = history(capsys)["changes"]
    assert change["commit"] == repository.id("better")


def test_without_git_the_results_here_are_the_history(
    repository: Repository, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    assert history(capsys)["standings"][0]["model"] == "vae"


@pytest.mark.parametrize("form", ["table", "markdown"])
def test_every_form_names_champions_and_changes(
    repository: Repository, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    repository.write(BETTER)
    repository.commit("better")
    timeline.main(None, None, history=True, form=form)
    printed = capsys.readouterr().out
    assert "ring: champions in bits/dim" in printed
    assert "digits: changes in bits/dim" in printed
    assert "Nothing changed since the first commit." in printed


def test_neither_mlflow_nor_torch_is_imported(repository: Repository) -> None:
    code = "import sys; from pipeline.stages import timeline; timeline.main(None, None, True, 'markdown')"
    command = [sys.executable, "-c", f"{code}; sys.exit('mlflow' in sys.modules or 'torch' in sys.modules)"]
    subprocess.run(command, capture_output=True, check=True)


def test_a_task_or_metric_that_is_not_there_gets_a_suggestion(repository: Repository) -> None:
    with pytest.raises(UserError, match="did you mean ring"):
        timeline.main("rin", None, history=False, form="table")
    with pytest.raises(UserError, match="did you mean bits_per_dim"):
        timeline.main(None, "bits_per_di", history=False, form="table")


def test_without_results_the_command_that_makes_them_is_named(repository: Repository) -> None:
    repository.git("rm", "-q", "-r", "reports")
    repository.git("update-ref", "-d", "HEAD")
    with pytest.raises(UserError, match="coverseek report"):
        timeline.main(None, None, history=True, form="table")
