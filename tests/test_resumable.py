"""Inputs are the same in any order of their keys, and a folder that cannot be written stops nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.resumable import hash_inputs, try_write


def test_the_hash_depends_on_the_values_and_not_on_the_order_of_keys() -> None:
    assert hash_inputs({"a": 1, "b": {"c": 2, "d": 3}}) == hash_inputs({"b": {"d": 3, "c": 2}, "a": 1})
    assert hash_inputs({"a": 1}) != hash_inputs({"a": 2})


def test_a_failed_write_is_a_line_and_other_errors_pass(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert not try_write(tmp_path, (tmp_path / "file" / "inside").mkdir, "nothing is kept")
    assert "cannot be written, nothing is kept: " in capsys.readouterr().out
    assert try_write(tmp_path, (tmp_path / "folder").mkdir, "nothing is kept")
    with pytest.raises(ValueError, match="a fault"):
        try_write(tmp_path, _fault, "nothing is kept")


def _fault() -> None:
    raise ValueError("a fault")
