"""What `coverseek download` promises: the right file or none, nothing twice, and a remedy where there is no network."""

from __future__ import annotations

import errno
import gzip
import io
import os
import shutil
import tarfile
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from zipfile import ZipFile

import pytest
import tiny
from rich.console import Console

from pipeline import cli
from pipeline.closure import Sources
from pipeline.data.datasets import DATASETS
from pipeline.data.download import sources
from pipeline.data.download.fetch import md5
from pipeline.data.download.progress import transfer
from pipeline.data.download.sources import SOURCES, Source
from pipeline.data.download.unpack import unpack
from pipeline.data.vision import mnist
from pipeline.errors import UserError
from pipeline.stages import download

NOWHERE = "http://127.0.0.1:9/"  # the port of `discard`: nobody answers


class Server:
    """A folder on loopback, and what was asked of it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.asked = folder, list[str]()
        asked = self.asked

        class Handler(SimpleHTTPRequestHandler):
            def log_message(self, format: str, *args: object) -> None:
                asked.append(self.path)

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
        self.address = f"http://127.0.0.1:{self.http.server_port}/"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    (tmp_path / "served").mkdir()
    served = Server(tmp_path / "served")
    thread = threading.Thread(target=served.http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield served
    served.http.shutdown()
    thread.join()
    served.http.server_close()


@pytest.fixture
def served(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    """A tiny MNIST behind the server, which `mnist` is downloaded from; its first mirror is out of order."""
    tiny.write(tmp_path / "made")
    table = []
    for name in mnist.FILES:
        packed = server.folder / f"{name}.gz"
        packed.write_bytes(gzip.compress((tmp_path / "made/MNIST/raw" / name).read_bytes()))
        mirrors = NOWHERE + packed.name, server.address + packed.name
        table.append(Source(mirrors, md5(packed), mnist.FOLDERS["mnist"], (name,)))
    monkeypatch.setitem(SOURCES, "mnist", lambda: tuple(table))
    return server


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def test_the_right_files_are_there_afterwards_and_progress_is_told(
    served: Server, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    download.main("mnist", data, False)
    for name in mnist.FILES:
        assert (data / "MNIST/raw" / name).read_bytes() == (tmp_path / "made/MNIST/raw" / name).read_bytes()
    told = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in told[:-1]] == [f"{name}.gz" for name in mnist.FILES]
    assert all(line.endswith(" MB") for line in told[:-1])
    assert told[-1] == f"mnist is in {data}: checked"


def test_the_second_time_nothing_is_done(served: Server, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    download.main("mnist", data, False)
    before = {path: path.stat().st_mtime_ns for path in data.rglob("*")}
    served.asked.clear()
    capsys.readouterr()
    for name in ("mnist", "dynamic_mnist"):
        download.main(name, data, False)
        assert capsys.readouterr().out == f"{name} is in {data} already: nothing to do\n"
    assert served.asked == []
    assert {path: path.stat().st_mtime_ns for path in data.rglob("*")} == before


def test_a_damaged_file_gets_no_name(served: Server, data: Path) -> None:
    bad = served.folder / f"{mnist.FILES[1]}.gz"
    right = bad.read_bytes()
    bad.write_bytes(right[:-1] + bytes([right[-1] ^ 1]))
    with pytest.raises(UserError, match=rf"{bad.name} is not downloaded \(.*its md5 is {md5(bad)}, not ") as caught:
        download.main("mnist", data, False)
    assert "\n" not in str(caught.value)
    assert [path.name for path in data.rglob("*") if path.is_file()] == [f"{mnist.FILES[0]}.gz"]
    bad.write_bytes(right)
    served.asked.clear()
    download.main("mnist", data, False)
    assert served.asked == [f"/{name}.gz" for name in mnist.FILES[1:]]  # the first archive was there, and right


def test_what_is_damaged_on_disk_is_made_again(served: Server, data: Path) -> None:
    download.main("mnist", data, False)
    served.asked.clear()
    (data / "MNIST/raw" / mnist.FILES[0]).write_bytes(b"")
    download.main("mnist", data, False)
    assert (data / "MNIST/raw" / mnist.FILES[0]).stat().st_size > 0
    assert served.asked == []


def test_again_mends_what_only_a_sum_can_tell(served: Server, data: Path) -> None:
    download.main("mnist", data, False)
    file = data / "MNIST/raw" / mnist.FILES[0]
    right = file.read_bytes()
    served.asked.clear()
    file.write_bytes(right[:-1] + bytes([right[-1] ^ 1]))  # another pixel
    download.main("mnist", data, True)
    assert file.read_bytes() == right
    assert served.asked == []


def test_a_full_disk_is_named_and_leaves_nothing_half_written(
    served: Server, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    shutil.copytree(served.folder, data / "MNIST/raw")
    monkeypatch.setattr(shutil, "copyfileobj", full)
    with pytest.raises(UserError, match=r"cannot be unpacked \(No space left on device\): make room in "):
        download.main("mnist", data, False)
    assert all(path.suffix == ".gz" for path in data.rglob("*") if path.is_file())


def test_offline_one_line_says_what_to_put_where(
    served: Server, data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    there = tuple(source._replace(urls=source.urls[:1]) for source in SOURCES["mnist"]())
    monkeypatch.setitem(SOURCES, "mnist", lambda: there)
    with pytest.raises(SystemExit) as end:
        cli.main(["download", "mnist", "--data-root", str(data)])
    assert end.value.code == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    for word in ("refused", *(source.urls[0] for source in there), str(data / "MNIST/raw"), "and run this again"):
        assert word in said
    assert not [path for path in data.rglob("*") if path.is_file()]
    shutil.copytree(served.folder, data / "MNIST/raw", dirs_exist_ok=True)  # by hand, as was said
    download.main("mnist", data, False)
    assert served.asked == []


@pytest.mark.parametrize(("name", "address"), [("celeba", "https://mmlab"), ("static_mnist", "http://www.cs.toronto")])
def test_what_needs_hands_says_so(name: str, address: str, data: Path) -> None:
    with pytest.raises(UserError, match=f"is missing: {data}.* by hand, from {address}"):
        download.main(name, data, False)


def test_what_is_drawn_here_is_not_downloaded(data: Path) -> None:
    with pytest.raises(UserError, match=r"dataset 'ring' is none that is downloaded; allowed: .*cifar10"):
        download.main("ring", data, False)


def test_each_dataset_with_a_source_is_one_of_the_table_and_is_read_from_where_it_is_put(tmp_path: Path) -> None:
    tiny.write(tmp_path)
    for name in SOURCES:
        assert name in DATASETS
        for source in sources.sources(name):
            assert all(url.startswith(("http://", "https://")) for url in source.urls)
            assert len(source.md5) == 32
            assert all((tmp_path / source.folder / file).is_file() for file in source.files)


def test_no_stage_of_the_pipeline_reaches_the_network() -> None:
    graph = Sources().graph
    assert graph.find_modules_that_directly_import("pipeline.stages.download") == {"pipeline.cli"}
    doors = graph.find_downstream_modules("pipeline.data.download.fetch")
    assert doors == {"pipeline.stages.download", "pipeline.cli"}


Pack = Callable[[Path, dict[str, bytes]], Path]


def _tar(folder: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(folder / "some.tar.gz", "w:gz") as tar:
        link = tarfile.TarInfo("deep/link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return folder / "some.tar.gz"


def _zip(folder: Path, members: dict[str, bytes]) -> Path:
    with ZipFile(folder / "some.zip", "w") as packed:
        for name, content in members.items():
            packed.writestr(f"{name}.gz", gzip.compress(content))
    return folder / "some.zip"


@pytest.mark.parametrize("pack", [_tar, _zip])
def test_no_path_of_an_archive_leaves_the_folder(pack: Pack, tmp_path: Path) -> None:
    members = {"deep/one": b"1", "../evil": b"2", "/tmp/../worse": b"3", "deep/other": b"4"}
    archive, folder = pack(tmp_path, members), tmp_path / "deep/inside"
    unpack(archive, folder, ("one", "evil"))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {"one": b"1", "evil": b"2"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["deep", archive.name]
    with pytest.raises(UserError, match=r"some\..* does not hold link"):
        unpack(archive, folder, ("link",))


@pytest.mark.parametrize("pack", [_tar, _zip])
def test_a_damaged_archive_leaves_nothing_half_written(pack: Pack, tmp_path: Path) -> None:
    archive, folder = pack(tmp_path, {"one": bytes(range(256)) * 100}), tmp_path / "inside"
    archive.write_bytes(archive.read_bytes()[:-40])
    with pytest.raises(UserError, match=r"some\..* is damaged"):
        unpack(archive, folder, ("one",))
    assert not [path for path in folder.rglob("*") if path.is_file()]


def test_on_a_terminal_there_is_a_bar() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    with transfer("some.gz", 1000, console) as advance:
        advance(1000)
    assert isinstance(console.file, io.StringIO)
    assert "some.gz" in console.file.getvalue()
    assert "1.0/1.0 kB" in console.file.getvalue()
