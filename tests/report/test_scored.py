"""What was scored from files stands in the tables with its trust, and moves nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from pipeline import files, paths
from pipeline.errors import UserError
from pipeline.html import document
from pipeline.params import load
from pipeline.report import benchmark
from pipeline.results import external
from pipeline.stages import leaderboard, report

if TYPE_CHECKING:
    from tests.report.conftest import Tree

NUMBERS = ("frechet", "nats", "precision", "recall")


def rows(tree: Tree) -> list[dict[str, str]]:
    return [row for row in tree.rows(paths.LEADERBOARD_CSV) if row["role"] != "external"]


def test_it_has_a_row_on_each_board_of_its_task(tree: Tree) -> None:
    tree.scored("mine")
    report.main()
    row = tree.standing("toy", "mine")
    assert [row[key] for key in ("family", "role", "trust", "seeds", "status")] == [
        "external", "external", "re-scored", "", "ok",
    ]  # fmt: skip
    assert (row["frechet_mean"], row["frechet_low"], row["frechet_rank"], row["frechet_best"]) == ("1e-06", "", "", "")
    assert row["nats_kind"] == "reported"
    assert {r["trust"] for r in rows(tree)} == {"re-trained"}
    assert "mine" not in {r["model"] for r in tree.rows(paths.LEADERBOARD_CSV) if r["task"] == "pics"}


def test_it_stands_below_the_models_and_above_the_controls(tree: Tree) -> None:
    tree.scored("mine")
    tree.scored("theirs", trust="reported")
    report.main()
    toy = [row["model"] for row in tree.rows(paths.LEADERBOARD_CSV) if row["task"] == "toy"]
    assert toy == ["flow", "vae", "gan", "mine", "theirs", "oracle"]


def test_ranks_comparisons_and_claims_are_as_without_it(tree: Tree) -> None:
    kept = (paths.RESULTS.with_name("comparisons.csv"), Path("reports/claims.json"), Path("reports/claims.md"))
    report.main()
    before = rows(tree), [path.read_bytes() for path in kept]
    tree.scored("mine")
    tree.scored("pixelcnn", task="pics")  # a model that claims ask for by name
    report.main()
    assert (rows(tree), [path.read_bytes() for path in kept]) == before


def test_on_the_page_it_is_never_bold_and_says_how_far_to_trust_it(tree: Tree) -> None:
    report.main()
    flow = tree.line("toy", "flow")
    assert "trust" not in paths.LEADERBOARD_MD.read_text()
    tree.scored("mine")
    report.main()
    cells = [cell.strip() for cell in tree.line("toy", "mine").split("|")[1:5]]
    assert cells == ["mine", "external", "re-scored", "—"]
    assert "**" not in tree.line("toy", "mine")
    assert [bold.strip() for bold in tree.line("toy", "flow").split("|")[4:]] == [
        bold.strip() for bold in flow.split("|")[3:]
    ]
    assert "External rows were trained elsewhere" in paths.LEADERBOARD_MD.read_text()
    assert "1 seed: no interval" not in paths.LEADERBOARD_MD.read_text().split("### pics")[0]


def test_results_hold_it_once_under_a_family_of_its_own(tree: Tree) -> None:
    tree.scored("mine")
    report.main()
    found = [row for row in tree.rows(paths.RESULTS) if row["model"] == "mine"]
    assert {row["family"] for row in found} == {"external"}
    assert sorted(row["metric"] for row in found) == list(NUMBERS)
    assert all(row["sampling_low"] for row in found)


def test_the_terminal_shows_its_trust(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    tree.scored("mine")
    report.main()
    leaderboard.main("toy")
    shown = capsys.readouterr().out
    assert "re-scored" in shown
    assert "trust" in shown


@pytest.mark.parametrize("protocol", ["another extractor"])
def test_under_another_protocol_than_the_models_it_is_stale_and_has_no_numbers(tree: Tree, protocol: str) -> None:
    tree.scored("mine", protocol=protocol)
    report.main()
    row = tree.standing("toy", "mine")
    assert row["status"] == "stale: the models have another protocol by now, score it again"
    assert row["frechet_mean"] == ""
    assert row["status"] in tree.line("toy", "mine")


def test_on_other_test_data_of_the_same_size_it_is_stale(tree: Tree) -> None:
    tree.scored("mine")
    manifest = paths.prepared("toy") / "manifest.json"
    files.write_json(manifest, files.read_json(manifest, "") | {"splits": {"test": {"sha256": "other"}}})
    report.main()
    assert tree.standing("toy", "mine")["status"].startswith("stale")


def test_two_of_them_under_two_protocols_are_not_mixed_either(tree: Tree) -> None:
    tree.scored("a", kind="elsewhere", protocol="theirs")
    tree.scored("b", kind="elsewhere", protocol="others'")
    report.main()
    assert [tree.standing("toy", name)["status"][:5] for name in "ab"] == ["ok", "stale"]


def test_a_model_that_gets_its_name_is_named(tree: Tree) -> None:
    tree.scored("vae")
    with pytest.raises(UserError, match="has the name of a model of params"):
        report.main()


def test_a_damaged_file_is_named_with_the_command_that_mends_it(tree: Tree) -> None:
    tree.scored("mine")
    external.path("toy", "mine").write_text("{}")
    with pytest.raises(UserError, match="coverseek score PATH --task toy --name mine"):
        report.main()


def test_what_is_removed_leaves_no_trace(tree: Tree) -> None:
    report.main()
    before = tree.hashes()
    tree.scored("mine")
    report.main()
    assert tree.hashes() != before
    external.path("toy", "mine").unlink()
    report.main()
    assert tree.hashes() == before


def test_on_the_html_page_its_row_leads_to_its_sheet_its_record_and_its_command(painted_tree: Tree) -> None:
    painted_tree.scored("mine")
    painted_tree.scored("theirs", trust="reported")
    Image.new("L", (4, 3)).save(external.sheet("toy", "mine"))
    page = document.text(load(), benchmark.read(load()).boards, [], [])
    for name, pictures in (("mine", 1), ("theirs", 0)):
        assert f'<a href="#cell-toy-{name}">{name}</a>' in page
        beside = page.split(f'id="cell-toy-{name}"')[1].split("</div>")[0]
        assert beside.count("<img") == pictures
        assert f'href="scored/toy.{name}.json"' in beside
        assert f"coverseek score PATH --task toy --name {name}" in beside


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"sha256": "a"}, "PATH"),
        ({"sha256": "a", "rounded": 0.25}, "PATH --round"),
        ({"sha256": "a", "nll_sha256": "b", "rounded": 0.0}, "PATH --nll FILE"),
        ({"nll_sha256": "b"}, "--nll FILE"),
    ],
)
def test_its_command_asks_for_each_file_that_it_came_from(tree: Tree, said: dict[str, Any], words: str) -> None:
    tree.scored("mine")
    record = json.loads(external.path("toy", "mine").read_text())
    external.path("toy", "mine").write_text(json.dumps(record | said))
    assert external.command("toy", "mine") == f"coverseek score {words} --task toy --name mine"


def test_a_damaged_sheet_is_named_with_the_command_that_mends_it(painted_tree: Tree) -> None:
    painted_tree.scored("mine")
    external.sheet("toy", "mine").write_text("")
    with pytest.raises(UserError, match=r"toy.mine.png is damaged.*coverseek score PATH --task toy --name mine"):
        document.text(load(), benchmark.read(load()).boards, [], [])


@pytest.mark.slow
def test_of_the_figures_only_the_plane_shows_it(painted_tree: Tree) -> None:
    report.main()
    before = {path.name: files.sha256(path) for path in paths.FIGURES.iterdir()}
    painted_tree.scored("mine")
    report.main()
    after = {path.name: files.sha256(path) for path in paths.FIGURES.iterdir()}
    assert {name for name in before if before[name] != after[name]} == {"points-toy-plane.png"}
