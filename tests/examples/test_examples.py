"""A model and a dataset of other packages, as their users have them: installed, checked, run, on the leaderboard."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from clone import ROOT, call, clone, small

EXAMPLES = ROOT / "examples"
PIP = (sys.executable, "-m", "pip", "install", "-q", "--no-index", "--no-deps", "--no-build-isolation")
CELL = {f"{stage} moons-parzen-0" for stage in ("train", "evaluate", "sweep")}


class Place(NamedTuple):
    """A clone, and the folder that the examples are installed in."""

    folder: Path
    site: Path

    def call(self, *command: str) -> str:
        return call(self.folder, "env", f"PYTHONPATH={self.folder}:{self.site}", *command)

    def ran(self) -> set[str]:
        output = self.call("coverseek", "run", "-j", "2")
        return set(re.findall(r"^\[\d+/\d+\] (.+) [\d.]+ s(?:,|$)", output, re.MULTILINE))

    def edit(self, module: str) -> None:
        with (self.site / f"{module}.py").open("a") as file:
            file.write("\nEDITED = True\n")


def toy() -> dict[str, Any]:
    params = small()
    blocks = {"dataset": "moons", "noise": 0.1, "train": 256, "validation": 64, "test": 64}
    params["tasks"] = {"moons": {"data": blocks, "extractor": {"name": "identity"}}}
    params["models"]["points"]["parzen"] = {"family": "parzen", "recipe": "windows"}
    params["suites"] = {"points": params["suites"]["points"]}
    params["suites"]["points"].update(tasks=["moons"], models=["parzen", "real", "noise"], seeds=[0], sweep=["parzen"])
    return params


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    root = tmp_path_factory.mktemp("examples")
    shutil.copytree(EXAMPLES, root / "examples")  # setuptools builds beside the sources
    folder = clone(ROOT, root / "clone", toy())
    for example in sorted((root / "examples").iterdir()):
        subprocess.run([*PIP, "--target", root / "site", example], check=True)
    return Place(folder, root / "site")


@pytest.mark.slow
def test_they_keep_the_laws(place: Place) -> None:
    for word in ("parzen", "coverseek_parzen:windows_points", "moons"):
        assert "0 failed" in place.call("coverseek", "conformance", word)


@pytest.mark.slow
def test_they_run_and_an_edit_re_runs_what_they_are_in(place: Place) -> None:
    every = {f"{stage} moons-{model}-0" for stage in ("train", "evaluate") for model in ("real", "noise")} | CELL
    assert place.ran() == {"plan", "prepare moons", "features moons", "report", *every}
    row = r"^\| \*{0,2}parzen\*{0,2} +\| parzen +\| 1 seed +\|.*\| exact +\|"
    assert re.search(row, (place.folder / "reports/leaderboard.md").read_text(), re.MULTILINE)
    assert re.search(r"points +parzen +parzen +exact +temperature", place.call("coverseek", "models"))
    assert not place.ran()
    assert "up to date" in place.call("dvc", "repro")
    place.edit("coverseek_parzen")
    assert place.ran() >= {"plan", *CELL}
    assert not place.ran()
    place.edit("coverseek_moons")
    place.call("coverseek", "plan")
    again = re.findall(r"^Running stage '(.+)'", place.call("dvc", "repro"), re.MULTILINE)
    assert again == ["plan", "prepare@moons"]  # the same bytes: nothing after it is stale


@pytest.mark.parametrize(("module", "most"), [("coverseek_parzen", 60), ("coverseek_moons", 30)])
def test_they_are_as_short_as_promised(module: str, most: int) -> None:
    path = EXAMPLES / module.replace("_", "-") / f"{module}.py"
    assert len(path.read_text().splitlines()) < most
