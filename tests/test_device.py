"""A device by one setting: what is not there is named with what is; the CPU's words and hashes stay what they are."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from pipeline import device as devices
from pipeline import hardware, params
from pipeline.cli import main
from pipeline.errors import UserError
from pipeline.import_closure import Sources
from pipeline.stages import plan

REAL = Path(__file__).parents[1] / "params.yaml"
CPU = torch.device("cpu")


@pytest.fixture
def _two_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "available", lambda: ["cuda:0", "cuda:1", "cpu"])


@pytest.mark.usefixtures("_two_gpus")
@pytest.mark.parametrize(
    ("setting", "name"), [("auto", "cuda:0"), ("cuda", "cuda:0"), ("cuda:1", "cuda:1"), ("cpu", "cpu")]
)
def test_a_setting_names_a_device(setting: str, name: str) -> None:
    assert devices.find(setting) == name


@pytest.mark.usefixtures("_two_gpus")
def test_a_device_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(UserError, match=r"^device cuda:2 is not on this machine; there is: cuda:0, cuda:1, cpu$"):
        devices.resolve("cuda:2")


def test_auto_takes_the_cpu_where_there_is_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "available", lambda: ["cpu"])
    assert devices.resolve("auto") == CPU


def test_the_variable_takes_the_place_of_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = params.load(REAL)
    monkeypatch.delenv(params.DEVICE_VARIABLE, raising=False)
    assert settings.device == settings.hardware.device == "cpu"
    monkeypatch.setenv(params.DEVICE_VARIABLE, "cuda:1")
    assert settings.device == "cuda:1"
    monkeypatch.setenv(params.DEVICE_VARIABLE, "gpu")
    with pytest.raises(UserError, match="COVERSEEK_DEVICE: 'gpu'; allowed: auto, cpu, cuda, cuda:N, mps"):
        _ = settings.device


def test_a_word_that_names_no_device_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["run", "--device", "gpu"])
    assert end.value.code == 2
    assert capsys.readouterr().err == "coverseek: --device: 'gpu'; allowed: auto, cpu, cuda, cuda:N, mps\n"


def test_the_device_is_hashed_for_what_runs_on_it_where_it_is_not_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = params.load(REAL)
    monkeypatch.setattr(Sources, "hash", lambda self, modules: "code")

    def hashes(word: str) -> dict[str, object]:
        monkeypatch.setenv(params.DEVICE_VARIABLE, word)
        return plan.parameters(settings)

    cpu, first, second = (hashes(word) for word in ("cpu", "cuda", "cuda:1"))
    assert first == second
    assert {stage for stage in cpu if cpu[stage] != first[stage]} == {"features", "train", "evaluate", "sweep"}


def test_times_name_the_device_where_it_is_not_the_cpu() -> None:
    cpu = hardware.timed({"train_seconds": (1.0, "measured")})
    gpu = hardware.timed({"train_seconds": (1.0, "measured")}, hardware.MEDIAN, "NVIDIA H200")
    assert "device" not in cpu["hardware"]
    assert cpu["metrics"]["train_seconds"]["protocol"] == "wall clock, 1 thread, other cells on the other cores"
    assert gpu["hardware"] == cpu["hardware"] | {"device": "NVIDIA H200"}
    words = "wall clock, NVIDIA H200, synchronised, median over batches"
    assert gpu["metrics"]["train_seconds"]["protocol"] == words


def test_draws_within_the_block_do_not_move_the_stream() -> None:
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    with devices.preserved_random_states(CPU):
        torch.manual_seed(1)
        torch.rand(5)
    assert torch.equal(torch.rand(3), expected)
