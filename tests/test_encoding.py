"""Text is UTF-8 in every file, whatever the locale; standard output takes every character in any encoding."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import pytest

from pipeline import standard_streams

ROOT = Path(__file__).parents[1]
TEXT = {"read_text", "write_text", "savetxt", "loadtxt", "genfromtxt", "TextIOWrapper", "NamedTemporaryFile"}
OTHER = {"os", "tarfile", "wave", "Image", "archive", "packed"}
"""What has an `open` that opens bytes; the last two are names of a ZipFile."""
BOARD = ("leaderboard", "--task", "digits")
COMMANDS = (
    BOARD,
    ("report", "--task", "digits", "--format", "markdown"),
    ("report", "--task", "digits", "--format", "latex"),
    ("models",),
    ("doctor",),
    ("--help",),
)


def without(tree: ast.AST) -> Iterator[int]:
    """The lines of calls that open text without saying in which encoding."""
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        named = {word.arg: word.value for word in call.keywords}
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        opens = name in TEXT or (name == "open" and not _is_binary(call, named))
        decodes = any(_is_true(named.get(word)) for word in ("text", "universal_newlines"))
        if (opens or decodes) and "encoding" not in named and None not in named:
            yield call.lineno


def _is_binary(call: ast.Call, named: dict[str | None, ast.expr]) -> bool:
    if isinstance(call.func, ast.Attribute):
        if isinstance(call.func.value, ast.Name) and call.func.value.id in OTHER:
            return True
        words = call.args[:1]
    else:
        words = call.args[1:2]
    mode = named.get("mode", words[0] if words else None)
    return isinstance(mode, ast.Constant) and "b" in str(mode.value)


def _is_true(value: ast.expr | None) -> bool:
    return isinstance(value, ast.Constant) and value.value is True


def test_every_file_is_opened_with_an_encoding() -> None:
    sources = [path for folder in ("pipeline", "benchmarks") for path in sorted((ROOT / folder).rglob("*.py"))]
    lines = {path: list(without(ast.parse(path.read_text(encoding="utf-8")))) for path in sources}
    assert {str(path.relative_to(ROOT)): found for path, found in lines.items() if found} == {}


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("path.read_text()", [1]),
        ("path.open('w', newline='')", [1]),
        ("open(path)", [1]),
        ("subprocess.run(command, text=True)", [1]),
        ("open(path, 'rb')", []),
        ("path.open(mode='rb')", []),
        ("path.write_text(text, encoding='utf-8')", []),
        ("os.open(path, flags)", []),
    ],
)
def test_what_is_found(code: str, found: list[int]) -> None:
    assert list(without(ast.parse(code))) == found


def coverseek(words: Sequence[str], cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "pipeline.cli", *words],
        cwd=cwd, env={**os.environ, "PYTHONPATH": str(ROOT), **environment}, capture_output=True, timeout=300,
    )  # fmt: skip


@cache
def in_utf_8(words: tuple[str, ...]) -> subprocess.CompletedProcess[bytes]:
    return coverseek(words, PYTHONIOENCODING="utf-8")


@pytest.mark.parametrize(
    ("words", "encoding"), [*((words, "ascii") for words in COMMANDS), (BOARD, "latin-1"), (BOARD, "cp1252")]
)
def test_a_command_prints_in_any_encoding(words: tuple[str, ...], encoding: str) -> None:
    expected, done = in_utf_8(words), coverseek(words, PYTHONIOENCODING=encoding)
    assert (done.returncode, done.stderr) == (expected.returncode, expected.stderr)
    text = done.stdout.decode(encoding)
    assert len(text.splitlines()) == len(expected.stdout.decode("utf-8").splitlines())


def test_what_an_encoding_lacks_is_written_in_ascii() -> None:
    text = "0.5 ± 0.1, ≥ 2 ↑, Größe, KL(p‖q) → ∞ 字 \udcff"
    assert text.encode("ascii", _registered()) == b"0.5 +- 0.1, >= 2 ^, Grosse, KL(p||q) -> inf ? ?"
    assert "± ≥".encode("latin-1", _registered()) == "± >=".encode("latin-1")


def _registered() -> str:
    with standard_streams.prepared():
        return standard_streams.NAME


def test_params_are_utf_8_in_a_locale_that_is_not(tmp_path: Path) -> None:
    text = (ROOT / "params.yaml").read_text(encoding="utf-8")
    (tmp_path / "params.yaml").write_text(f"# Größe\n{text}", encoding="utf-8")
    locale = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = coverseek(["train", "--task", "rng", "--model", "vae"], tmp_path, **locale)
    assert done.returncode == 2
    assert b"did you mean" in done.stderr
    assert len(done.stderr.splitlines()) == 1
