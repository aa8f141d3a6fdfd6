"""Whatever is published fits MLflow's limits, and a damaged tag stops neither publish nor the history."""

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
from pipeline.tracking import address, ledger, limits, past, remote, stored
from pipeline.tracking.cell import LONG

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


@given(st.lists(st.dictionaries(st.text(), st.integers(), min_size=1), min_size=1), st.data())
def test_an_array_that_was_cut_is_read_up_to_the_cut(items: list[dict[str, int]], data: st.DataObject) -> None:
    encoded = json.dumps(items)
    cut = data.draw(st.integers(0, len(encoded) - 1))
    found, sound = limits.read_objects(encoded[:cut])
    assert not sound
    assert found == items[: len(found)]
    assert len(json.dumps(items[: len(found) + 1])) > cut
    assert limits.read_objects(encoded) == (items, True)


def test_a_cell_that_comes_and_goes_keeps_every_turn(published: MlflowClient, tree: Tree) -> None:
    """With origins of 1,000 characters, eight turns in one tag are more than its limit."""
    from pipeline.tracking import entry, lock
    from pipeline.tracking.publish import publish as write

    tasks = entry.by_task(entry.read(publish.params.load(), lock.read()))
    origin = {"git.rev": "a" * 1000, "dvc.lock": "b" * 64}
    without = [one for one in tasks["toy"] if one.cell != VAE]
    for turn in range(12):
        write(address.uri(), {"toy": without if turn % 2 == 0 else tasks["toy"]}, origin)
    (record,) = (r for r in past.records(address.uri(), "toy") if (r.model, r.seed) == ("vae", 0))
    assert [turn.current for turn in record.turns] == [True, *(turn % 2 == 1 for turn in range(12))]
    assert longest()["tags"] <= limits.TAG


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


def test_turns_that_were_cut_by_older_versions_are_read_up_to_the_cut(
    published: MlflowClient, tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    turn = {"time": 2_000_000_000_000, "current": False, "git.rev": "a", "dvc.lock": "b"}
    tagged(stored.TURNS, json.dumps([turn, turn | {"current": True}, turn])[:-20])
    capsys.readouterr()
    assert {len(record.turns) for record in past.records(address.uri(), "toy")} == {3}
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("coverseek: warning: tag turns of toy-")
    tree.cell(VAE, "vae", 3.0, version="2")
    publish.main()
    assert {len(r.turns) for r in past.records(address.uri(), "toy") if r.model == "vae"} == {1, 3, 4}


@pytest.mark.parametrize("key", [stored.TURNS, f"{stored.TURN}000001", f"{stored.TURN}x", "protocols"])
def test_a_damaged_tag_is_one_warning(published: MlflowClient, key: str, capsys: pytest.CaptureFixture[str]) -> None:
    for damage in DAMAGES:
        tagged(key, damage)
        capsys.readouterr()
        assert len(past.records(address.uri(), "toy")) == 6
        assert len(capsys.readouterr().err.splitlines()) <= 1
    with remote.opened(address.uri()) as server:
        list(server.runs(["toy"], ["nats"]))
    publish.main()


@pytest.mark.parametrize("key", ["hash", "current", "kind", "task", "model", "seed", "family", "status"])
def test_a_tag_that_was_changed_by_hand_stops_nothing(published: MlflowClient, key: str) -> None:
    tagged(key, "?")
    past.records(address.uri(), "toy")
    publish.main()
    publish.main()
    past.records(address.uri(), "toy")


def test_a_damaged_definition_is_written_again(published: MlflowClient, tree: Tree) -> None:
    with sqlite3.connect("mlflow.db") as database:
        database.execute("UPDATE experiment_tags SET value = '{' WHERE key LIKE 'protocol.%' AND experiment_id = 1")
    past.records(address.uri())
    tree.cell(VAE, "vae", 3.0, version="2")
    tree.cell(Cell("toy_wide", "vae", 0), "vae", 3.0, version="2")
    publish.main()
    assert all(record.numbers for record in past.records(address.uri()))


def test_turns_reach_a_server_through_the_ledger(client: MlflowClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "wanted", lambda address: True)
    publish.main()
    tagged(f"{stored.TURN}000001", json.dumps({"time": 1, "current": False}))
    experiment = client.get_experiment_by_name("coverseek/toy")
    assert experiment is not None
    assert all(f"{stored.TURN}000001" in run.tags for run in ledger.asked(client, experiment.experiment_id))
