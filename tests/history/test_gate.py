"""The commands over a small repository: exit code 1 for a regression, 2 for bad input, 0 otherwise."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pipeline import cli, paths
from tests.history.conftest import BASE, Repository


def run(*words: str) -> int:
    """The exit code of a command."""
    with pytest.raises(SystemExit) as ended:
        cli.main(list(words))
    return int(ended.value.code or 0)


def gate(*words: str) -> int:
    return run("gate", "--baseline", "base", "--metric", "bits_per_dim", *words)


def compare(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    assert run("compare", *words, "--format", "json") == 0
    return dict(json.loads(capsys.readouterr().out))


def test_the_same_results_pass(repository: Repository, capsys: pytest.CaptureFixture[str]) -> None:
    assert gate() == 0
    assert capsys.readouterr().out.startswith("0 regressions in bits_per_dim against base: 0 worse")


def test_a_regression_beyond_noise_is_one_line_and_exit_code_1(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    repository.write({**BASE, ("ring", "vae"): (1.50, 1.61, 1.70)})
    assert gate() == 1
    printed, summary = capsys.readouterr().out.splitlines()
    assert printed.startswith("bits/dim ↓ of vae on ring: 1.100 → 1.603, change 0.503 [")
    assert printed.endswith("(t over training seeds)")
    assert summary.startswith("1 regression in")
    assert gate("--task", "digits") == 0


def test_an_improvement_and_noise_pass(repository: Repository) -> None:
    repository.write({("ring", "vae"): (0.5, 0.61, 0.7), ("ring", "gan"): (3.0, 3.2, 3.15), ("digits", "vae"): (2.05,)})
    assert gate() == 0


def test_one_seed_is_judged_by_its_samples_and_says_so(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    repository.write({**BASE, ("digits", "vae"): (2.5,)})
    assert gate() == 1
    assert "training noise unknown" in capsys.readouterr().out


def test_another_protocol_is_no_regression_and_is_told(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    repository.write({**BASE, ("ring", "vae"): (9.0, 9.1, 9.2)}, split="other")
    assert gate() == 0
    printed = capsys.readouterr().out
    assert "3 not compared" in printed
    assert "protocols differ in split: ring: vae (1 number), gan (1 number); digits: vae (1 number)" in printed


def test_what_diverges_now_is_a_regression_and_what_left_the_grid_is_none(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    rest = {key: value for key, value in BASE.items() if key != ("ring", "vae")}
    repository.write(rest)
    assert gate() == 0
    repository.write(rest, status={"vae": "diverged at step 7 (model)", "gan": "ok"})
    capsys.readouterr()
    assert gate() == 1
    assert "bits_per_dim of vae on ring: diverged at step 7 (model)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "printed"),
    [
        (("--baseline", "nowhere", "--metric", "bits_per_dim"), "neither a git revision"),
        (("--baseline", "--help-me", "--metric", "bits_per_dim"), "neither a git revision"),
        (("--baseline", "base", "--metric", "bits"), "did you mean bits_per_dim"),
        (("--baseline", "base", "--metric", "authenticity"), "no direction"),
        (("--baseline", "base", "--metric", "bits_per_dim", "--task", "rings"), "did you mean ring"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    repository: Repository, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], printed: str
) -> None:
    assert run("gate", *words) == 2
    error = capsys.readouterr().err
    assert printed in error
    assert error.count("\n") == 1


def test_a_revision_without_results_is_named(repository: Repository, capsys: pytest.CaptureFixture[str]) -> None:
    paths.RESULTS.unlink()
    repository.commit("empty")
    assert run("compare", "base", "empty") == 2
    assert "holds no reports/results.csv" in capsys.readouterr().err
    assert run("compare", "base") == 2
    assert "coverseek report" in capsys.readouterr().err


def test_compare_is_antisymmetric_over_revisions(repository: Repository, capsys: pytest.CaptureFixture[str]) -> None:
    repository.write({**BASE, ("ring", "vae"): (1.50, 1.61, 1.70), ("ring", "gan"): (2.0, 2.1, 2.21)})
    repository.commit("head")
    there, back = compare(capsys, "base", "head"), compare(capsys, "head", "base")
    assert [one["verdict"] for one in there["compared"]] == ["worse", "improved", "within noise"]
    assert [one["verdict"] for one in back["compared"]] == ["improved", "worse", "within noise"]
    assert [one["change"] for one in there["compared"]] == pytest.approx([-one["change"] for one in back["compared"]])
    assert compare(capsys, "base")["after"] == "the work tree"


def test_a_comment_holds_what_changed_and_counts_what_is_noise(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    repository.write({**BASE, ("ring", "vae"): (1.50, 1.61, 1.70), ("ring", "gan"): (3.0, 3.2, 3.15)})
    assert run("compare", "base", "--format", "markdown") == 0
    comment = capsys.readouterr().out
    assert comment.startswith("**base → the work tree: 1 worse, 0 improved, 1 within noise, 1 unchanged**")
    assert "| ring   | vae     | bits/dim ↓ |" in comment
    assert "| gan" not in comment
    assert run("compare", "base", "--format", "md") == 0
    assert capsys.readouterr().out == comment
