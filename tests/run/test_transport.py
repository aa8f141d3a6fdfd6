"""Files get from one cache to another unchanged, through a store or as bytes, and DVC finds them in the store."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import services

from pipeline.run.cluster import content_store
from pipeline.run.cluster.content_store import ContentStore, StoreError
from pipeline.run.cluster.transport import OBJECTS, Transport


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content_store, "PAUSES", ())


def filled(tmp_path: Path) -> tuple[ContentStore, dict[str, str]]:
    """A cache with a file and a folder: path -> md5."""
    made = tmp_path / "made"
    (made / "folder").mkdir(parents=True)
    (made / "file").write_bytes(b"1")
    (made / "folder/one").write_bytes(b"1")
    (made / "folder/two").write_bytes(b"22")
    cache = ContentStore(str(tmp_path / "first" / OBJECTS))
    return cache, {name: cache.keep(made / name) for name in ("file", "folder")}


@pytest.mark.parametrize("stored", [True, False], ids=["through a store", "as bytes"])
def test_what_is_offered_arrives(tmp_path: Path, stored: bool) -> None:
    cache, files = filled(tmp_path)
    address = str(tmp_path / "store") if stored else ""
    offered = Transport(cache, address).offer(files.values())
    assert len(offered) == (0 if stored else 3)  # the list of the folder, and two files, one of which it shares
    there = Transport(ContentStore(str(tmp_path / "second")), address)
    there.accept(files.values(), {md5: cache.read(md5) for md5 in offered}, list)
    there.checkout(files, tmp_path / "again")
    assert (tmp_path / "again/file").read_bytes() == b"1"
    assert {path.name: path.read_bytes() for path in (tmp_path / "again/folder").iterdir()} == {
        "one": b"1", "two": b"22",
    }  # fmt: skip


def test_what_the_other_side_has_is_not_loaded(tmp_path: Path) -> None:
    cache, files = filled(tmp_path)
    there = Transport(ContentStore(str(tmp_path / "second")), "")
    sent = {md5: cache.read(md5) for md5 in Transport(cache, "").offer(files.values())}
    there.accept(files.values(), sent, list)

    def load(handles: Sequence[bytes]) -> list[bytes]:
        assert not handles
        return []

    there.accept(files.values(), sent, load)


def test_what_was_damaged_on_the_way_is_refused(tmp_path: Path) -> None:
    there = Transport(ContentStore(str(tmp_path)), "")
    with pytest.raises(StoreError, match="arrived with the md5"):
        there.accept(["0" * 32], {"0" * 32: b"1"}, list)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["folder", "s3"])
def test_dvc_pulls_from_the_store(tmp_path: Path, kind: str, request: pytest.FixtureRequest) -> None:
    address = request.getfixturevalue("bucket") if kind == "s3" else str(tmp_path / "store")
    cache, files = filled(tmp_path)
    Transport(cache, address).offer(files.values())
    there = Transport(ContentStore(str(tmp_path / "second")), address)
    there.accept(files.values(), {}, list)
    there.checkout(files, tmp_path / "again")
    assert (tmp_path / "again/folder/two").read_bytes() == b"22"
    clone = tmp_path / "clone"
    clone.mkdir()
    entry = f"- md5: {files['file']}\n  size: 1\n  hash: md5\n  path: file\n"
    (clone / "file.dvc").write_text(f"outs:\n{entry}")
    for words in ("init -q --no-scm", f"remote add -q -d store {address}", "pull -q"):
        subprocess.run([sys.executable, "-m", "dvc", *words.split()], cwd=clone, check=True)
    assert (clone / "file").read_bytes() == b"1"


def test_a_bucket_that_is_not_there_is_one_line(tmp_path: Path, bucket: str) -> None:
    cache, files = filled(tmp_path)
    with pytest.raises(StoreError, match="is the store reachable and not full") as raised:
        Transport(cache, f"{bucket}-other/below").offer(files.values())
    assert "\n" not in str(raised.value)


@pytest.fixture
def bucket() -> Iterator[str]:
    with services.bucket() as address:
        yield address
