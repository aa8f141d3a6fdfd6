"""A report has the cells that an earlier run measured: from the committed numbers, without their artifacts."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from clone import ROOT
from hypothesis import given
from hypothesis import strategies as st

from pipeline import files, paths
from pipeline.claims import answer_md, claims_md
from pipeline.errors import UserError
from pipeline.html import document
from pipeline.params import Params, load
from pipeline.paths import DVC_METRICS, Cell
from pipeline.report import leaderboard_md
from pipeline.results import outcomes, record, task_facts
from pipeline.results.outcomes import Measurement, Outcome
from pipeline.results.record import recorded
from pipeline.results.table import compact
from pipeline.stages import committed_cells
from pipeline.stages.plan import settings_before
from pipeline.stages.report import COMPARISONS, main

if TYPE_CHECKING:
    from tests.report.conftest import SeriesTree, Tree

SAME = (
    paths.RESULTS, record.CELLS, record.KNOBS, task_facts.TASKS, claims_md.MARKDOWN, claims_md.JSON, answer_md.PATH,
    paths.LEADERBOARD_CSV, COMPARISONS,
)  # fmt: skip
"""What the record alone gives to the byte."""
SENTENCE = re.compile(r" ?Committed rows: [^.]*\.")
VAE = Cell("toy", "vae", 0)


def settle(code: str = "code", settings: str = "settings") -> None:
    """What plan/parameters.json holds of every model."""
    stages = ("train", "evaluate", "sweep")
    content = {stage: {"all": f"{code} {stage}-{settings}"} for stage in stages}
    files.write_json(paths.PARAMETERS, content)


def lock(cells: Iterable[Cell], stages: Iterable[str] = ("train", "evaluate", "sweep")) -> None:
    """dvc.lock of the cells, as they ran under `settle()`."""
    params = {stage: {paths.PARAMETERS.as_posix(): {f"{stage}.all": f"code {stage}-settings"}} for stage in stages}
    entries = {f"{s}@{cell.key}": {"cmd": "coverseek", "params": params[s]} for cell in cells for s in stages}
    files.write_json(paths.LOCK, {"schema": "2.0", "stages": entries})  # JSON is YAML


def sweep(cell: Cell) -> None:
    points = [
        {"setting": s, "precision": 1 / 3 + s / 9, "recall": s / 7, "coverage": s / 3, "frechet": 2 / 3}
        for s in (0.5, 1.0)
    ]
    more = {"knob": "temperature", "protocol": "test n=64", "area": 1 / 7, "best": 1.0}
    files.write_json(paths.sweep(cell), {"status": "ok", "turns": points, "validation": points[:1], **more})


def forget(*cells: Cell) -> None:
    """As a clone has them: without artifacts."""
    for cell in cells:
        written = (paths.metrics(cell), paths.samples(cell), paths.times("train", cell), paths.times("evaluate", cell))
        for path in (*written, paths.sweep(cell)):
            path.unlink(missing_ok=True)
        shutil.rmtree(paths.trained(cell))


def metrics(tree: Tree, cell: Cell) -> set[str]:
    """Those that results.csv has of a cell."""
    rows = tree.rows(paths.RESULTS)
    return {row["metric"] for row in rows if Cell(row["task"], row["model"], int(row["seed"])) == cell}


def texts(paths_: Iterable[Path] = SAME) -> dict[Path, str]:
    return {path: path.read_text(encoding="utf-8") for path in paths_}


@pytest.fixture
def reported(tree: Tree) -> Tree:
    """The report of a run, with every kind of outcome in it."""
    tree.cell("toy", "flow", 1, {"nats": (-1 / 3, "exact"), "frechet": 1 / 7, "parameters": 12345678})
    for seed in range(3):
        tree.cell("toy", "oracle", seed, {"nats": (-2 / 7, "exact"), "frechet": 0.01}, replicated=False)
        sweep(Cell("toy", "vae", seed))
    tree.diverged("toy", "gan", 2, 120, "critic")
    tree.rising("toy", "vae", 1)
    tree.scored("mine")
    settle()
    lock(load().cells)
    main()
    return tree


def test_the_record_alone_gives_the_same_report(reported: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    before, pages = texts(), leaderboard_md_text()
    shutil.rmtree("artifacts")
    capsys.readouterr()
    for _ in range(2):
        main()
        assert texts() == before
        assert SENTENCE.sub("", leaderboard_md_text()) == pages
        assert capsys.readouterr().out == "Committed rows: 14 cells, measured by an earlier run.\n"
    assert "diverged at step 120 (critic), 1 of 3 seeds" in leaderboard_md_text()
    assert "Measured on cores 2" in leaderboard_md_text()


def leaderboard_md_text() -> str:
    return paths.LEADERBOARD_MD.read_text(encoding="utf-8")


def test_a_measured_outcome_is_that_of_its_record(reported: Tree) -> None:
    measured = [recorded(o) for o in outcomes.read(load())]
    found = record.read().outcomes
    for outcome in measured:
        assert found[outcome.cell] == outcome


@given(st.floats(-1e99, 1e99))
def test_a_recorded_number_is_recorded_as_itself(value: float) -> None:
    metric = Measurement(value=value, unit="", better="none", kind="", protocol="", low=value)
    once = recorded(Outcome(cell=VAE, family="vae", status="ok", metrics={"nats": metric}))
    assert recorded(once) == once
    assert compact(float(compact(value))) == compact(value)


def test_a_table_says_which_of_its_cells_were_not_measured_here(reported: Tree) -> None:
    assert "Committed rows" not in leaderboard_md_text()
    forget(VAE, Cell("toy", "vae", 1), *(Cell("toy", "oracle", seed) for seed in range(3)))
    main()
    line = "Committed rows: 5 of 12 cells (vae seeds 0, 1, oracle), measured by an earlier run."
    assert line in leaderboard_md_text()
    settle(code="later")
    main()
    assert line[:-1] + ", by older code." in leaderboard_md_text()


def test_a_cell_that_runs_here_takes_the_place_of_its_record(reported: Tree) -> None:
    shutil.rmtree(paths.trained(VAE))
    paths.metrics(VAE).unlink()
    main()
    reported.cell(*VAE, {"nats": (-9.0, ">= (IWAE-64)")})
    main()
    values = {(r["model"], r["seed"], r["metric"]): r["value"] for r in reported.rows(paths.RESULTS)}
    assert values["vae", "0", "nats"] == "-9"
    assert "Committed rows" not in leaderboard_md_text()


def test_a_record_of_other_settings_is_not_used(reported: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    forget(VAE)
    settle(settings="others")
    capsys.readouterr()
    main()
    why = "for their settings changed or dvc.lock lacks them"
    assert capsys.readouterr().out == f"Committed rows not used, {why}: 1 cell, first toy-vae-0.\n"
    status = reported.standing("toy", "vae")["status"]
    assert status == "not measured: 1 of 3 seeds, the record is of other settings"


def test_a_record_from_before_a_setting_was_added_is_used_where_the_training_is_the_same(reported: Tree) -> None:
    forget(VAE)
    settle(settings="others")  # those of `evaluate` and `sweep` too
    params = load()
    content = files.read_json(paths.PARAMETERS, "") | {"evaluate": {"all": "code evaluate-settings"}}
    files.write_json(paths.PARAMETERS, content)
    entries = files.read_json(paths.LOCK, "")
    trained = entries["stages"][f"train@{VAE.key}"]["params"][paths.PARAMETERS.as_posix()]
    for before, seeds in ((settings_before(params, VAE), "3"), ("another", "2")):
        trained["train.all"] = f"code train-{before}"
        files.write_json(paths.LOCK, entries)
        main()
        assert reported.standing("toy", "vae")["seeds"] == seeds


def test_a_setting_that_makes_another_training_has_no_hash_from_before() -> None:
    params = Params.model_validate(yaml.safe_load((ROOT / "params.yaml").read_text()))
    assert settings_before(params, Cell("ring", "vae", 0))
    assert settings_before(params, Cell("ring", "spline_flow_forward_kl", 0)) is None


def test_a_record_that_dvc_lock_lacks_is_not_used(reported: Tree) -> None:
    forget(VAE)
    lock([cell for cell in load().cells if cell != VAE])
    main()
    assert reported.standing("toy", "vae")["seeds"] == "2"
    paths.LOCK.unlink()
    main()
    assert reported.standing("toy", "vae")["seeds"] == "2"


def test_numbers_of_another_metrics_file_than_that_of_dvc_lock_are_not_used(reported: Tree) -> None:
    forget(VAE)
    content = files.read_json(paths.LOCK, "")
    out = {"path": paths.metrics(VAE).as_posix(), "md5": "0" * 32}
    content["stages"][f"evaluate@{VAE.key}"]["outs"] = [out]
    files.write_json(paths.LOCK, content)
    main()
    assert reported.standing("toy", "vae")["seeds"] == "2"


@pytest.mark.parametrize("change", ["version", "data", "protocol"])
def test_a_number_that_does_not_compare_with_those_of_today_is_not_used(
    reported: Tree, change: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    forget(VAE)
    if change == "version":
        for module in ("outcomes", "record", "external"):
            monkeypatch.setattr(f"pipeline.results.{module}.version", lambda metric: 2 if metric == "frechet" else 1)
    elif change == "data":
        manifest = files.read_json(paths.prepared("toy") / "manifest.json", "")
        files.write_json(paths.prepared("toy") / "manifest.json", manifest | {"splits": {"test": {"sha256": "new"}}})
    else:
        for row in range(1, 3):
            reported.cell("toy", "vae", row, {"frechet": 0.4}, protocol="other features")
        for model in ("gan", "flow", "oracle"):
            for row in range(3):
                reported.cell("toy", model, row, {"frechet": 0.2}, protocol="other features")
    capsys.readouterr()
    main()
    why = "for their data, metric version or protocol is another"
    assert f"Committed rows not used, {why}: " in capsys.readouterr().out
    kept = metrics(reported, VAE)
    assert "frechet" not in kept
    assert bool(kept) == (change != "data")


def test_a_knob_that_was_turned_under_other_settings_is_not_used(reported: Tree) -> None:
    forget(VAE)
    main()
    turned = [row for row in reported.rows(record.KNOBS) if row["seed"] == "0"]
    assert [(row["split"], row["setting"]) for row in turned] == [("test", "0.5"), ("test", "1"), ("validation", "0.5")]
    lock(load().cells, stages=("train", "evaluate"))
    main()
    assert not [row for row in reported.rows(record.KNOBS) if row["seed"] == "0"]
    kept = metrics(reported, VAE)
    assert "nats" in kept
    assert not kept & {"knob_area", "knob_best"}


def test_of_a_record_without_cells_csv_a_control_has_no_interval(reported: Tree) -> None:
    """Whether its seeds draw different samples is not known."""
    record.CELLS.unlink()
    shutil.rmtree("artifacts")
    main()
    assert reported.standing("toy", "oracle")["frechet_low"] == ""
    assert reported.standing("toy", "flow")["frechet_low"] != ""


@pytest.mark.parametrize("path", [paths.RESULTS, record.CELLS, record.KNOBS, task_facts.TASKS])
def test_a_damaged_record_is_refused_and_kept(reported: Tree, path: Path) -> None:
    shutil.rmtree("artifacts")
    path.write_text("task,model\n1,2,3\n")
    with pytest.raises(UserError, match=rf"{path} is damaged .*git show HEAD:{path}"):
        main()
    assert path.read_text() == "task,model\n1,2,3\n"


def test_a_suite_that_only_an_earlier_run_measured_has_its_tables(reported: Tree) -> None:
    """Also where dvc.lock has some of its cells alone."""
    grid = "tasks: [toy], models: [vae], seeds: [0, 7, 8]"
    more = f"  more: {{question: All?, default: false, events: points, {grid}}}\n"
    paths.PARAMS.write_text(paths.PARAMS.read_text() + more)
    own = Cell("toy", "vae", 7)
    reported.cell(*own, {"nats": (-1.0, ">= (IWAE-64)")})
    lock(load().cells)
    main()
    table = Path("reports/leaderboards/more.md")
    before = table.read_text()
    forget(own)
    main()
    assert SENTENCE.sub("", table.read_text()) == before
    assert "[more](leaderboards/more.md)" in leaderboard_md_text()
    settle(settings="others")
    main()
    assert not table.exists()
    assert "7" not in {row["seed"] for row in reported.rows(paths.RESULTS)}


def test_pictures_of_artifacts_stay_and_the_page_links_to_them(painted_tree: Tree) -> None:
    settle()
    lock(load().cells)
    main()
    before = {path.name: path.read_bytes() for path in paths.FIGURES.iterdir()}
    assert {"points-toy-samples.png", "points-toy-curves.png", "points-toy-plane.png"} <= before.keys()
    assert "data:image/webp" in document.PATH.read_text()
    shutil.rmtree("artifacts")
    main()
    assert {path.name: path.read_bytes() for path in paths.FIGURES.iterdir()} == before
    page = document.PATH.read_text()
    assert '<a href="figures/points-toy-samples.png">samples</a>' in page
    assert "data:image/webp" not in page
    assert "Committed rows: 12 of 12 cells, measured by an earlier run." in page


def test_samples_of_what_was_measured_here_are_drawn_where_no_picture_is_there(painted_tree: Tree) -> None:
    settle()
    lock(load().cells)
    main()
    forget(*(Cell("toy", "gan", seed) for seed in range(3)))
    shutil.rmtree(paths.FIGURES)
    main()
    assert (paths.FIGURES / "points-toy-samples.png").exists()
    assert document.PATH.read_text().count("data:image/webp") > 3


def test_a_conditioning_series_needs_no_images(series: SeriesTree) -> None:
    settle()
    lock(load().cells)
    main()
    before, section = texts(), series.section()
    shutil.rmtree("artifacts")
    main()
    assert texts() == before
    assert series.section() == section
    assert "has an entropy of" in section


def test_the_metrics_of_dvc_are_a_small_file_for_each_model_of_the_default_suites(reported: Tree) -> None:
    for _ in range(2):
        names = {path.stem for path in DVC_METRICS.iterdir()}
        assert names == {"toy-gan", "toy-vae", "toy-flow", "pics-vae"}
        held = files.read_json(DVC_METRICS / "toy-flow.json", "coverseek report")
        assert held["nats"] == pytest.approx((-0.5 - 1 / 3 - 0.48) / 3, abs=1e-6)
        shutil.rmtree("artifacts", ignore_errors=True)
        main()


def test_the_lock_is_not_read_where_all_cells_were_measured_here(reported: Tree) -> None:
    paths.LOCK.write_text("no yaml: [")
    found = committed_cells.with_record(load(), outcomes.every(load()))
    assert not list(found.sentences())
    assert leaderboard_md.FOLDER.exists()
