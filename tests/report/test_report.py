"""What a reader may rely on when looking at a report."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Mapping
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from scipy import stats

from pipeline import files, paths
from pipeline.errors import UserError
from pipeline.params import load
from pipeline.paths import Cell
from pipeline.report.leaderboard import boards
from pipeline.results.outcomes import read
from pipeline.results.table import Results
from pipeline.stages.report import main

if TYPE_CHECKING:
    from tests.report.conftest import Tree

PNG = b"\x89PNG\r\n\x1a\n"


def test_results_hold_one_finite_number_a_row(tree: Tree) -> None:
    main()
    table = tree.rows(paths.RESULTS)
    header = paths.RESULTS.read_text().splitlines()[0].split(",")
    assert header[:5] == ["task", "condition", "model", "family", "seed"]
    assert header[5:10] == ["metric", "value", "sampling_low", "sampling_high", "unit"]
    assert header[10:] == ["better", "kind", "protocol", "split", "version", "protocol_id"]
    assert all(math.isfinite(float(row["value"])) for row in table)
    assert all(value for row in table for name, value in row.items() if not name.startswith("sampling"))
    assert {"train_seconds", "sample_seconds_per_1000"} <= {row["metric"] for row in table}
    keys = [(r["task"], r["model"], r["seed"], r["metric"]) for r in table]
    assert len(set(keys)) == len(keys)


def test_values_survive_being_read_and_written_again(tree: Tree) -> None:
    tree.cell("toy", "flow", 0, {"nats": (-1 / 3, "exact"), "parameters": 12345678})
    main()
    values = {r["metric"]: r["value"] for r in tree.rows(paths.RESULTS) if (r["model"], r["seed"]) == ("flow", "0")}
    assert values["nats"] == "-0.333333"
    assert values["parameters"] == "12345678"


def test_interval_is_students_t_over_the_seeds(tree: Tree) -> None:
    main()
    nats = [-0.5, -0.49, -0.48]
    low, high = stats.t.interval(0.95, 2, loc=sum(nats) / 3, scale=stats.sem(nats))
    row = tree.standing("toy", "flow")
    assert float(row["nats_low"]) == pytest.approx(low, abs=1e-6)
    assert float(row["nats_high"]) == pytest.approx(high, abs=1e-6)


def test_interval_of_a_distance_is_taken_on_the_log_scale(tree: Tree) -> None:
    main()
    logs = [math.log(v) for v in (0.2, 0.21, 0.22)]
    low, high = stats.t.interval(0.95, 2, loc=sum(logs) / 3, scale=stats.sem(logs))
    row = tree.standing("toy", "gan")
    assert float(row["frechet_mean"]) == pytest.approx(math.exp(sum(logs) / 3), rel=1e-5)
    assert float(row["frechet_low"]) == pytest.approx(math.exp(low), rel=1e-5)
    assert float(row["frechet_high"]) == pytest.approx(math.exp(high), rel=1e-5)


def test_a_distance_below_zero_falls_back_to_the_linear_scale(tree: Tree) -> None:
    tree.cell("toy", "oracle", 0, {"frechet": -1e-4})
    main()
    assert float(tree.standing("toy", "oracle")["frechet_low"]) < 0


def test_one_seed_has_neither_interval_nor_rank(tree: Tree) -> None:
    main()
    row = tree.standing("pics", "vae")
    assert (row["bits_per_dim_mean"], row["bits_per_dim_kind"]) == ("2.08", "<= (IWAE-64)")
    assert row["bits_per_dim_low"] == row["bits_per_dim_high"] == row["bits_per_dim_rank"] == ""
    line = tree.line("pics", "vae")
    assert "1 seed" in line
    assert "±" not in line


def test_seeds_that_draw_the_same_items_have_no_interval_and_the_page_says_so(tree: Tree) -> None:
    for seed in range(3):
        tree.cell("toy", "oracle", seed, {"nats": -0.4 + seed / 1000}, replicated=False)
    main()
    row = tree.standing("toy", "oracle")
    assert float(row["nats_mean"]) == pytest.approx(-0.399)
    assert row["nats_low"] == row["nats_high"] == ""
    assert "oracle: its seeds draw the same items" in paths.LEADERBOARD_MD.read_text()


def test_models_come_by_likelihood_then_by_distance_and_controls_last(tree: Tree) -> None:
    main()
    order = [row["model"] for row in tree.rows(paths.LEADERBOARD_CSV) if row["task"] == "toy"]
    assert order == ["flow", "vae", "gan", "oracle"]


def test_page_shows_dash_kind_best_and_controls(tree: Tree) -> None:
    main()
    gan, vae, flow, oracle = (tree.line("toy", model) for model in ("gan", "vae", "flow", "oracle"))
    assert "| — " in gan
    assert "≥ (IWAE-64)" in vae
    assert "**-0.490 ± 0.025**" in flow
    assert "*ceiling: the truth*" in oracle
    assert "**" not in oracle


def test_a_knobs_curve_is_in_the_plane_and_its_area_in_the_files(tree: Tree) -> None:
    turns = [
        {"setting": s, "precision": 0.9 - s / 2, "recall": s / 2, "coverage": s / 4, "frechet": 1.0} for s in (0.5, 1.0)
    ]
    record = {"status": "ok", "knob": "temperature", "protocol": "test n=64", "turns": turns, "area": 0.4, "best": 1.0}
    for seed in range(3):
        files.write_json(paths.sweep(Cell("toy", "vae", seed)), record)
        files.write_json(paths.sweep(Cell("toy", "gan", seed)), record | {"knob": "truncation", "turns": turns[:1]})
    main()
    row = tree.standing("toy", "vae")
    assert (row["knob_area_mean"], row["knob_best_mean"]) == ("0.4", "1")
    assert tree.standing("toy", "flow")["knob_area_mean"] == ""
    params = load()
    outcomes = read(params)
    board = next(b for b in boards(params, outcomes, Results.from_outcomes(outcomes)) if b.task == "toy")
    curves = {s.model: s.curve for s in board.standings}
    assert [step.setting for step in curves["vae"]] == [0.5, 1.0]
    assert curves["vae"][0] == (0.5, pytest.approx(0.25), pytest.approx(0.65), pytest.approx(0.125))
    assert curves["flow"] == ()


def test_every_pair_that_competes_is_compared(tree: Tree) -> None:
    main()
    pairs = tree.rows(paths.RESULTS.with_name("comparisons.csv"))
    nats = [row for row in pairs if (row["task"], row["metric"]) == ("toy", "nats")]
    assert {frozenset((row["a"], row["b"])) for row in nats} <= set(
        map(frozenset, combinations(("gan", "vae", "flow"), 2))
    )
    assert all(float(row["holm"]) >= float(row["p"]) for row in nats)
    assert not [row for row in pairs if row["task"] == "pics"]  # one seed


def test_ranks_are_ranges_over_overlapping_intervals(tree: Tree) -> None:
    for seed, shift in enumerate((0.0, 0.1, -0.1)):
        tree.cell("toy", "gan", seed, {"nats": (1.0 + shift, "exact")})
        tree.cell("toy", "vae", seed, {"nats": (1.1 + shift, "exact")})
        tree.cell("toy", "flow", seed, {"nats": (-9.0 + shift, "exact")})
    main()
    assert [tree.standing("toy", m)["nats_rank"] for m in ("gan", "vae", "flow", "oracle")] == ["1-2", "1-2", "3", ""]


def test_a_bound_that_flatters_is_neither_ranked_nor_best(tree: Tree) -> None:
    for seed in range(3):
        tree.cell("toy", "gan", seed, {"frechet": (0.001 + 1e-5 * seed, ">= (histogram)")})
    main()
    assert tree.standing("toy", "gan")["frechet_rank"] == ""
    line = tree.line("toy", "gan")
    assert "≥ 0.001" in line
    assert "**" not in line


def test_a_metric_that_scores_noise_like_the_truth_is_shown_with_the_reason_and_ranks_nothing(tree: Tree) -> None:
    add_noise(tree, {"recall": 0.9, "coverage": 0.01, "frechet": 50.0})
    for seed in range(3):
        tree.cell("toy", "oracle", seed, {"recall": 0.9, "coverage": 0.95, "frechet": 0.001})
        for place, model in enumerate(("gan", "vae", "flow")):
            numbers = {"recall": 0.5 + place / 10, "coverage": 0.3 + place / 10, "frechet": 2.0 + place}
            tree.cell("toy", model, seed, {name: value + seed / 1000 for name, value in numbers.items()})
    main()
    gan, best = tree.standing("toy", "gan"), tree.line("toy", "flow")
    assert gan["blind"].split() == ["recall"]
    assert (gan["recall_rank"], gan["recall_letters"], gan["recall_best"]) == ("", "", "")
    assert gan["coverage_rank"] == "3"
    assert gan["frechet_rank"] == "1"
    assert "(0.701 ± 0.002)" in best
    assert "**0.501 ± 0.002**" in best
    page = paths.LEADERBOARD_MD.read_text()
    assert "recall ↑ (blind)" in page
    assert "do not distinguish the controls: recall (noise scores 0.9, oracle 0.9)" in page
    pairs = tree.rows(paths.RESULTS.with_name("comparisons.csv"))
    assert {row["metric"] for row in pairs if row["task"] == "toy"} == {"coverage", "frechet"}


def test_the_plane_shows_coverage_where_recall_is_blind(tree: Tree) -> None:
    params = load()
    outcomes = read(params)
    assert {board.variety for board in boards(params, outcomes, Results.from_outcomes(outcomes))} == {"recall"}
    add_noise(tree, {"recall": 0.9, "coverage": 0.01})
    for seed in range(3):
        tree.cell("toy", "oracle", seed, {"recall": 0.9, "coverage": 0.95})
    params = load()
    outcomes = read(params)
    varieties = {board.task: board.variety for board in boards(params, outcomes, Results.from_outcomes(outcomes))}
    assert varieties == {"toy": "coverage", "pics": "recall"}


def add_noise(tree: Tree, numbers: Mapping[str, float]) -> None:
    """A control that the toy task has not."""
    text = paths.PARAMS.read_text().replace(
        "oracle: {family: control}", "oracle: {family: control}, noise: {family: control}"
    )
    paths.PARAMS.write_text(text.replace("flow, oracle]", "flow, oracle, noise]"))
    for seed in range(3):
        tree.cell("toy", "noise", seed, numbers)


def test_diverged_and_failed_seeds_are_shown_and_give_no_numbers(tree: Tree) -> None:
    tree.diverged("toy", "gan", 1, step=120, player="critic")
    tree.forget("toy", "gan", 2)
    main()
    status = "diverged at step 120 (critic), 1 of 3 seeds; failed: 1 of 3 seeds, see logs/ for toy-gan-2"
    row = tree.standing("toy", "gan")
    assert (row["status"], row["seeds"], row["frechet_low"]) == (status, "1", "")
    assert status in paths.LEADERBOARD_MD.read_text()
    assert {r["seed"] for r in tree.rows(paths.RESULTS) if r["model"] == "gan"} == {"0"}


def test_a_model_without_any_measured_seed_keeps_its_row(tree: Tree) -> None:
    for seed in range(3):
        tree.diverged("toy", "gan", seed, step=seed, player="critic")
    main()
    row = tree.standing("toy", "gan")
    assert row["status"] == "diverged at step 0 (critic) and 1 (critic) and 2 (critic), 3 of 3 seeds"
    assert row["frechet_mean"] == ""
    assert tree.line("toy", "gan").count("—") >= 2


def test_a_benchmark_where_everything_diverged_is_still_a_report(painted_tree: Tree) -> None:
    for task, models, seeds in (("toy", ("gan", "vae", "flow", "oracle"), 3), ("pics", ("vae", "real"), 1)):
        for model, seed in ((m, s) for m in models for s in range(seeds)):
            painted_tree.diverged(task, model, seed, step=1, player="model")
    main()
    assert painted_tree.rows(paths.RESULTS) == []
    assert "diverged at step 1 (model), 1 of 1 seed " in painted_tree.line("pics", "vae")
    assert not list(paths.FIGURES.iterdir())


def test_metrics_left_over_from_before_a_failed_training_are_not_shown(tree: Tree) -> None:
    paths.times("train", Cell("toy", "flow", 1)).unlink()
    main()
    assert tree.standing("toy", "flow")["status"].startswith("failed: 1 of 3 seeds")


def test_a_suite_that_has_not_run_says_how_to_run_it(tree: Tree) -> None:
    tree.forget("pics", "vae", 0)
    tree.forget("pics", "real", 0)
    main()
    assert "`coverseek run --suite images`" in paths.LEADERBOARD_MD.read_text()


def test_a_suites_board_shows_its_cells_also_those_of_other_suites_and_each_number_is_once_in_the_results(
    tree: Tree,
) -> None:
    params = paths.PARAMS.read_text()
    grid = "tasks: [pics], models: [flow, vae], seeds: [0]"
    more = f"  more: {{question: All?, default: false, events: images, {grid}}}"
    params = params.replace("images: {vae: {family: vae}", "images: {flow: {family: flow}, vae: {family: vae}")
    paths.PARAMS.write_text(f"{params}{more}\n")
    tree.cell("pics", "flow", 0, {"bits_per_dim": 1.5})
    main()
    board = [row["model"] for row in tree.rows(paths.LEADERBOARD_CSV) if row["suite"] == "more"]
    assert sorted(board) == ["flow", "vae"]
    numbers = [(row["model"], row["seed"], row["metric"]) for row in tree.rows(paths.RESULTS) if row["task"] == "pics"]
    assert len(numbers) == len(set(numbers))
    assert {model for model, _, _ in numbers} == {"flow", "real", "vae"}


def test_a_suite_outside_the_default_run_is_shown_once_a_cell_of_its_own_has_run(tree: Tree) -> None:
    grid = "tasks: [toy], models: [vae], seeds: [0, 7]"
    paths.PARAMS.write_text(
        f"{paths.PARAMS.read_text()}  more: {{question: All?, default: false, events: points, {grid}}}\n"
    )
    main()
    assert not [row for row in tree.rows(paths.LEADERBOARD_CSV) if row["suite"] == "more"]
    tree.cell("toy", "vae", 7, {"nats": -1.0})
    main()
    (row,) = [row for row in tree.rows(paths.LEADERBOARD_CSV) if row["suite"] == "more"]
    assert row["seeds"] == "2"


def test_two_protocols_in_one_column_are_refused_and_nothing_is_written(tree: Tree) -> None:
    main()
    before = tree.hashes()
    tree.cell("toy", "vae", 0, {"frechet": 0.4}, protocol="another split")
    with pytest.raises(UserError, match=r"frechet .* of toy holds two protocols"):
        main()
    assert tree.hashes() == before


def test_kinds_may_differ_in_one_column_and_each_names_its_protocol(tree: Tree) -> None:
    for seed in range(3):
        tree.cell("toy", "vae", seed, {"nats": (-1.0 + seed, ">= (IWAE-64)")}, protocol="test split, draws=64")
    main()
    assert "test split, draws=64 [≥ (IWAE-64)]" in paths.LEADERBOARD_MD.read_text()


def test_a_table_that_mixes_devices_says_so_and_keeps_their_times_apart(tree: Tree) -> None:
    main()
    assert "several devices" not in tree.pages()
    for seed in range(3):
        tree.on("Test GPU", Cell("toy", "vae", seed))
    main()
    assert "Trained on several devices, whose numbers differ: CPU (" in tree.pages()
    assert "Test GPU (vae)" in tree.pages()
    times = [r for r in tree.rows(paths.RESULTS) if (r["task"], r["metric"]) == ("toy", "train_seconds")]
    assert {r["kind"] for r in times if r["model"] == "vae"} == {"measured on Test GPU"}
    assert {r["kind"] for r in times if r["model"] == "flow"} == {"measured"}


def test_a_removed_models_stale_files_are_ignored(tree: Tree) -> None:
    tree.cell("toy", "glow", 0, {"nats": (99.0, "exact")})
    main()
    assert not [r for r in tree.rows(paths.RESULTS) if r["model"] == "glow"]
    assert "glow" not in paths.LEADERBOARD_MD.read_text()


def test_a_second_report_has_the_same_bytes_and_no_stale_figure(painted_tree: Tree) -> None:
    main()
    first = painted_tree.hashes()
    (paths.FIGURES / "gone.png").write_bytes(PNG)
    main()
    assert painted_tree.hashes() == first


def test_each_task_has_its_figures(painted_tree: Tree) -> None:
    main()
    names = {p.name for p in paths.FIGURES.iterdir()}
    tasks, pictures = ("points-toy", "images-pics"), ("samples", "plane", "curves")
    each = {f"{task}-{picture}.png" for task in tasks for picture in pictures}
    assert names == each | {"points-toy-cost.png", "answer.png"}
    assert all(p.read_bytes().startswith(PNG) for p in paths.FIGURES.iterdir())
    assert all(f"](figures/{name})" in paths.LEADERBOARD_MD.read_text() for name in names - {"answer.png"})


def test_nothing_measured_is_an_error_that_says_what_to_run(tree: Tree) -> None:
    for path in Path("artifacts/metrics").iterdir():
        path.unlink()
    with pytest.raises(UserError, match="coverseek run"):
        main()
    assert not paths.RESULTS.exists()


def test_a_damaged_cell_is_named_with_the_command_that_mends_it(tree: Tree) -> None:
    paths.metrics(Cell("toy", "gan", 1)).write_text('{"status": "ok", "condition": "none", "metrics": {"recall": {}}}')
    with pytest.raises(UserError, match=r"toy-gan-1.json is damaged .* coverseek evaluate --task toy --model gan"):
        main()


def test_report_imports_neither_torch_nor_mlflow_nor_dvc() -> None:
    code = "import sys, pipeline.stages.report; print({'torch', 'mlflow', 'dvc'} & sys.modules.keys())"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "set()"
