"""A suite that is `opt_in` runs where it is named, and is in DVC's graph from then on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from configuration import params_text, suite_entry, task_entry

from pipeline import cells, paths
from pipeline.errors import UserError
from pipeline.params import Params, load
from pipeline.run.driver import Request


@pytest.fixture(autouse=True)
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Params:
    """A suite `near` of the task `ring`, and an `opt_in` suite `far` of the tasks `ring` and `grid`."""
    monkeypatch.chdir(tmp_path)
    paths.CELLS.parent.mkdir(parents=True)
    tasks = {name: task_entry(name, 9, 9, 99) for name in ("ring", "grid")}
    suites = {
        "near": suite_entry("points", ["ring"], ["vae"], default=False),
        "far": suite_entry("points", ["ring", "grid"], ["gan"], default=False, opt_in=True),
    }
    paths.PARAMS.write_text(params_text(tasks, {"vae": {"family": "vae"}, "gan": {"family": "gan"}}, suites=suites))
    return load()


def keys(request: Request, settings: Params) -> list[str]:
    return [cell.key for cell in request.cells(settings)]


def listed() -> tuple[list[str], list[str]]:
    """The tasks and the cells of cells.json."""
    content = json.loads(paths.CELLS.read_text())["plan"]
    return content["tasks"], list(content["cells"])


def test_all_suites_are_all_but_those_that_are_opt_in(settings: Params) -> None:
    assert keys(Request(everything=True), settings) == ["ring-vae-0"]


def test_by_its_name_it_runs(settings: Params) -> None:
    assert keys(Request("far"), settings) == ["ring-gan-0", "grid-gan-0"]


def test_one_of_its_cells_is_refused_with_the_command_that_helps(settings: Params) -> None:
    with pytest.raises(UserError, match="suite far has to be named: coverseek run --suite far"):
        Request(task="grid").cells(settings)
    with pytest.raises(UserError, match="--force grid-gan-0: no such cell"):
        Request(force=("grid-gan-0",)).cells(settings)


def test_dvc_knows_its_cells_and_tasks_once_it_was_run(settings: Params) -> None:
    cells.write(settings)
    assert listed() == (["ring"], ["ring-vae-0"])
    cells.write(settings, "far")
    assert listed() == (["ring", "grid"], ["ring-vae-0", "ring-gan-0", "grid-gan-0"])
    assert not cells.is_stale(settings)
    cells.write(settings)
    assert listed()[0] == ["ring", "grid"]


def test_it_is_not_in_the_default_run() -> None:
    text = paths.PARAMS.read_text().replace("default: false", "default: true")
    paths.PARAMS.write_text(text)
    with pytest.raises(UserError, match=r"suites\.far\.opt_in"):
        load()
