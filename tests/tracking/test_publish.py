"""Publishing: the store is a copy of the measured cells that can be made again, and each cell is in it once."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from math import isnan
from typing import TYPE_CHECKING

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from pipeline import paths
from pipeline.paths import Cell
from pipeline.stages import publish
from pipeline.tracking import cell_run, champion

if TYPE_CHECKING:
    from tests.tracking.conftest import Tree

VAE = Cell("toy", "vae", 0)
CELLS = 12  # 2 tasks, 3 models, 2 seeds


def runs(client: MlflowClient, kind: str, tags: str = "") -> list[Run]:
    experiments = [e.experiment_id for e in client.search_experiments(filter_string="name LIKE 'coverseek/%'")]
    return list(client.search_runs(experiments, f"tags.kind = '{kind}' {tags}"))


def current(client: MlflowClient) -> list[Run]:
    return runs(client, "cell", "AND tags.current = 'true'")


def run_of(client: MlflowClient, key: Cell) -> Run:
    found = [run for run in current(client) if run.info.run_name == key.key]
    assert len(found) == 1
    return found[0]


def parent_of(client: MlflowClient, key: Cell) -> Run:
    return client.get_run(run_of(client, key).data.tags["mlflow.parentRunId"])


def content(client: MlflowClient) -> list[tuple[object, ...]]:
    """Everything but ids and times."""
    return sorted(
        (run.info.run_name, run.info.status, run.data.tags["hash"], run.data.tags["current"], str(run.data.metrics))
        for run in runs(client, "cell")
    )


def test_each_cell_is_a_child_of_its_model(published: MlflowClient) -> None:
    assert len(runs(published, "cell")) == CELLS
    assert len(runs(published, "model")) == CELLS / 2
    run, parent = run_of(published, VAE), parent_of(published, VAE)
    assert parent.info.run_name == "toy-vae"
    assert parent.data.metrics["nats"] == pytest.approx(1 + 1 / 16)
    assert run.data.params == {"recipe": "vae", "hyper.width": "8", "training.steps": "10", "seed": "0"}
    expected = {"family": "vae", "task": "toy", "status": "ok", "current": "true", "seed": "0"}
    assert expected.items() <= run.data.tags.items()
    assert {"git.rev", "git.dirty", "dvc.lock", "hash", "hardware"} <= run.data.tags.keys()


def test_metrics_name_their_model_and_data_and_curves_have_steps(published: MlflowClient) -> None:
    run = run_of(published, VAE)
    (model,) = published.search_logged_models([run.info.experiment_id], f"source_run_id = '{run.info.run_id}'")
    assert model.tags["dvc.path"] == "artifacts/train/toy-vae-0"
    assert {"dvc.md5", "git.rev", "hash"} <= model.tags.keys()
    logged = {m.key: m for m in model.metrics or ()}
    assert logged["nats"].value == 1
    assert (logged["nats"].dataset_name, logged["nats"].dataset_digest) == ("toy", "d" * 32)
    history = published.get_metric_history(run.info.run_id, "model/nll")
    assert [(m.step, m.value) for m in history] == [(1, 5.0), (5, 1.0), (10, 0.5)]


def test_publishing_again_makes_no_run(published: MlflowClient, capsys: pytest.CaptureFixture[str]) -> None:
    before = content(published)
    publish.main()
    assert "nothing new" in capsys.readouterr().out
    assert content(published) == before


def test_the_same_bytes_in_another_time_make_no_run(published: MlflowClient, tree: Tree) -> None:
    before = content(published)
    tree.cell(VAE, "vae", 1.0, seconds=9.0)
    publish.main()
    assert content(published) == before


def test_a_lost_database_is_rebuilt_whole(published: MlflowClient, new_store: Callable[..., MlflowClient]) -> None:
    rebuilt = new_store("rebuilt.db")
    publish.main()
    assert content(rebuilt) == content(published)


def test_what_changed_is_history_until_it_is_reverted(published: MlflowClient, tree: Tree) -> None:
    first = run_of(published, VAE).info.run_id
    tree.cell(VAE, "vae", 3.0, version="2")
    publish.main()
    assert len(runs(published, "cell")) == CELLS + 1
    assert len(current(published)) == CELLS
    assert published.get_run(first).data.tags["current"] == "false"
    assert parent_of(published, VAE).data.metrics["nats"] == pytest.approx((3 + 1.125) / 2)
    tree.cell(VAE, "vae", 1.0)
    publish.main()
    assert len(runs(published, "cell")) == CELLS + 1
    assert run_of(published, VAE).info.run_id == first
    assert parent_of(published, VAE).data.metrics["nats"] == pytest.approx((1 + 1.125) / 2)


def test_a_task_that_left_the_grid_is_history(published: MlflowClient, tree: Tree) -> None:
    tree.grid("[toy, toy_wide]", "[toy]")
    publish.main()
    assert {run.data.tags["task"] for run in current(published)} == {"toy"}
    assert len(runs(published, "model", "AND tags.current = 'false'")) == 3
    assert "champion" not in published.get_registered_model("coverseek-toy_wide").aliases


@pytest.mark.parametrize(("module", "step"), [(cell_run, "_log_numbers"), (champion, "set_champion_alias")])
def test_an_interrupted_publish_goes_on(
    client: MlflowClient, module: object, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, left = getattr(module, step), [1]

    def interrupted(*arguments: object) -> object:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return whole(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(module, step, interrupted)
        with pytest.raises(KeyboardInterrupt):
            publish.main()
    publish.main()
    assert Counter(run.data.tags["hash"] for run in runs(client, "cell")).most_common(1)[0][1] == 1
    assert len(current(client)) == CELLS
    assert len(runs(client, "model")) == CELLS / 2
    assert {run.info.status for run in runs(client, "cell") + runs(client, "model")} == {"FINISHED"}
    models = client.search_logged_models([e.experiment_id for e in client.search_experiments()])
    assert len(models) == CELLS


def test_what_diverged_or_failed_is_shown_so(published: MlflowClient, tree: Tree) -> None:
    tree.diverged(VAE, "vae")
    tree.failed(Cell("toy", "vae", 1))
    publish.main()
    publish.main()
    diverged, failed, parent = (
        run_of(published, VAE),
        run_of(published, Cell("toy", "vae", 1)),
        parent_of(published, VAE),
    )
    assert {run.info.status for run in (diverged, failed, parent)} == {"FAILED"}
    assert diverged.data.tags["status"] == "diverged"
    assert diverged.data.tags["diverged"] == "step 7, player model"
    assert failed.data.tags["status"] == parent.data.tags["status"] == "failed"
    assert parent.data.tags["seeds"] == "1 diverged, 1 failed"
    assert isnan(parent.data.metrics["nats"])
    assert len(runs(published, "cell")) == CELLS + 2


def test_what_dvc_does_not_know_is_left_out(published: MlflowClient, tree: Tree) -> None:
    report = paths.metrics(VAE)
    report.write_text(report.read_text().replace("1.0", "9.0"))
    publish.main()
    assert len(current(published)) == CELLS - 1


def test_the_pictures_of_a_task_lie_with_its_models(published: MlflowClient) -> None:
    paths.FIGURES.mkdir(parents=True)
    for name in ("points-toy-samples.png", "points-toy_wide-samples.png"):
        (paths.FIGURES / name).write_bytes(b"png")
    publish.main()
    run = parent_of(published, VAE).info.run_id
    assert [file.path for file in published.list_artifacts(run, "figures")] == ["figures/points-toy-samples.png"]


def test_deleted_runs_and_experiments_come_back(published: MlflowClient, tree: Tree) -> None:
    published.delete_run(parent_of(published, VAE).info.run_id)
    published.delete_experiment(run_of(published, Cell("toy_wide", "vae", 0)).info.experiment_id)
    tree.cell(VAE, "vae", 3.0, version="2")
    publish.main()
    assert len(current(published)) == CELLS
    assert parent_of(published, Cell("toy", "vae", 1)).info.lifecycle_stage == "active"


def test_a_model_that_left_the_grid_is_history(published: MlflowClient, tree: Tree) -> None:
    tree.grid("[vae, flow, oracle]", "[flow, oracle]")
    shutil.rmtree(paths.trained(VAE))
    publish.main()
    assert {run.data.tags["model"] for run in current(published)} == {"flow", "oracle"}
