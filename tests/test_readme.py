"""The README's results are those of the committed report."""

from __future__ import annotations

from pathlib import Path

from pipeline.params import load

ROOT = Path(__file__).parents[1]


def test_the_readmes_result_tables_stand_in_the_leaderboard() -> None:
    readme = (ROOT / "README.md").read_text()
    results = readme.split("<!-- results -->")[1].split("<!-- /results -->")[0]
    board = (ROOT / "reports/leaderboard.md").read_text().splitlines()
    rows = [line for line in results.splitlines() if line.startswith("|")]
    assert len(rows) > 10
    assert set(rows) <= set(board)


def test_the_readme_says_how_many_seeds_its_commands_run() -> None:
    suites = load(ROOT / "params.yaml").suites
    default = {task: len(s.seeds) for s in suites.values() if s.default for task in s.tasks}
    every = {seed for s in suites.values() if "ring" in s.tasks and "vae" in s.models for seed in s.seeds}
    added = {*suites["repeats_mixtures"].seeds} - {*suites["points"].seeds}
    assert (default["ring"], default["digits"], len(every), len(added)) == (3, 1, 5, 2)
    after = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split("<!-- /results -->")[1].split())
    assert after.startswith("These tables are of every suite (`coverseek run --all`): five training seeds on `ring`.")
    assert "`make benchmark` runs the default suites alone, three seeds on `ring` and one on `digits`" in after
    assert "`vae` of `digits` is the fully connected VAE with a code of two dimensions" in after
