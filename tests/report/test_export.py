"""The tables elsewhere: the report's numbers, in Markdown, LaTeX and csv, and nothing written."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pipeline.report.tabular import Text, Titled

from pipeline import cli, paths
from pipeline.errors import UserError
from pipeline.report import latex
from pipeline.stages import report
from pipeline.stages.tables import main

if TYPE_CHECKING:
    from tests.report.conftest import Tree

SPECIAL = "\\&%$#_{}~^<>|"


@given(st.text(alphabet=st.sampled_from(SPECIAL + "ab ")))
def test_no_special_character_is_left_to_itself(text: str) -> None:
    """Taking the commands away that stand for a character leaves none of the special ones."""
    commands = r"\\(textbackslash|textasciitilde|textasciicircum|textless|textgreater|textbar)\{\}|\\[&%$#_{}]"
    assert not set(re.sub(commands, "", latex.escaped(text))) & set(SPECIAL)


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("gan_half", r"gan\_half"),
        ("95 % & more", r"95 \% \& more"),
        ("-0.490 ± 0.025", r"$-$0.490 $\pm$ 0.025"),
        ("[-1, -2]", "[$-$1, $-$2]"),
        ("≤ (IWAE-64)", r"$\leq$ (IWAE-64)"),
        ("\\input{x}", r"\textbackslash{}input\{x\}"),
        ("1–3 ab", "1--3 ab"),
    ],
)
def test_text_prints_as_itself(text: str, printed: str) -> None:
    assert latex.escaped(text) == printed


def test_a_table_has_booktabs_rules_the_best_in_bold_and_controls_below() -> None:
    names = [Text("a_b"), Text("real", "control")]
    table = latex.table(
        [Titled("model", names), Titled("nats ↑", [Text("1.0", "best"), Text("2.0", "control")])], "C", "l"
    )
    body = table.split(r"\toprule")[1].split(r"\bottomrule")[0].split(r"\midrule")
    assert r"\begin{tabular}{lr}" in table
    assert [part.strip() for part in body] == [
        r"model & nats $\uparrow$ \\",
        r"a\_b & \textbf{1.0} \\",
        r"\textit{real} & \textit{2.0} \\",
    ]


def test_every_row_has_as_many_cells_as_columns(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    main("latex", None)
    for table in capsys.readouterr().out.split(r"\begin{tabular}{")[1:]:
        width = len(table.split("}")[0])
        rows = [line for line in table.splitlines() if line.endswith(r"\\")]
        assert len(rows) > 1
        assert all(len(re.findall(r"(?<!\\)&", row)) == width - 1 for row in rows)
    assert not (set("↑↓±≤≥—–") & set(table))


def test_markdown_has_the_rows_of_the_page_and_csv_those_of_the_file(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    report.main()
    main("markdown", "toy")
    shown = capsys.readouterr().out
    assert tree.line("toy", "flow") in shown
    assert "pics" not in shown
    main("csv", "toy")
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert rows[0]["nats_mean"] == tree.standing("toy", rows[0]["model"])["nats_mean"]


def test_they_show_all_that_the_report_shows_what_was_scored_from_files_too(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.scored("mine")
    report.main()
    main("csv", None)
    assert capsys.readouterr().out == paths.LEADERBOARD_CSV.read_text()
    main("markdown", "toy")
    assert tree.line("toy", "mine") in capsys.readouterr().out
    main("latex", "toy")
    assert "mine & external & re-scored" in capsys.readouterr().out


@pytest.mark.parametrize("form", ["markdown", "latex", "csv"])
def test_nothing_is_written(tree: Tree, form: str) -> None:
    with pytest.raises(SystemExit, match="0"):
        cli.main(["report", "--format", form])
    assert not tree.hashes()
    assert not paths.RESULTS.exists()


def test_an_unknown_task_gets_a_suggestion(tree: Tree) -> None:
    with pytest.raises(UserError, match="did you mean pics"):
        main("csv", "pic")
