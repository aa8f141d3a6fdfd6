"""`coverseek conformance` prints failures first; its exit code says whether there are any."""

from __future__ import annotations

from pathlib import Path

import pytest
from installed import install

from pipeline.errors import UserError
from pipeline.stages import conformance

PACKAGE = """
from pipeline.families.control.density import UniformBox
from pipeline.contract import Task
from pipeline.errors import UserError
class Good(UniformBox):
    def __init__(self, task: Task):
        if task.event.levels or task.condition.kind != "none":
            raise UserError("points alone")
        super().__init__(task.event, 0.2)
class Bad(Good):
    def sample(self, c):
        return super().sample(c)[1:]
def unsaid(task): ...
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "checked_here.py").write_text(PACKAGE)
    monkeypatch.syspath_prepend(str(tmp_path))
    return "checked_here"


def test_failures_are_printed_first_and_the_exit_code_is_one(package: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert conformance.main(f"{package}:Bad") == 1
    printed = " ".join(capsys.readouterr().out.split())
    assert printed.index("failed:") < printed.index(" passed ")


@pytest.mark.parametrize("word", ["checked_here:Good", "control/oracle", "control/noise", "ring", "identity"])
def test_the_exit_code_is_zero_if_all_laws_pass(package: str, word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert conformance.main(word) == 0
    assert "0 failed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("word", "why"),
    [
        ("nowhere:Model", r"cannot be imported \(ModuleNotFoundError"),
        ("checked_here:Lost", r"cannot be imported \(AttributeError"),
        ("checked_here:unsaid", "has no usable return annotation"),
        ("vea/vae", "did you mean vae"),
        ("vae/nope", "nothing is called 'vae/nope'"),
    ],
)
def test_an_unknown_name_is_refused(package: str, word: str, why: str) -> None:
    with pytest.raises(UserError, match=why):
        conformance.main(word)


@pytest.mark.parametrize(
    ("entries", "why"),
    [
        (
            {"models": "flow = checked_here"},
            "'flow' is Coverseek's own, and entry point 'checked_here' of coverseek.models",
        ),
        ({"datasets": "ring = checked_here:unsaid"}, "'ring' is Coverseek's own, .*: rename or uninstall that one"),
        (
            {"models": "external = checked_here"},
            "'external' is reserved for models scored from files, .*: rename it",
        ),
        (
            {"datasets": "external = checked_here:unsaid"},
            "'external' is reserved .* of coverseek.datasets has this name",
        ),
    ],
)
def test_an_entry_point_with_a_built_in_or_reserved_name_is_refused(
    entries: dict[str, str], why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, "checked_here", PACKAGE, **entries)
    monkeypatch.syspath_prepend(str(tmp_path))
    (line,) = entries.values()
    with pytest.raises(UserError, match=why):
        conformance.main(line.partition(" ")[0])


@pytest.mark.parametrize(
    ("setting", "why"),
    [
        ("sigma", "give a keyword and its value"),
        ("sigma=-1", r"^--set\.sigma: input should be greater than 0, not -1"),
        ("sgima=1", r"^--set\.sgima is not a known key; .*did you mean sigma"),
    ],
)
def test_a_setting_that_does_not_fit_is_refused(setting: str, why: str) -> None:
    with pytest.raises(UserError, match=why):
        conformance.main("ring", [setting])


def test_a_setting_is_passed_on(capsys: pytest.CaptureFixture[str]) -> None:
    assert conformance.main("shapes", ["condition=segmentation"]) == 0
    with pytest.raises(UserError, match=r"--set\.data_root is missing"):
        conformance.main("mnist")
