"""A cell on a node returns a value whatever happens, leaves nothing behind, and runs only with the driver's code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.run import worker
from pipeline.run.cluster import remote_cell
from pipeline.run.cluster.content_store import ContentStore
from pipeline.run.cluster.node_identity import identity
from pipeline.run.cluster.private_folder import root
from pipeline.run.cluster.remote_call import Call, LostError
from pipeline.run.cluster.transport import Transport
from pipeline.run.step import Step

STUB = """
import os, sys
from pathlib import Path
def main(words):
    if words[1] == "refuse":
        print("coverseek: no such task", file=sys.stderr); sys.exit(2)
    if words[1] == "die":
        os.kill(os.getpid(), 9)
    if words[1] == "write":
        Path("out").mkdir()
        hashes = Path("artifacts/memo/code.json")
        hashes.parent.mkdir(parents=True, exist_ok=True)
        hashes.write_text(hashes.read_text() + "again" if hashes.exists() else "first")
        Path("out/hashes").write_text(hashes.read_text())
        Path("out/sum").write_text(Path("in").read_text() + os.environ["TERM_2"] + Path("p").read_text())
"""


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    (tmp_path / "errands.py").write_text(STUB)
    (tmp_path / "in").write_text("1+")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("COMMAND", "PRELOAD"):
        monkeypatch.setattr(worker, name, getattr(worker, name))
    md5 = ContentStore("driver").keep(Path("in"))
    step = Step("train@t", ("train", "write"), frozenset())
    return Call(
        step=step, reads={"in": md5}, writes=("out",), files={"p": b"+3"}, sent={md5: md5}, store="",
        scratch=str(tmp_path / "scratch"), identity=identity(), environment={"TERM_2": "2"},
        command="errands:main", preload=(),
    )  # fmt: skip


def get(handles: Sequence[Any]) -> list[bytes]:
    return [ContentStore("driver").read(handle) for handle in handles]


def left() -> list[Path]:
    return [*Path().glob("scratch/*/*/cells/*")]


def deed(call: Call, word: str) -> Call:
    return replace(call, step=Step("train@t", ("train", word), frozenset()))


def test_it_returns_what_the_command_wrote(call: Call) -> None:
    answer = remote_cell.run(call, "node", get)
    assert (answer.why, answer.refused, answer.node) == ("", "", "node")
    for name, content in answer.sent.items():
        ContentStore("driver").add(name, content)
    ContentStore("driver").checkout(answer.wrote["out"], Path("back"))
    assert Path("back/sum").read_text() == "1+2+3"
    assert not Path("out").exists()
    assert left() == []


def test_through_a_store_no_bytes_are_returned(call: Call) -> None:
    store = str(Path("shared").absolute())
    Transport(ContentStore("driver"), store).offer(call.reads.values())
    answer = remote_cell.run(replace(call, sent={}, store=store), "node", get)
    assert (answer.why, answer.sent) == ("", {})
    Transport(ContentStore("driver"), store).accept(answer.wrote.values(), {}, list)
    assert ContentStore("driver").has(answer.wrote["out"])


@pytest.mark.parametrize(
    ("word", "why"),
    [
        ("refuse", "exit code 2: coverseek: no such task"),
        ("die", "killed by SIGKILL"),
        ("nothing", "its command did not write out"),
    ],
)
def test_a_failure_is_a_value(call: Call, word: str, why: str) -> None:
    answer = remote_cell.run(deed(call, word), "node", get)
    assert (answer.why, answer.wrote) == (why, {})
    assert left() == []


@pytest.mark.parametrize("error", [SystemExit(1), LostError("ObjectLostError")])
def test_a_node_that_is_stopped_or_loses_the_inputs_loses_the_cell(call: Call, error: BaseException) -> None:
    def leave(handles: Sequence[Any]) -> list[bytes]:
        raise error

    answer = remote_cell.run(call, "node", leave)
    assert answer.lost.startswith(("the node was stopped", "ObjectLostError"))
    assert (answer.why, answer.refused) == ("", "")
    assert left() == []


def test_other_code_is_refused_before_anything_runs(call: Call) -> None:
    answer = remote_cell.run(replace(call, identity=call.identity | {"torch": "0.1"}), "node", get)
    assert answer.refused.startswith("torch is ")
    assert answer.refused.endswith(", and 0.1 where the run was started")
    assert not Path("scratch").exists()


def test_more_bytes_than_travel_without_a_store_are_refused(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_cell, "LIMIT", 2)
    answer = remote_cell.run(call, "node", get)
    assert "set store in cluster.yaml" in answer.why
    assert answer.sent == {}


def test_the_hashes_of_metrics_are_made_once_on_a_node(call: Call) -> None:
    answers = [remote_cell.run(call, "node", get) for _ in range(2)]
    assert [sorted(answer.sent.values())[-1] for answer in answers] == [b"first", b"firstagain"]


def test_folders_of_killed_processes_are_removed(call: Call) -> None:
    orphan = root("scratch") / "cells" / "4194305-0"  # above the largest process number of Linux
    orphan.mkdir(parents=True)
    assert not remote_cell.run(call, "node", get).why
    assert not orphan.exists()
