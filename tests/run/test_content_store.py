"""A store keeps files under their md5, as DVC does, and notices what was damaged, is missing or cannot be written."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from pipeline.run.cluster import content_store
from pipeline.run.cluster.content_store import ContentStore, StoreError


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content_store, "PAUSES", ())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "made/below").mkdir(parents=True)
    (tmp_path / "made/one").write_bytes(b"1")
    (tmp_path / "made/below/two").write_bytes(b"22")
    return tmp_path / "made"


def content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_file_has_the_md5_of_its_bytes(tmp_path: Path, folder: Path) -> None:
    store = ContentStore(str(tmp_path / "store"))
    md5 = hashlib.md5(b"1").hexdigest()
    assert store.keep(folder / "one") == md5
    assert (tmp_path / "store" / md5[:2] / md5[2:]).read_bytes() == store.read(md5) == b"1"


def test_a_folder_goes_through_other_stores_by_its_md5(tmp_path: Path, folder: Path) -> None:
    first, second, third = (ContentStore(str(tmp_path / name)) for name in ("first", "second", "third"))
    md5 = first.keep(folder)
    assert md5.endswith(".dir")
    first.copy_to(second, [md5])
    names = second.names(md5)
    assert len(names) == 3
    for name in names:  # the way of cells without a store
        third.add(name, second.read(name))
    third.checkout(md5, tmp_path / "again/folder")
    assert content(tmp_path / "again/folder") == content(folder)
    assert third.keep(tmp_path / "again/folder") == md5


def test_bytes_with_another_md5_are_refused(tmp_path: Path) -> None:
    store = ContentStore(str(tmp_path))
    with pytest.raises(StoreError, match="arrived with the md5"):
        store.add("0" * 32, b"1")
    assert not store.has("0" * 32)


def test_what_is_missing_or_was_damaged_is_not_copied(tmp_path: Path, folder: Path) -> None:
    first, second = ContentStore(str(tmp_path / "first")), ContentStore(str(tmp_path / "second"))
    with pytest.raises(StoreError, match="cannot be copied"):
        first.copy_to(second, ["0" * 32])
    md5 = first.keep(folder / "one")
    stored = tmp_path / "first" / md5[:2] / md5[2:]
    stored.chmod(0o644)
    stored.write_bytes(b"3")
    with pytest.raises(StoreError):
        first.copy_to(second, [md5])


def test_a_store_that_cannot_be_written_is_one_line(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "file").touch()
    store = ContentStore(str(tmp_path / "file/store"))
    with pytest.raises(StoreError, match="is the store reachable and not full") as raised:
        store.keep(folder / "one")
    assert "\n" not in str(raised.value)


def test_an_attempt_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content_store, "PAUSES", (0.0, 0.0))
    answers = iter([OSError("late"), OSError("late"), 7])

    def attempt() -> int:
        answer = next(answers)
        if isinstance(answer, OSError):
            raise answer
        return answer

    assert content_store.patiently(attempt, "it cannot be read") == 7
