"""A damaged file is one line that names the file, the fault and the command that makes it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydantic import BaseModel

from pipeline import files
from pipeline.errors import UserError
from pipeline.files import ArraySpec


class Schema(BaseModel):
    count: int
    names: tuple[str, ...] = ()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b'{"count": 1', "EOF"),
        (b'{"count": "1"}', "count: input should be a valid integer"),
        (b'{"count": 1, "names": ["a", 2]}', "names.1: input should be a valid string"),
        (b"{}", "count: field required"),
        (b"[1]", "it holds no object"),
        (b'{"count": 1, "x": NaN}', "expected value"),
        (b'{"count": 1, "x": 1e999}', "a number is too large"),
        (b'{"count": ' + b"9" * 100 + b"}", "a number is too large"),
        (b'{"count": ' + b"9" * 5000 + b"}", "number out of range"),
        (b'{"count": ' + b"[" * 100_000, "recursion limit"),
        (b'{"count": 1, "x": "\xff"}', "unicode|UTF-8"),
        (b'{"count": 1, "x": "\\ud800"}', "hex escape"),
    ],
)
def test_damaged_json_is_one_line(tmp_path: Path, content: bytes, why: str) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(content)
    with pytest.raises(UserError, match=rf"a\.json is damaged \(.*({why}).*\); make it again with: make a") as error:
        files.read_json(path, "make a", schema=Schema)
    assert "\n" not in str(error.value)


def test_json_that_fits_reads_as_an_object(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"count": 1, "names": ["a"], "more": 2.5}')
    assert files.read_json(path, "", schema=Schema) == {"count": 1, "names": ["a"], "more": 2.5}
    assert files.read_record(path, "", Schema) == Schema(count=1, names=("a",))


SPECS = {"x": ArraySpec("f", (None, 2)), "c": ArraySpec("iu", (None,), below=3), "z": ArraySpec("f", (), optional=True)}
GOOD = {"x": np.zeros((4, 2), np.float32), "c": np.array([0, 1, 2, 2])}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"x": np.zeros((4, 3))}, r"array x has shape \(4, 3\)"),
        ({"x": np.zeros((4, 2), int)}, "array x has type int64"),
        ({"x": np.full((4, 2), np.nan)}, "array x has a value that is not finite"),
        ({"c": np.array([0, 3])}, "array c has a value outside 0 to 2"),
        ({"c": np.array([-1, 2])}, "array c has a value outside 0 to 2"),
        ({"z": np.zeros(1)}, r"array z has shape \(1,\)"),
    ],
)
def test_an_array_of_another_kind_is_named(tmp_path: Path, change: files.Arrays, why: str) -> None:
    files.write_npz(tmp_path / "a.npz", {**GOOD, **change})
    with pytest.raises(UserError, match=rf"a\.npz is damaged \({why}\); make it again with: make a"):
        files.read_npz(tmp_path / "a.npz", "make a", SPECS)


def test_a_missing_array_and_a_pickle_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    files.write_npz(path, {"x": GOOD["x"]})
    with pytest.raises(UserError, match="it holds no array c"):
        files.read_npz(path, "make a", SPECS)
    np.savez(path, x=np.array([{}], dtype=object))
    with pytest.raises(UserError, match=r"a\.npz is damaged; make it again with: make a"):
        files.read_npz(path, "make a", SPECS)


def test_each_truncation_of_an_npz_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    files.write_npz(path, GOOD)
    assert files.read_npz(path, "", SPECS).keys() == GOOD.keys()
    content = path.read_bytes()
    for length in range(0, len(content), 7):
        path.write_bytes(content[:length])
        with pytest.raises(UserError, match="damaged"):
            files.read_npz(path, "", SPECS)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "the column count is missing"),
        ("names\nx\n", "the column count is missing"),
        ("count\nx\n", "line 2: count: input should be a valid integer"),
        ("count,names\n1\n", "line 2: it does not have as many cells as the header"),
        ("count\n1,2\n", "line 2: it does not have as many cells as the header"),
    ],
)
def test_a_damaged_table_names_its_line(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(UserError, match=rf"a\.csv is damaged \({why}"):
        files.read_csv(tmp_path / "a.csv", "make a", Schema)
