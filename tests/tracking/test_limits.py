"""Whatever is published fits MLflow's limits, and a damaged tag stops neither publish nor a comparison."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlflow import MlflowClient
from mlflow.utils import validation

from pipeline import files, paths
from pipeline.paths import Cell
from pipeline.stages import publish
from pipeline.tracking import address, limits, run_results
from pipeline.tracking.cell_run import LONG
from pipeline.tracking.publication import status

if TYPE_CHECKING:
    from tests.tracking.conftest import Tree

VAE = Cell("toy", "vae", 0)
DAMAGES = ["", "[", "{", "null", "3", '"text"', "[[[", '[{"time": 1}, {"cu', "\x00", "[" * 8000, '{"nats": ["a"]}']


def tagged(key: str, value: str) -> None:
    """Set a tag of every cell's run to `value`, as a cut or a hand would."""
    with sqlite3.connect("mlflow.db") as database:
        cells = "SELECT run_uuid FROM tags WHERE key = 'kind' AND value = 'cell'"
        database.execute(f"INSERT OR REPLACE INTO tags SELECT ?, ?, run_uuid FROM ({cells})", (key, value))


def longest() -> dict[str, int]:
    with sqlite3.connect("mlflow.db") as database:
        tables = ("tags", "params", "experiment_tags", "logged_model_params", "logged_model_tags")
        columns = {t: "param" if t.endswith("_params") else "tag" if t.startswith("logged") else "" for t in tables}
        return {
            table: database.execute(f"SELECT max(length({name}{'_' * bool(name)}value)) FROM {table}").fetchone()[0]
            for table, name in columns.items()
        }


def run_of_vae(client: MlflowClient) -> str:
    experiment = client.get_experiment_by_name("coverseek/toy")
    assert experiment is not None
    only = f"attributes.run_name = '{VAE.key}' AND tags.current = 'true'"
    (run,) = client.search_runs([experiment.experiment_id], only)
    return str(run.info.run_id)


def test_the_limits_are_those_of_mlflow() -> None:
    assert limits.TAG <= validation.MAX_TAG_VAL_LENGTH
    assert limits.PARAM <= validation.MAX_PARAM_VAL_LENGTH
    assert min(validation.MAX_ENTITY_KEY_LENGTH, validation.MAX_EXPERIMENT_TAG_KEY_LENGTH) >= limits.KEY
    assert limits.EXPERIMENT_TAG <= validation.MAX_EXPERIMENT_TAG_VAL_LENGTH
    assert limits.PARAMS <= validation.MAX_PARAMS_TAGS_PER_BATCH


@given(st.text(), st.text(), st.integers(100, 300))
def test_text_fits_and_different_texts_stay_different(first: str, second: str, limit: int) -> None:
    long = [limits.text(value * 50, limit) for value in (first, second)]
    assert all(len(value) <= limit for value in long)
    assert (long[0] == long[1]) == (first * 50 == second * 50)


@given(st.one_of(st.text(min_size=1), st.text(min_size=1).map(lambda t: t * 300)))
def test_keys_are_taken_by_mlflow(name: str) -> None:
    validation._validate_param_name(limits.key(name))
    validation._validate_tag_name(limits.key(name))
    assert len(limits.key(name)) <= limits.KEY
    assert limits.key(limits.key(name)) == limits.key(name)


@given(st.dictionaries(st.text(), st.one_of(st.text(), st.integers(), st.text(min_size=9).map(lambda t: t * 500))))
def test_json_fits_and_stays_json(content: dict[str, Any]) -> None:
    encoded = limits.as_json(content, 1000)
    assert len(encoded) <= 1000
    assert limits.read_object(encoded) is not None
    if len(json.dumps(content)) <= 1000:
        assert json.loads(encoded) == content


def test_values_that_are_too_long_are_cut_and_complete_in_an_artifact(client: MlflowClient, tree: Tree) -> None:
    path = paths.trained(VAE) / "model.json"
    hyper = {f"width_{n}": list(range(5000)) for n in range(3)} | {f"p{n}": n for n in range(150)} | {"k" * 300: 1}
    files.write_json(path, json.loads(path.read_text()) | {"hyper": hyper})
    publish.main()
    assert longest()["params"] <= limits.PARAM
    assert longest()["logged_model_params"] <= limits.PARAM
    experiment = client.get_experiment_by_name("coverseek/toy")
    assert experiment is not None
    (run,) = client.search_runs([experiment.experiment_id], f"attributes.run_name = '{VAE.key}'")
    assert run.data.params["hyper.p149"] == "149"
    whole = json.loads(Path(client.download_artifacts(run.info.run_id, LONG)).read_text())
    assert whole["hyper.width_2"] == str(list(range(5000)))
    assert whole["hyper." + "k" * 300] == "1"
    publish.main()
    assert len(client.search_runs([experiment.experiment_id], f"attributes.run_name = '{VAE.key}'")) == 1


def test_a_damaged_tag_stops_nothing(published: MlflowClient) -> None:
    for damage in DAMAGES:
        tagged("protocols", damage)
        assert not run_results.read(address.uri(), run_of_vae(published)).numbers
        publish.main()


@pytest.mark.parametrize("key", ["hash", "current", "kind", "task", "model", "seed", "family", "status"])
def test_a_tag_that_was_changed_by_hand_stops_nothing(published: MlflowClient, key: str) -> None:
    tagged(key, "?")
    publish.main()
    publish.main()
    assert status(address.uri())["toy"] == (0, 0)


def test_a_damaged_definition_is_written_again(published: MlflowClient, tree: Tree) -> None:
    with sqlite3.connect("mlflow.db") as database:
        database.execute("UPDATE experiment_tags SET value = '{' WHERE key LIKE 'protocol.%' AND experiment_id = 1")
    tree.cell(VAE, "vae", 3.0, version="2")
    tree.cell(Cell("toy_wide", "vae", 0), "vae", 3.0, version="2")
    publish.main()
    assert run_results.read(address.uri(), run_of_vae(published)).numbers
