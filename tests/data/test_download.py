"""What `coverseek download` promises: the right files or none, nothing twice, and a remedy without a network."""

from __future__ import annotations

import errno
import gzip
import os
import shutil
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import tiny
from torchvision.datasets import MNIST

from pipeline import cli, files
from pipeline.data import torchvision_datasets
from pipeline.data.datasets import DATASETS
from pipeline.errors import UserError
from pipeline.import_closure import Sources
from pipeline.stages import download

NOWHERE = "http://127.0.0.1:9/"  # the port of `discard`: nothing answers


class Server:
    """A folder on loopback, and what was asked of it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.asked = folder, set[str]()
        asked = self.asked

        class Handler(SimpleHTTPRequestHandler):
            def log_message(self, format: str, *args: object) -> None:
                asked.add(self.path)

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
        self.address = f"http://127.0.0.1:{self.http.server_port}/"


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A tiny MNIST behind a server, which `mnist` is downloaded from; its first mirror is out of order."""
    (tmp_path / "served").mkdir()
    (tmp_path / "made").mkdir()
    tiny.write(tmp_path / "made", monkeypatch)
    server = Server(tmp_path / "served")
    resources = []
    for name in tiny.MNIST_FILES:
        packed = server.folder / f"{name}.gz"
        packed.write_bytes(gzip.compress((tmp_path / "made/MNIST/raw" / name).read_bytes()))
        resources.append((packed.name, files.md5(packed)))
    monkeypatch.setattr(MNIST, "mirrors", [NOWHERE, server.address])
    monkeypatch.setattr(MNIST, "resources", resources)
    thread = threading.Thread(target=server.http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.http.shutdown()
    thread.join()
    server.http.server_close()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def visible(data: Path) -> list[str]:
    """What is there apart from archives."""
    return sorted(path.name for path in data.rglob("*") if path.is_file() and path.suffix != ".gz")


def test_the_right_files_are_there_afterwards(
    served: Server, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    download.main("mnist", data, False)
    for name in tiny.MNIST_FILES:
        assert (data / "MNIST/raw" / name).read_bytes() == (tmp_path / "made/MNIST/raw" / name).read_bytes()
    assert capsys.readouterr().out == f"mnist is in {data}: checked\n"
    assert [path.name for path in data.iterdir()] == ["MNIST"]


def test_the_second_time_nothing_is_done(served: Server, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    download.main("mnist", data, False)
    before = {path: path.stat().st_mtime_ns for path in data.rglob("*")}
    served.asked.clear()
    capsys.readouterr()
    for name in ("mnist", "dynamic_mnist"):
        download.main(name, data, False)
        assert capsys.readouterr().out == f"{name} is in {data} already: nothing to do\n"
    assert not served.asked
    assert {path: path.stat().st_mtime_ns for path in data.rglob("*")} == before


def test_a_damaged_archive_is_not_unpacked_and_what_was_there_stays(served: Server, data: Path) -> None:
    bad = served.folder / f"{tiny.MNIST_FILES[1]}.gz"
    right = bad.read_bytes()
    bad.write_bytes(right[:-1] + bytes([right[-1] ^ 1]))
    labels = data / "MNIST/raw/t10k-labels-idx1-ubyte"
    labels.parent.mkdir(parents=True)
    labels.write_bytes(b"mine")
    with pytest.raises(UserError, match=rf"mnist is not downloaded \(.*{bad.name}.*corrupted") as caught:
        download.main("mnist", data, False)
    assert "\n" not in str(caught.value)
    assert labels.read_bytes() == b"mine"
    assert visible(data) == [labels.name]
    bad.write_bytes(right)
    served.asked.clear()
    download.main("mnist", data, False)
    assert served.asked == {f"/{name}.gz" for name in tiny.MNIST_FILES[1:]}  # the first archive was there, and right


@pytest.mark.parametrize(("content", "again"), [(b"", False), (None, True)])
def test_what_is_damaged_on_disk_is_unpacked_again(
    served: Server, data: Path, content: bytes | None, again: bool
) -> None:
    download.main("mnist", data, False)
    file = data / "MNIST/raw" / tiny.MNIST_FILES[0]
    right = file.read_bytes()
    served.asked.clear()
    file.write_bytes(right[:-1] + bytes([right[-1] ^ 1]) if content is None else content)  # or another pixel
    download.main("mnist", data, again)
    assert file.read_bytes() == right
    assert not served.asked


def test_a_full_disk_is_named_and_leaves_nothing_half_written(
    served: Server, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill(archive: str, folder: str, *args: Any) -> None:
        Path(folder, Path(archive).stem).write_bytes(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("torchvision.datasets.utils.extract_archive", fill)
    with pytest.raises(UserError, match=r"mnist is not downloaded \(.*No space left on device\)"):
        download.main("mnist", data, False)
    assert visible(data) == []


def test_offline_one_line_says_what_to_put_where(
    served: Server, data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(MNIST, "mirrors", [NOWHERE])
    with pytest.raises(SystemExit) as end:
        cli.main(["download", "mnist", "--data-root", str(data)])
    assert end.value.code == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    for word in ("refused", *(f"{NOWHERE}{name}.gz" for name in tiny.MNIST_FILES), str(data / "MNIST/raw"), "run this"):
        assert word in said
    assert visible(data) == []
    shutil.copytree(served.folder, data / "MNIST/raw", dirs_exist_ok=True)  # by hand, as was said
    download.main("mnist", data, False)
    assert not served.asked


@pytest.mark.parametrize("name", ["cifar10", "cifar100", "svhn", "emnist", "kmnist", "fashion_mnist"])
def test_each_set_names_its_address_where_there_is_no_network(
    name: str, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object, **options: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr("urllib.request.urlopen", refuse)
    with pytest.raises(UserError, match=rf"{name} is not downloaded \(.*no network.*\): put http.* into .*data"):
        download.main(name, data, False)
    assert visible(data) == []


@pytest.mark.parametrize("name", torchvision_datasets.CLASS_NAMES)
def test_each_set_of_torchvision_is_read_from_the_folder_that_it_is_downloaded_to(name: str, root: Path) -> None:
    assert name in DATASETS
    folder, names = torchvision_datasets.required_files(name)
    if name != "celeba":
        assert all((root / folder / file).is_file() for file in names)


@pytest.mark.parametrize(("name", "address"), [("celeba", "https://mmlab"), ("static_mnist", "http://www.cs.toronto")])
def test_what_has_to_be_fetched_by_hand_says_so(name: str, address: str, data: Path) -> None:
    with pytest.raises(UserError, match=f"is missing: {data}.* by hand, from {address}"):
        download.main(name, data, False)


def test_what_is_drawn_here_is_not_downloaded(data: Path) -> None:
    with pytest.raises(UserError, match=r"dataset 'ring' is none that is downloaded; allowed: .*cifar10"):
        download.main("ring", data, False)


def test_only_the_command_reaches_the_network() -> None:
    graph = Sources().graph
    assert graph.find_modules_that_directly_import("pipeline.stages.download") == {"pipeline.cli"}
    modules = [Path(path) for path in Path("pipeline").rglob("*.py")]
    assert [p.name for p in modules if "download=" in p.read_text(encoding="utf-8")] == ["download.py"]
