"""Networks trained elsewhere: a file is named and hashed, and what is wrong with it is said in one line.

No weights come from anywhere: networks with random weights are saved, and read again.
"""

from __future__ import annotations

import io
import pickle
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from pipeline.contract import Event, Task
from pipeline.errors import UserError
from pipeline.metrics.extractors import lookup, reference
from pipeline.metrics.extractors.frozen import Frozen
from pipeline.metrics.extractors.inception import inception
from pipeline.metrics.extractors.torchvision import torchvision

TOY = Task("toy", Event((1, 8, 8), levels=17))


@pytest.mark.parametrize("make", [inception, lambda *data, weights: torchvision(*data, model="vgg11", weights=weights)])
def test_weights_of_another_network_are_refused_in_one_line(
    make: Any, resnet: tuple[nn.Module, Path], gray: Tensor
) -> None:
    with pytest.raises(UserError, match=r"resnet18\.pth does not fit extractor \w+: [^\n]{1,170}; put there [^\n]+$"):
        make("toy", gray, None, weights=str(resnet[1]))


class Trap:
    """Unpickled, it would leave a trace."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("trace"),)


def zipped(content: object) -> bytes:
    held = io.BytesIO()
    torch.save(content, held)
    return held.getvalue()


def legacy(content: object) -> bytes:
    held = io.BytesIO()
    torch.save(content, held, _use_new_zipfile_serialization=False)
    return held.getvalue()


def archive(**files: bytes) -> bytes:
    """A zip of files in a folder, as torch writes one."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as into:
        for name, content in files.items():
            into.writestr(f"weights/{name.replace('_', '.')}", content)
    return held.getvalue()


@pytest.mark.parametrize("write", [zipped, legacy, pickle.dumps])
def test_a_pickle_is_never_run(
    write: Callable[[object], bytes], gray: Tensor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("weights.pth").write_bytes(write({"weight": Trap()}))
    with pytest.raises(UserError, match=r"weights\.pth holds no plain weights"):
        torchvision("toy", gray, None, model="resnet18", weights="weights.pth")
    assert not Path("trace").exists()


WHOLE = zipped({"weight": torch.ones(300)})
FILES = {
    "empty.pth": b"",
    "text.pth": b"not found",
    "cut.pth": WHOLE[: len(WHOLE) // 2],
    "cut-legacy.pth": legacy({"weight": torch.ones(300)})[:200],
    "one-byte.pth": b"\x80",
    "without-data.pth": archive(version=b"3"),
    "without-version.pth": archive(data_pkl=b"junk"),
    "junk.pth": archive(version=b"3", data_pkl=b"junk"),
    "list.pth": zipped([torch.ones(2)]),
    "tensor.pth": zipped(torch.ones(2)),
    "checkpoint.pth": zipped({"epoch": 3, "state_dict": {"weight": torch.ones(2)}}),
    "numbered.pth": zipped({0: torch.ones(2)}),
    "nothing.pth": zipped({}),
    "empty.safetensors": b"",
    "text.safetensors": b"not found",
    "zip.safetensors": WHOLE,
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_anything_else_is_refused_in_one_line(name: str, gray: Tensor, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(FILES[name])
    with pytest.raises(UserError, match=rf"{name} holds no plain weights, a dict [^\n]+; put there [^\n]+$"):
        torchvision("toy", gray, None, model="resnet18", weights=str(tmp_path / name))


def test_what_cannot_be_read_is_said_with_why(gray: Tensor, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no weights at .* \(Is a directory\); put there"):
        torchvision("toy", gray, None, model="resnet18", weights=str(tmp_path))


@pytest.mark.parametrize("x", [torch.rand(4, 2), torch.rand(4, 2, 8, 8)])
def test_what_is_no_image_is_refused(x: Tensor) -> None:
    with pytest.raises(UserError, match="use identity"):
        torchvision("ring", x, None, model="resnet18", weights="none")


def test_safetensors_will_do(resnet: tuple[nn.Module, Path], gray: Tensor, tmp_path: Path) -> None:
    network, path = resnet
    save_file(network.state_dict(), tmp_path / "resnet18.safetensors")
    one, other = (
        torchvision("toy", gray, None, model="resnet18", weights=str(file), resize=32)
        for file in (path, tmp_path / "resnet18.safetensors")
    )
    assert torch.equal(one.extract(gray), other.extract(gray))


def test_the_file_is_named_not_copied_and_a_change_is_seen(
    resnet: tuple[nn.Module, Path], gray: Tensor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.pth").write_bytes(resnet[1].read_bytes())
    extractor = torchvision("toy", gray, None, model="resnet18", weights="mine.pth", resize=32)
    reference.write(TOY, extractor, dict.fromkeys(reference.SPLITS, gray))
    assert not (Path("artifacts/features/toy") / reference.WEIGHTS).exists()
    again, kept, _ = reference.load(TOY)
    assert again.id == extractor.id
    assert torch.equal(again.extract(gray), kept["train"])
    other = resnet[0].state_dict() | {"fc.bias": torch.ones(1000)}
    torch.save(other, "mine.pth")
    with pytest.raises(UserError, match=r"mine\.pth has sha256 .*coverseek features"):
        reference.load(TOY)
    Path("mine.pth").unlink()
    with pytest.raises(UserError, match=r"no weights at mine\.pth"):
        reference.load(TOY)


def test_every_function_says_the_class_that_is_built_again() -> None:
    from typing import get_type_hints

    for name, function in lookup.EXTRACTORS.items():
        kind = get_type_hints(function)["return"]
        assert kind.name == name
        assert issubclass(kind, lookup.Extractor)
        assert kind.stored != issubclass(kind, Frozen)


def test_an_unknown_name_is_said_with_what_there_is() -> None:
    with pytest.raises(
        UserError, match=re.escape("here: unknown 'incepton'; allowed: channel_classifier, classifier,")
    ):
        lookup.find("incepton", "here")
