"""DVC's own commands do what a user of DVC expects of them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pipeline import cells
from pipeline.params import load

if TYPE_CHECKING:
    from tests.run.conftest import Toy

pytestmark = pytest.mark.usefixtures("coverseek")

GAN = ["evaluate ring-gan-0", "train ring-gan-0"]
COMMIT = ("-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-qm", "results")
CURVE = "artifacts/train/ring-gan-0/curve.csv"


def dvc(*words: str, code: int = 0) -> str:
    done = subprocess.run([sys.executable, "-m", "dvc", *words], capture_output=True, encoding="utf-8")
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(autouse=True)
def committed(toy: Toy) -> None:
    """The finished toy repository as one commit."""
    with Path(".gitignore").open("a", encoding="utf-8") as file:
        file.write("ran.txt\nfirst.txt\norders\n")
    subprocess.run(["git", "add", "-A"], check=True)
    subprocess.run(["git", *COMMIT], check=True)
    toy.commands()


def test_an_experiment_runs_the_cells_that_its_setting_changes_and_is_shown(toy: Toy) -> None:
    dvc("exp", "run", "-S", "models.points.gan.width=2", "--name", "wider")
    assert toy.commands() == sorted(["plan", *GAN, "report"])
    shown = dvc("exp", "show", "--csv")
    assert "wider" in shown
    assert "models.points.gan.width" in shown
    changes = json.loads(dvc("metrics", "diff", "--json"))
    assert changes == {"reports/metrics/ring-gan-0.json": {"width": {"old": 1, "new": 2, "diff": 1}}}
    title, *rows = dvc("metrics", "show").splitlines()
    assert title.split() == ["Path", "width"]
    assert ["reports/metrics/ring-gan-0.json", "2"] in [row.split() for row in rows]
    dvc("plots", "diff", "HEAD", "--targets", CURVE, "-x", "step", "-y", "value", "-o", "drawn")
    page = next(Path("drawn").rglob("*.html")).read_text(encoding="utf-8")
    assert "curve.csv" in page


def test_a_changed_grid_stops_dvc_with_the_command_that_helps(toy: Toy) -> None:
    toy.edit("params.yaml", "models: [vae, gan], seeds: [0]", "models: [vae, gan], seeds: [0, 1]")
    assert cells.STALE in dvc("repro", code=255)
    assert "run: coverseek plan" in cells.STALE
    assert toy.commands() == ["plan"]
    subprocess.run(["coverseek", "plan"], check=True)
    dvc("repro", "-q")
    assert {"train ring-gan-1", "evaluate ring-gan-1", "train ring-vae-1"} <= {*toy.commands()}


def test_a_run_writes_the_list_of_cells_itself(toy: Toy) -> None:
    toy.edit("params.yaml", "models: [vae, gan], seeds: [0]", "models: [vae, gan], seeds: [0, 1]")
    assert cells.is_stale(load())
    toy.run()
    assert not cells.is_stale(load())
    assert "train ring-gan-1" in toy.commands()
