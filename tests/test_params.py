"""Bad input in params.yaml: one line that names the key, what is allowed, and the nearest match."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline import cells, families, params, paths
from pipeline.cli import main
from pipeline.errors import UserError

REAL = Path(__file__).parents[1] / "params.yaml"


def broken(tmp_path: Path, path: str, value: object) -> Path:
    """The repository's params.yaml with the value at a dotted path changed."""
    content: dict[str, Any] = yaml.safe_load(REAL.read_text())
    *parents, last = path.split(".")
    block = content
    for key in parents:
        block = block[key]
    block[last] = value
    file = tmp_path / "params.yaml"
    file.write_text(yaml.safe_dump(content))
    return file


def test_the_repositorys_own_file_is_good() -> None:
    settings = params.load(REAL)
    for events in params.EVENTS:
        for name, spec in settings.models[events].items():
            families.check(events, name, spec)
            settings.train(events, name)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (
            "training.points",
            {"stepz": 3, "batch_size": 8, "learning_rate": 0.1},
            "stepz is not.*mean steps",
        ),
        ("trainin", {}, "trainin is not a known key.*did you mean training"),
        ("training.points.stepz", 3, "training.points.stepz is not a known key.*did you mean steps"),
        ("training.points.steps", 0, "training.points.steps.*greater than or equal to 1"),
        ("training.points.steps", "many", "training.points.steps.*integer.*'many'"),
        ("training.points.average", 1.5, "training.points.average.*less than 1"),
        ("training.images.decay", "linear", "training.images.decay.*constant.*cosine"),
        ("evaluation.points.samplez", 3, "samplez.*did you mean samples"),
        ("suites.points.tasks", ["rng"], "suites.points.tasks.*'rng'.*did you mean ring"),
        ("suites.points.models", ["vea"], "suites.points.models.*'vea'.*did you mean vae"),
        ("suites.points.seeds", [-1], "suites.points.seeds.*greater than or equal to 0"),
        ("suites.points.seeds", [], "suites.points.seeds"),
        ("suites.images.tasks", [], "suites.images.tasks"),
        ("suites.images.sweep", ["vea"], "suites.images.sweep.*no model 'vea'.*did you mean vae"),
        ("suites.images.taks", ["digits"], "suites.images.taks is not a known key; .*did you mean tasks"),
        ("suites.images.events", "points", "suites.images.*: unknown 'pixelcnn'"),
        ("suites.conditions.seeds", [-1], "suites.conditions.seeds.0.*greater than or equal to 0"),
        ("suites.codes.grids", [{"models": ["vae"], "seeds": [-1]}], r"suites.codes.grids.0.seeds.0.*greater than"),
        ("tasks.digits.evaluation", "imges", "tasks.digits.evaluation.*'imges'.*did you mean images"),
        ("knobs", {"temperatur": [1.0]}, "knobs.temperatur.*did you mean temperature"),
        ("evaluation", {"points": {"samples": 6, "draws": 1, "chunk": 1}}, "evaluation.images is missing"),
        ("evaluation.images.samples", 1, "evaluation.images.samples: 1; allowed: 6 or more"),
        ("evaluation.modes.samples", 5, "evaluation.modes.samples: 5; allowed: 6 or more"),
        ("evaluation.images.neighbours", 250, "evaluation.images.neighbours: 250; allowed: 1 to 249"),
        ("evaluation.images.coverage_neighbours", 300, "coverage_neighbours: 300; allowed: 1 to 249"),
        ("tasks.digits.data.test", 5, "tasks.digits.data.test: 5; allowed: 6 or more"),
        ("tasks.ring.data", {"dataset": "ring", "train": 9, "validation": 9, "test": 3}, "tasks.ring.data.test: 3"),
        ("evaluation.points.samples", 10**29, "evaluation.points.samples: .*less than 2147483648"),
        ("evaluation.points.samples", float("inf"), "evaluation.points.samples: .*integer"),
        ("training.points.learning_rate", float("inf"), "training.points.learning_rate.*finite number"),
        ("training.points.learning_rate", float("nan"), "training.points.learning_rate.*finite number"),
        ("knobs", {"temperature": []}, "knobs.temperature: .*at least 1 item"),
        ("models.points.vae.training", {"stepz": 3}, "models.points.vae.training.stepz.*did you mean steps"),
        ("tasks.ring.data.train", -5, "tasks.ring.data.train.*greater than or equal to 2"),
        ("tasks.ring.data.train", 1, "tasks.ring.data.train.*greater than or equal to 2"),
        ("tasks.ring.dat", {}, "tasks.ring.dat is not a known key.*did you mean data"),
    ],
)
def test_what_is_wrong_is_named_in_one_line(tmp_path: Path, path: str, value: object, words: str) -> None:
    with pytest.raises(UserError, match=words) as error:
        params.load(broken(tmp_path, path, value))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("events", "spec", "words"),
    [
        ("points", {"family": "flwo"}, "did you mean flow"),
        ("points", {"family": "flow", "recipe": "realnpv"}, "realnpv.*did you mean realnvp"),
        ("points", {"family": "flow", "recipe": "realnvp", "layerz": 3}, "layerz.*did you mean layers"),
        ("points", {"family": "flow", "recipe": "realnvp", "layers": 0}, "layers.*greater than or equal to 1"),
        ("images", {"family": "gan", "recipe": "pacgan", "objective": "hinged"}, "objective.*hinge"),
    ],
)
def test_a_recipes_keywords_are_checked(events: str, spec: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words):
        families.check(events, "mine", params.ModelParams(**spec))


def test_neighbours_are_fewer_than_the_held_out_items(tmp_path: Path) -> None:
    """Of a task that asks for more samples than it has test items."""
    file = broken(tmp_path, "evaluation.images", {"samples": 1000, "draws": 1, "chunk": 9, "neighbours": 250})
    words = r"evaluation.images.neighbours: 250; allowed: 1 to 249, .* of task digits \(tasks.digits.data.test\)"
    with pytest.raises(UserError, match=words):
        params.load(file)


@pytest.mark.parametrize(("samples", "neighbours"), [(6, 5), (250, 249)])
def test_the_fewest_samples_and_the_most_neighbours(tmp_path: Path, samples: int, neighbours: int) -> None:
    counts = {"neighbours": neighbours, "coverage_neighbours": neighbours}
    file = broken(tmp_path, "evaluation.images", {"samples": samples, "draws": 1, "chunk": 9, **counts})
    assert params.load(file).evaluation["images"].samples == samples


def test_a_value_is_quoted_on_one_short_line(tmp_path: Path) -> None:
    with pytest.raises(UserError) as error:
        params.load(broken(tmp_path, "training.points.steps", "many\n" * 10_000))
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 300


def test_a_suite_that_selects_cells_of_others_adds_no_cells(tmp_path: Path) -> None:
    content = yaml.safe_load(REAL.read_text())
    content["suites"] = {"again": content["suites"]["tail"], **content["suites"]}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    settings, real = params.load(tmp_path / "params.yaml"), params.load(REAL)
    assert settings.cells == real.cells
    assert settings.sweeps == real.sweeps
    assert settings.suites["again"].cells() == real.suites["tail"].cells()


def test_the_keys_of_a_suite_hold_for_each_of_its_grids(tmp_path: Path) -> None:
    grids = [{"models": ["vae"], "seeds": [0, 1]}, {"models": ["pixelcnn", "vae"], "seeds": [1], "sweep": ["vae"]}]
    suite = {"question": "?", "default": False, "events": "images", "tasks": ["digits"], "grids": grids}
    found = params.load(broken(tmp_path, "suites", {"own": suite}))
    keys = ["digits-vae-0", "digits-vae-1", "digits-pixelcnn-1"]
    assert [cell.key for cell in found.suites["own"].cells()] == keys
    assert {cell.key for cell in found.cells} == {*keys}
    assert [cell.key for cell in found.sweeps] == ["digits-vae-1"]


def test_the_list_of_cells_for_dvc_is_that_of_the_configuration() -> None:
    listed = json.loads((REAL.parent / paths.CELLS).read_text(encoding="utf-8"))
    assert listed == json.loads(cells.content(params.load(REAL))), cells.STALE


def test_a_task_has_one_event_kind(tmp_path: Path) -> None:
    suite = {"question": "?", "default": False, "events": "images", "tasks": ["ring"], "models": ["vae"], "seeds": [0]}
    with pytest.raises(UserError, match=r"suites.own.events: images, but another suite has task ring of points"):
        params.load(broken(tmp_path, "suites.own", suite))


def test_a_file_without_sequences_needs_no_block_for_them(tmp_path: Path) -> None:
    content: dict[str, Any] = yaml.safe_load(REAL.read_text())
    for section in ("training", "evaluation", "models", "suites"):
        del content[section]["sequences"]
    file = tmp_path / "params.yaml"
    file.write_text(yaml.safe_dump(content))
    assert params.load(file).models["sequences"] == {}


@pytest.mark.parametrize("section", ["training", "evaluation"])
def test_a_suite_of_sequences_needs_their_settings(tmp_path: Path, section: str) -> None:
    content: dict[str, Any] = yaml.safe_load(REAL.read_text())
    del content[section]["sequences"]
    file = tmp_path / "params.yaml"
    file.write_text(yaml.safe_dump(content))
    with pytest.raises(UserError, match=f"{section}.sequences is missing"):
        params.load(file)


def test_a_conditioning_series_has_tasks_of_its_suite(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"suites.points.conditioning: no task 'rings'.*did you mean ring"):
        params.load(broken(tmp_path, "suites.points.conditioning", ["ring", "rings"]))


def test_the_command_says_it_in_one_line_and_exits_with_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    broken(tmp_path, "training.points.stepz", 3)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as error:
        main(["prepare", "--task", "ring"])
    assert error.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert [p.name for p in tmp_path.iterdir()] == ["params.yaml"]


@pytest.mark.parametrize("text", [None, "a: [", "", "training: 1\ntraining: 2\n"])
def test_a_missing_or_broken_file_is_named(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "params.yaml").write_text(text)
    with pytest.raises(UserError, match=r"params\.yaml"):
        params.load(tmp_path / "params.yaml")
