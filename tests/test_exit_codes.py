"""Exit codes, and outputs that cannot be written: one line or none, and never a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from pipeline import cli, paths
from pipeline.errors import UserError
from pipeline.stages import leaderboard, models

ROOT = Path(__file__).parents[1]
COVERSEEK = f"{sys.executable} -m pipeline.cli"
COMMANDS = ("leaderboard --task digits", "doctor", "--help")
"""One that prints with rich, one with `print`, one with typer."""


@cache
def expected(command: str) -> int:
    """The exit code where standard output can be written."""
    return shell(f"{COVERSEEK} {command}").returncode


def shell(line: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(
        ["bash", "-c", line], cwd=cwd, env=environment, capture_output=True, encoding="utf-8", timeout=300
    )


def status(words: list[str]) -> int | str | None:
    with pytest.raises(SystemExit) as ended:
        cli.main(words)
    return ended.value.code


@pytest.mark.parametrize("command", COMMANDS)
def test_a_closed_output_discards_what_is_written(command: str) -> None:
    done = shell(f"{COVERSEEK} {command} >&-")
    assert (done.returncode, done.stderr) == (expected(command), "")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_full_device_is_one_line_and_exit_code_3(command: str) -> None:
    done = shell(f"{COVERSEEK} {command} > /dev/full")
    assert done.returncode == 3
    assert done.stderr == "coverseek: the output cannot be written: No space left on device\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_a_reader_that_ends_is_no_error(command: str) -> None:
    done = shell(f"{COVERSEEK} {command} | true; exit ${{PIPESTATUS[0]}}")
    assert (done.returncode, done.stderr) == (141, "")
    done = shell(f"set -o pipefail; {COVERSEEK} {command} | head -1")
    assert done.returncode in (0, 1, 141)  # a short text fits into the pipe, and doctor may have found a fault
    assert done.stderr == ""


@pytest.mark.parametrize("stream", ["2>&-", "2>/dev/full", ">&- 2>&-"])
def test_without_standard_error_the_exit_code_is_the_same(stream: str) -> None:
    done = shell(f"{COVERSEEK} leaderboard --task rng {stream}")
    assert (done.returncode, done.stdout) == (2, "")


def test_no_file_gets_the_number_of_a_closed_stream(tmp_path: Path) -> None:
    """What a library in C prints would land in the file."""
    code = (
        "import os; from pipeline import standard_streams\n"
        "with standard_streams.prepared(): fd = os.open('file', os.O_CREAT | os.O_WRONLY); assert fd > 2, fd"
    )
    done = shell(f'{sys.executable} -c "{code}" >&- 2>&-', tmp_path)
    assert done.returncode == 0


@pytest.mark.parametrize("words", [["leaderboard", "--tsk"], ["nothing"], ["run", "-j", "0"]])
def test_wrong_usage_is_2(words: list[str]) -> None:
    assert status(words) == 2


def test_wrong_input_is_2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    assert status(["leaderboard"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("coverseek: reports/leaderboard.csv is missing")
    assert said.err.count("\n") == 1


def test_an_unexpected_error_is_3_one_line_and_a_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(name: str | None, *, write: bool) -> None:
        raise ZeroDivisionError("by\nzero")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(models, "main", broken)
    assert status(["models", "--write"]) == 3
    (log,) = paths.LOGS.iterdir()
    assert log.name.startswith("error-models-write-")
    assert "ZeroDivisionError: by\nzero" in log.read_text(encoding="utf-8")
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", f"coverseek: internal error: ZeroDivisionError: by zero; traceback: {log}\n")


def test_an_unexpected_error_is_3_where_no_log_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(name: str | None, *, write: bool) -> None:
        raise ValueError("x" * 1000)

    monkeypatch.chdir(tmp_path)
    paths.LOGS.write_text("no folder", encoding="utf-8")
    monkeypatch.setattr(models, "main", broken)
    assert status(["models"]) == 3
    line = capsys.readouterr().err
    assert "its traceback cannot be written to logs/error-models-" in line
    assert len(line) < 500


def test_an_interrupt_is_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(task: str | None) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(leaderboard, "main", interrupted)
    assert status(["leaderboard"]) == 130


@pytest.mark.parametrize("code", [0, 1])
@pytest.mark.parametrize("command", ["gate", "doctor", "conformance", "run"])
def test_a_check_that_failed_is_1(command: str, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    words = {"gate": ["--baseline", "HEAD", "--metric", "frechet"], "conformance": ["vae"]}.get(command, [])
    module = "pipeline.run.driver" if command == "run" else f"pipeline.stages.{command}"
    monkeypatch.setattr(f"{module}.main", lambda *_, **__: code)
    assert status([command, *words]) == code


@pytest.mark.parametrize("command", ["plan", "prepare", "features", "train", "evaluate", "sweep", "report"])
def test_commands_of_dvc_end_with_the_same_codes(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    options = {"prepare": ["--task", "ring"], "features": ["--task", "ring"]}
    words = options.get(command, [] if command in ("plan", "report") else ["--task", "ring", "--model", "vae"])
    for error, code in ((UserError("no"), 2), (RuntimeError("no"), 3)):

        def broken(*_: object, error: Exception = error) -> None:
            raise error

        monkeypatch.setattr(f"pipeline.stages.{command}.main", broken)
        assert status([command, *words]) == code


def test_the_codes_are_documented() -> None:
    page = (ROOT / "docs/get-started.md").read_text(encoding="utf-8")
    shown = " ".join(shell(f"{COVERSEEK} --help").stdout.replace("│", " ").split())
    for code in ("0", "1", str(cli.USAGE), str(cli.INTERNAL), "130", str(cli.CLOSED)):
        assert f" {code}: " in page.replace("\n", " ")
        assert f" {code} " in cli.EXIT_CODES
    assert cli.EXIT_CODES in shown
