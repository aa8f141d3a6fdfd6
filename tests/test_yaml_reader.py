"""YAML with limits: plain data reads as with the safe loader, and everything else is one line with its number."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from pipeline import yaml_reader
from pipeline.errors import UserError
from pipeline.yaml_reader import CONFIGURATION, GENERATED, Limits

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("name", ["params.yaml", "dvc.yaml", "dvc.lock"])
def test_the_repositorys_own_files_read_as_with_the_safe_loader(name: str) -> None:
    limits = GENERATED if name == "dvc.lock" else CONFIGURATION
    text = (ROOT / name).read_text(encoding="utf-8")
    assert yaml_reader.load(ROOT / name, limits) == yaml.load(text, Loader=yaml_reader.Loader)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "[1, -2, 1_000, 0x1F, 0]",
        "[1.5, .5, 1., 1.0e+3, .inf, -.inf]",
        "[true, False, YES, no, On, off, ~, null, '']",
        "['1', \"true\", '2024-01-01', 1:30x]",
        "{a: &x {b: 1, c: 2}, d: {<<: *x, c: 3}, e: *x}",
        "{a: &x {b: 1}, f: &y {b: 2, c: 3}, d: {<<: [*x, *y], e: 4}}",
        "a: |\n  two\n  lines\nb: >\n  one\n  line\n",
        "'0': a\n\"true\": b\nno one: c\n",
    ],
)
def test_plain_data_reads_as_with_the_safe_loader(text: str) -> None:
    assert yaml_reader.parse(text) == yaml.safe_load(text)


@pytest.mark.parametrize(("text", "value"), [("1e-3", 0.001), ("2024-13-01", "2024-13-01"), ("017", "017")])
def test_what_versions_of_yaml_disagree_on_is_a_number_only_where_it_is_decimal(text: str, value: object) -> None:
    assert yaml_reader.parse(text) == value


BOMB = "".join(f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 9 if k else ['x'] * 9)}]\n" for k in range(9))
CHAIN = "".join(f"a{k}: &a{k} [{f'*a{k - 1}' if k else 'x'}]\n" for k in range(1000))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a: 1\nb: \xff\n", r"line 2: not UTF-8 \(byte 0xff\)"),
        (b"a: \x07", "control character"),
        (b"\na: !!int zz", "line 2: the tag '!!int' is not allowed"),
        (b"a: !!float [x]", "line 1: the tag '!!float' is not allowed"),
        (b"a: !!python/object/apply:os.getcwd []", "line 1: the tag '!!python/object/apply:os.getcwd' is not allowed"),
        (b"a: " + b"9" * 5000, "line 1: '9+'?.*at most 30 characters"),
        (b"a:\n  " + b"[" * 100_000, "line 2: nested deeper than 32 blocks"),
        (b"- " * 100_000, "line 1: nested deeper than 32 blocks"),
        (BOMB.encode(), r"line \d: more than 200,000 values"),
        (CHAIN.encode(), "line 32: nested deeper than 32 blocks"),
        (b"a: &a [*a]", r"line 1: \*a has no anchor before it"),
        (b"a: 1\nb: 2\na: 3", "line 3: 'a' is given twice"),
        (b"a: 1\nno: 2", "line 2: a key is False, which is no text: quote it"),
        (b"? [1]\n: 2", "line 1: a key is a list or a mapping"),
        (b"a: {<<: 3}", "line 1: << takes a mapping"),
        (b"a: 1\n---\nb: 2", "line 3: a second document"),
        (b"a: [", "line 1: not YAML|line 2: not YAML"),
        (b"a" * (CONFIGURATION.size + 1), "more than 4,194,304 bytes"),
    ],
)
def test_what_is_not_allowed_is_one_line_with_its_number(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "params.yaml").write_bytes(content)
    with pytest.raises(UserError, match=rf"params\.yaml.*{words}") as error:
        yaml_reader.load(tmp_path / "params.yaml")
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 300 + len(str(tmp_path))


def test_limits_count_expanded_aliases() -> None:
    text = "a: &a [1, 2, 3]\nb: [*a, *a]\n"  # 5 of a, 10 of b, 2 of the document
    assert yaml_reader.parse(text, Limits(size=100, depth=3, nodes=100)) == {"a": [1, 2, 3], "b": [[1, 2, 3]] * 2}
    with pytest.raises(Exception, match="more than 13 values"):
        yaml_reader.parse(text, Limits(size=100, depth=3, nodes=13))


def test_the_parser_without_the_c_library_has_the_same_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_reader, "Loader", yaml.SafeLoader)
    assert yaml_reader.parse("{a: &x {b: 1}, d: {<<: *x, c: [3]}}") == {"a": {"b": 1}, "d": {"b": 1, "c": [3]}}
    with pytest.raises(Exception, match="nested deeper"):
        yaml_reader.parse("[" * 10_000)
