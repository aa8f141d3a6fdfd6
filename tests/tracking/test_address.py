"""Addresses: each path is named by one, and none is printed with a secret."""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sqlalchemy import create_engine

from pipeline import paths
from pipeline.doctor import surroundings
from pipeline.errors import UserError
from pipeline.run import driver
from pipeline.stages import publish as stage
from pipeline.tracking import address, mlflow_log
from pipeline.tracking.publication import publish, status

FOLDERS = ["a%20b", "a%", "a?b", "a#b", "a b ü", "it's", 'say "x"', "a;b&c=d+e@f:g", "100%?#"]
WORD = "S3cr3t"
SPECIAL = [*"/:@?#%&=[]+;,!$'\"\\ ~^|<>{}-_.", "%40", "%2F", "://", "@@"]
PASSWORDS = st.lists(st.sampled_from(SPECIAL), max_size=4).map(lambda parts: WORD + "".join(p + WORD for p in parts))
MALFORMED = [
    *("sqlite:///", "sqlite://", "sqlite:///m.db?x=y", "sqlite:///:memory:", "sqlite://m.db", "sqlite:///a\nb"),
    *("://", "http://h:x/", "http://[::1", "postgresql://u:Sec", "postgresql://h:99999999999999999999x/d"),
]


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cc", "Cs"]), min_size=1))
def test_each_path_has_an_address_that_gives_it_back(name: str) -> None:
    path = Path("/folder") / f"x{name}"
    assert address.database(address.sqlite(path)) == path


@pytest.mark.parametrize("folder", FOLDERS)
def test_publishing_works_in_a_folder_of_any_name(
    folder: str, empty_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the checkout there; the artifacts and the history too, and nothing appears elsewhere."""
    from tests.tracking.conftest import Tree

    (tmp_path / folder).mkdir()
    monkeypatch.chdir(tmp_path / folder)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")
    paths.TRACKING.write_bytes(empty_store.read_bytes())
    Tree().default()
    paths.FIGURES.mkdir(parents=True)
    (paths.FIGURES / "points-toy-samples.png").write_bytes(b"png")
    stage.main()
    assert status(address.uri()) == {"toy": (0, 0), "toy_wide": (0, 0)}
    assert surroundings._store().detail.endswith("2 tasks published")
    assert len(list(Path("mlruns").rglob("points-toy-samples.png"))) == 3
    assert [path.name for path in tmp_path.iterdir()] == [folder]
    with create_engine(address.uri()).connect():
        assert address.database(address.uri()) == paths.TRACKING.resolve()


@pytest.mark.parametrize("folder", ["a%20b?", "plain"])
def test_a_new_store_is_made_in_a_folder_of_any_name(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / folder).mkdir()
    monkeypatch.chdir(tmp_path / folder)
    publish(address.sqlite(Path("m%20?.db").resolve()), {}, {})
    assert [path.name for path in tmp_path.iterdir()] == [folder]
    assert {path.name for path in Path().iterdir()} - {"logs"} == {"m%20?.db", "m%20?.db.lock"}


@pytest.mark.parametrize("wrong", MALFORMED)
def test_what_is_no_address_is_one_line(wrong: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", wrong)
    for act in (address.uri, lambda: status(wrong), lambda: publish(wrong, {}, {})):
        with pytest.raises(UserError, match="MLFLOW_TRACKING_URI") as caught:
            act()
        assert "\n" not in str(caught.value)
        assert "Sec" not in str(caught.value)
        assert "delete" not in str(caught.value)
    assert surroundings._store().level == "fault"
    assert not list(tmp_path.iterdir())


def _refusal(full: str) -> str:
    try:
        address.database(full)
    except UserError as error:
        return str(error)
    return ""


HOSTLESS = "postgresql://u:{}/x"
SHAPES = [
    "postgresql://u:{}@host/x",
    "postgresql://{}@host/x",
    "postgresql+psycopg2://u:{}@host:5432/x?sslmode=require",
    "mysql://host/x?user=u&password={}",
    HOSTLESS,
    "postgresql:///x?host=h&password={}&user=u",
    "http://u:{}@host:5000",
    "https://{}@host/path",
    "http://host:5000/?token={}",
    "host=h user=u password={}",
    "mssql+pyodbc:///?odbc_connect=DRIVER=x;PWD={}",
]


@given(st.sampled_from(SHAPES), PASSWORDS)
def test_no_part_of_a_password_is_shown(shape: str, password: str) -> None:
    assume(shape != HOSTLESS or "@" not in password)  # what follows the @ is then a host, as in any other address
    full = shape.format(password)
    assert WORD not in address.shown(full)
    assert WORD not in _refusal(full)


@given(st.sampled_from(SHAPES[:-2]), PASSWORDS, st.data())
def test_no_part_of_a_password_is_left_in_a_message(shape: str, password: str, data: st.DataObject) -> None:
    """Whole, in lower case, or cut where the library that wrote the message took it for a host or a port."""
    assume(shape != HOSTLESS or "@" not in password)
    full = shape.format(password)
    begin = data.draw(st.integers(0, len(password)))
    for text in (full, password, password.lower(), f'invalid port "{password[begin:]}"', repr(full), f"at {full}: no"):
        whole = re.split(r"\W+", text.lower())
        assume(all(word == WORD.lower() or WORD.lower() not in word for word in whole))
        assert WORD.lower() not in address.scrub(text, full).lower()


def test_what_is_no_secret_is_shown() -> None:
    assert address.shown("postgresql://u:Sec/ret@host:5432/x?user=u") == "postgresql://host:5432/x?***"
    assert address.shown("sqlite:////home/me@work/a b/mlflow.db") == "sqlite:////home/me@work/a b/mlflow.db"
    assert address.shown("http://localhost:5000/prefix") == "http://localhost:5000/prefix"
    assert address.shown("mlruns/of me") == "mlruns/of me"
    assert address.scrub("no module named psycopg2", "postgresql://u:Secret@host/x") == "no module named psycopg2"


@pytest.mark.parametrize("shape", ["postgresql://u:Sec/ret@127.0.0.1:9/x", "postgresql://127.0.0.1:9/x?user=u&password=Secret",
                                   "http://u:Sec#ret@127.0.0.1:9", "http://u:Sec@ret@127.0.0.1:9"])  # fmt: skip
def test_neither_terminal_nor_log_holds_a_secret(
    shape: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", shape)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    for act in (lambda: status(shape), lambda: publish(shape, {}, {})):
        with pytest.raises(UserError) as caught:
            act()
        assert not re.search(r"Sec|ret\b", str(caught.value))
        assert "\n" not in str(caught.value)
    assert not re.search(r"Sec|ret\b", surroundings._store().detail)
    with mlflow_log.diverted(shape):
        logging.getLogger("mlflow").warning("cannot connect to %s", shape)
    written = mlflow_log.FILE.read_text(encoding="utf-8")
    assert "cannot connect to" in written
    printed = capfd.readouterr()
    for text in (written, printed.out, printed.err):
        assert not re.search(r"Sec|ret\b", text)


def test_a_run_that_cannot_publish_prints_no_secret(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever the error is: `coverseek run` prints it in one line."""
    uri = "postgresql://u:Sec/ret@host/x"

    def fail() -> None:
        raise ValueError(f"invalid address {uri}: no port 'Sec'")

    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.setattr(stage, "main", fail)
    driver._publish()
    assert "invalid address postgresql://host/x: no port '***'" in capsys.readouterr().out


def test_a_store_does_not_hold_its_own_address(
    empty_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does any tag in it: an address may hold a password."""
    from tests.tracking.conftest import Tree

    path = tmp_path / WORD / "mlflow.db"
    for folder in (path.parent, tmp_path / "checkout"):
        folder.mkdir()
    path.write_bytes(empty_store.read_bytes())
    monkeypatch.chdir(tmp_path / "checkout")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address.sqlite(path))
    Tree().default()
    stage.main()
    assert status(address.uri()) == {"toy": (0, 0), "toy_wide": (0, 0)}
    assert WORD.encode() not in path.read_bytes()


def test_the_environment_is_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_store: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for before in ("", "sqlite:///other.db"):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", before)
        publish(address.sqlite(empty_store), {}, {})
        assert os.environ["MLFLOW_TRACKING_URI"] == before
