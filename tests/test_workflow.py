"""The workflow asks for no right that it does not need, and runs commands that there are."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline import cli

WORKFLOW = Path(__file__).parents[1] / ".github/workflows/benchmark.yml"
TEXT = WORKFLOW.read_text()
JOBS: dict[str, Any] = yaml.safe_load(TEXT)["jobs"]


def test_the_job_that_runs_the_requests_code_can_only_read() -> None:
    assert yaml.safe_load(TEXT)["permissions"] == {}
    assert JOBS["measure"]["permissions"] == {"contents": "read"}
    assert JOBS["comment"]["permissions"] == {"pull-requests": "write"}
    assert not any("checkout" in step.get("uses", "") for step in JOBS["comment"]["steps"])


def test_actions_are_pinned_and_no_expression_stands_in_a_script() -> None:
    steps = [step for job in JOBS.values() for step in job["steps"]]
    assert all(re.fullmatch(r"actions/[a-z-]+@v\d+", step["uses"]) for step in steps if "uses" in step)
    assert not any("${{" in step.get("run", "") for step in steps)


def test_every_command_is_one_of_the_projects(capsys: pytest.CaptureFixture[str]) -> None:
    """With an option that does not exist instead of a revision each of them is understood as far as that."""
    commands = re.findall(r"coverseek (\S+) (.+?)(?: >|$)", TEXT, re.MULTILINE)
    assert {name for name, _ in commands} == {"compare", "gate"}
    for name, words in commands:
        with pytest.raises(SystemExit, match="2"):
            cli.main([name, *words.replace("origin/main", "no/such/revision").split()])
        assert "'no/such/revision' is neither a git revision" in capsys.readouterr().err
