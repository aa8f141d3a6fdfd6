"""The default place needs neither Ray nor the code of clusters, and the other one says in one line where Ray lacks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def python(program: str) -> str:
    """stdout of a program that has a package `ray` only if `program` says so."""
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.modules['ray'] = None\n{program}"],
        cwd=ROOT, check=True, capture_output=True, encoding="utf-8",
    )  # fmt: skip
    return done.stdout.strip()


def test_a_run_on_this_machine_imports_nothing_of_a_cluster() -> None:
    program = """
import pipeline.run.driver
from pathlib import Path
from pipeline.params import load
from pipeline.run.where import Where
place = Where(2).place(load(), Path())
print(place.jobs, [name for name in sys.modules if name.startswith(("dvc", "pipeline.run.cluster", "ray."))])
"""
    assert python(program) == "2 []"


def test_without_ray_the_extra_is_named() -> None:
    program = """
from pathlib import Path
from pipeline.errors import UserError
from pipeline.params import load
from pipeline.run.where import Where
try:
    Where(ray=True).place(load(), Path())
except UserError as error:
    print(error)
"""
    assert python(program) == "--on ray: Ray is not installed; install it: pip install 'coverseek[ray]'"
