"""The champion: the best mean likelihood among models that compete, and the registry's alias on its best seed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from mlflow import MlflowClient

from pipeline.paths import Cell
from pipeline.results.outcomes import Better, Measurement, Outcome
from pipeline.stages import publish
from pipeline.tracking.champion import best
from pipeline.tracking.run_record import RunRecord

if TYPE_CHECKING:
    from tests.tracking.conftest import Tree


def entry(model: str, seed: int, metric: str, value: float, family: str = "flow") -> RunRecord:
    better: Better = "higher" if metric == "nats" else "lower"
    measured = {metric: Measurement(value=value, unit="nats", better=better, kind="exact", protocol="test")}
    cell = Cell("toy", model, seed)
    outcome = Outcome(cell=cell, family=family, status="ok", metrics=measured)
    return RunRecord(outcome, cell.key, {})


def test_the_mean_over_seeds_decides_and_the_best_seed_stands_for_it() -> None:
    found = best(
        [entry("a", 0, "nats", 9), entry("a", 1, "nats", 0), entry("b", 0, "nats", 5), entry("b", 1, "nats", 6)]
    )
    assert found is not None
    assert (found.entry.cell.key, found.metric, found.mean) == ("toy-b-1", "nats", 5.5)


def test_fewer_bits_are_better() -> None:
    found = best([entry("a", 0, "bits_per_dim", 2), entry("b", 0, "bits_per_dim", 3)])
    assert found is not None
    assert found.entry.cell.model == "a"


@pytest.mark.parametrize("other", [entry("oracle", 0, "nats", 9, "control"), entry("gan", 0, "frechet", 0.1)])
def test_neither_a_control_nor_a_model_without_likelihood_wins(other: RunRecord) -> None:
    found = best([other, entry("a", 0, "nats", 1)])
    assert found is not None
    assert found.entry.cell.model == "a"
    assert best([other]) is None


def test_the_alias_follows_the_best_model(published: MlflowClient, tree: Tree) -> None:
    def champion() -> tuple[str, str]:
        version = published.get_model_version_by_alias("coverseek-toy", "champion")
        model = published.get_logged_model(str(version.source).removeprefix("models:/"))
        assert model.source_run_id == version.run_id
        assert model.name == version.tags["cell"]
        assert (version.tags["metric"], version.tags["kind"]) == ("nats", "exact")
        return model.name, str(version.version)

    assert champion() == ("toy-flow-1", "1")
    tree.cell(Cell("toy", "vae", 0), "vae", 8.0, version="2")
    publish.main()
    assert champion() == ("toy-vae-0", "2")
    tree.diverged(Cell("toy", "vae", 1), "vae")
    publish.main()
    assert champion() == ("toy-flow-1", "1")


def test_without_a_candidate_there_is_no_champion(published: MlflowClient, tree: Tree) -> None:
    for model in ("vae", "flow"):
        tree.diverged(Cell("toy", model, 0), model)
    publish.main()
    assert "champion" not in published.get_registered_model("coverseek-toy").aliases
