"""`coverseek sample`: what it draws, what it writes, and what it refuses in one line."""

from __future__ import annotations

import csv
import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from configuration import params_text, task_entry
from PIL import Image
from torch import Tensor

from pipeline import cli, families, files, paths
from pipeline.contract import Condition, Event, GenerativeModel, Player, Task
from pipeline.data import export, prepared
from pipeline.data.conditions import luma
from pipeline.data.dataset import SPLITS, Dataset, Split
from pipeline.errors import UserError
from pipeline.paths import Cell
from pipeline.training import checkpoint, reproducible
from pipeline.training.checkpoint import Trained

PARAMS = params_text(
    {kind: task_entry("toy", 6, 6, 6) for kind in ("none", "class", "box", "segmentation", "grayscale", "points")},
    points={"toy": {"family": "toys"}, "realnvp": {"family": "flow"}},
    images={"toy": {"family": "toys"}, "ddpm": {"family": "diffusion"}},
    evaluation={"samples": 6, "draws": 1, "chunk": 3},
)
IMAGES, POINTS = Event((3, 4, 5), levels=17), Event((2,))
CONDITIONS = {
    "none": Condition(),
    "class": Condition("class", (), 10),
    "box": Condition("box", (4,)),
    "segmentation": Condition("segmentation", (4, 5), 3),
    "grayscale": Condition("grayscale", (1, 4, 5)),
    "points": Condition(),
}
MANIFEST = {"status": "ok", "family": "toys", "recipe": "toy", "hyper": {}, "sha256": "weights"}


class Toy(GenerativeModel):
    """Draws that say their condition: the first value of c, in every value of x, and noise of one level at most."""

    knob = "temperature"

    def __init__(self, task: Task) -> None:
        super().__init__()
        self.task = task

    def players(self) -> tuple[Player, ...]:
        return ()

    def sample(self, c: Tensor) -> Tensor:
        shape = self.task.event.shape
        first = c.flatten(1)[:, 0] if c.dim() > 1 and c[:1].numel() else c.reshape(len(c), -1).sum(1)
        noise = self.setting * torch.rand(len(c), *shape)
        if self.task.event.levels is None:
            return noise
        level = (first.view(-1, 1, 1, 1) + noise).clamp(0, 16)
        return level / 8 - 1


def conditions(kind: str, count: int = 6) -> np.ndarray[Any, Any]:
    rng = np.random.default_rng(0)
    low = rng.uniform(0, 0.4, (count, 2)).astype(np.float32)
    return {
        "class": rng.permutation(10)[:count],
        "box": np.concatenate([low, low + 0.5], axis=1),
        "segmentation": rng.integers(0, 3, (count, 4, 5)),
        "grayscale": rng.integers(0, 17, (count, 1, 4, 5)).astype(np.float32) / 8 - 1,
    }.get(kind, np.empty((count, 0), np.float32))


@pytest.fixture(autouse=True)
def _workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Six tasks whose cells of model `toy` are trained."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(reproducible, "seed", torch.manual_seed)  # WHY: the flags that it sets would outlive the test
    paths.PARAMS.write_text(PARAMS)
    for name, condition in CONDITIONS.items():
        event = POINTS if name == "points" else IMAGES
        x = np.zeros((6, *event.shape), np.float32 if name == "points" else np.uint8)
        prepared.write(name, "toy", Dataset(event, {s: Split(x, conditions(name)) for s in SPLITS}, condition))
    load = checkpoint.load
    monkeypatch.setattr(
        "pipeline.training.checkpoint.load",
        lambda cell, task: Trained(Toy(task), MANIFEST) if cell.model == "toy" else load(cell, task),
    )


def sample(task: str, *words: str, model: str = "toy", out: str = "out") -> files.Arrays:
    """The samples of a command that ends well."""
    with pytest.raises(SystemExit) as end:
        cli.main(["sample", "--task", task, "--model", model, "--out", out, *words])
    assert end.value.code == 0
    return files.read_npz(Path(out) / "samples.npz", "")


def refusal(capsys: pytest.CaptureFixture[str], task: str, *words: str, model: str = "toy") -> str:
    """The one line of a command that is refused and has left nothing behind."""
    capsys.readouterr()
    before = set(Path().iterdir())
    with pytest.raises(SystemExit) as end:
        cli.main(["sample", "--task", task, "--model", model, "--out", "out", *words])
    said = capsys.readouterr().err
    assert (end.value.code, said.count("\n")) == (2, 1), said
    assert set(Path().iterdir()) == before
    return said


def manifest(out: str = "out") -> dict[str, Any]:
    read: dict[str, Any] = json.loads((Path(out) / "manifest.json").read_text())
    return read


def test_a_digit_on_demand_is_a_folder_of_images_of_that_digit() -> None:
    kept = sample("class", "--condition", "7", "--count", "9")
    assert (kept["c"] == 7).all()
    assert kept["x"].shape == (9, 3, 4, 5)
    assert set(np.unique(kept["x"])) <= {7, 8}  # the model was asked for a 7
    names = sorted(path.name for path in Path("out").iterdir())
    assert names == [*(f"{k:04d}.png" for k in range(9)), "manifest.json", "samples.npz"]


def test_a_png_holds_the_samples_levels_on_the_scale_of_8_bits() -> None:
    kept = sample("class", "--count", "6")
    for place, x in enumerate(kept["x"]):
        pixels = np.asarray(Image.open(f"out/{place:04d}.png"))
        assert np.array_equal(np.rint(pixels * (16 / 255)), x.transpose(1, 2, 0))


@pytest.mark.parametrize("levels", [2, 5, 17, 256])
def test_eight_bits_keep_order_ends_and_the_nearest_value(levels: int) -> None:
    bits = export.eight_bits(np.arange(levels), levels).astype(float)
    assert (bits[0], bits[-1]) == (0, 255)
    assert np.abs(bits - np.linspace(0, 255, levels)).max() <= 0.5


def test_points_are_a_table_that_brings_each_number_back() -> None:
    kept = sample("points", "--count", "7")
    with Path("out/samples.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert np.array_equal(np.array([[row["x0"], row["x1"]] for row in rows], np.float32), kept["x"])
    assert not list(Path("out").glob("*.png"))


def test_the_same_command_gives_the_same_bytes_and_another_draw_seed_does_not() -> None:
    def bytes_of(out: str) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in Path(out).iterdir()}

    for out, draws in (("one", "3"), ("two", "3"), ("three", "4")):
        sample("class", "--draw-seed", draws, out=out)
    assert bytes_of("one") == bytes_of("two")
    assert bytes_of("one")["samples.npz"] != bytes_of("three")["samples.npz"]


def test_the_manifest_says_how_it_was_drawn() -> None:
    sample("class", "--count", "5", "--draw-seed", "2", "--knob", "0.5")
    assert manifest() == {
        "task": "class", "model": "toy", "seed": 0, "sha256": "weights", "count": 5, "draw_seed": 2,
        "knob": "temperature", "setting": 0.5,
    }  # fmt: skip


def test_the_knob_is_turned_and_1_is_the_model_as_it_was_trained() -> None:
    cold, trained = (sample("points", *words, out=out)["x"] for words, out in ((("--knob", "0.5"), "a"), ((), "b")))
    assert np.allclose(cold, trained / 2)
    assert manifest("b")["setting"] == 1


@pytest.mark.parametrize("kind", ["class", "box", "segmentation", "grayscale"])
def test_without_a_condition_those_of_the_test_split_come_in_order_and_are_cycled(kind: str) -> None:
    kept = sample(kind, "--count", "8")
    assert np.array_equal(kept["c"], np.concatenate([conditions(kind), conditions(kind)[:2]]))


@pytest.mark.parametrize("kind", ["class", "box", "segmentation", "grayscale"])
@pytest.mark.parametrize("suffix", ["npy", "npz"])
@pytest.mark.parametrize("count", [None, 1, 3])
def test_conditions_of_a_file_are_cycled(kind: str, suffix: str, count: int | None) -> None:
    c = conditions(kind)[0] if count is None else conditions(kind)[:count]
    np.save("c.npy", c) if suffix == "npy" else np.savez("c.npz", c)
    kept = sample(kind, "--condition-file", f"c.{suffix}", "--count", "7")
    every = np.asarray(c).reshape(count or 1, *CONDITIONS[kind].shape)
    assert np.array_equal(kept["c"], every[np.arange(7) % len(every)])


@pytest.mark.parametrize("kind", ["class", "box", "segmentation", "grayscale"])
def test_samples_answer_the_conditions_of_other_samples(kind: str) -> None:
    first = sample(kind, "--count", "6", out="first")
    second = sample(kind, "--count", "6", "--condition-file", "first/samples.npz", out="second")
    assert np.array_equal(first["c"], second["c"])


def test_a_box_is_four_numbers() -> None:
    kept = sample("box", "--condition", "0.1,0.2,0.5,1", "--count", "2")
    assert np.array_equal(kept["c"], np.array([[0.1, 0.2, 0.5, 1]] * 2, np.float32))


@pytest.mark.parametrize("mode", ["L", "P"])
def test_labels_are_the_grey_levels_or_palette_places_of_a_png(mode: str) -> None:
    labels = conditions("segmentation")[0].astype(np.uint8)
    image = Image.fromarray(labels)
    if mode == "P":
        image.putpalette([9, 9, 9, 200, 0, 0, 0, 200, 0])
    image.save("c.png")
    assert (sample("segmentation", "--condition-file", "c.png")["c"] == labels).all()


def test_a_grey_png_is_put_on_the_events_grid() -> None:
    levels = np.arange(20).reshape(4, 5) % 17
    Image.fromarray(export.eight_bits(levels, 17)).save("c.png")
    assert np.array_equal(
        sample("grayscale", "--condition-file", "c.png")["c"][0, 0], (levels / 8 - 1).astype(np.float32)
    )


def test_of_a_coloured_png_the_luma_counts() -> None:
    x = np.random.default_rng(0).integers(0, 256, (4, 5, 3), dtype=np.uint8)
    Image.fromarray(x).save("c.png")
    expected = IMAGES.quantise(torch.from_numpy(luma(x.transpose(2, 0, 1)[None])))
    assert np.array_equal(sample("grayscale", "--condition-file", "c.png")["c"][:1], expected.numpy())


@pytest.mark.parametrize("text", ["10", "-1", "7.0", "seven", "", "٣", "0.1,0.2,0.5,1"])
def test_a_class_out_of_range_or_of_another_kind_is_refused(capsys: pytest.CaptureFixture[str], text: str) -> None:
    said = refusal(capsys, "class", f"--condition={text}")
    assert "task class takes a class, a whole number from 0 to 9" in said


@pytest.mark.parametrize(
    "text", ["1", "0,0,1", "0,0,1,1.1", "0.5,0,0.5,1", "0.6,0,0.5,1", "-0.1,0,1,1", "nan,0,1,1", "a,b,c,d"]
)
def test_a_box_that_is_none_is_refused(capsys: pytest.CaptureFixture[str], text: str) -> None:
    assert "task box takes a box, left,top,right,bottom from 0 to 1" in refusal(capsys, "box", f"--condition={text}")


@pytest.mark.parametrize(("kind", "what"), [("segmentation", "labels"), ("grayscale", "a grey image")])
def test_what_no_word_can_say_needs_a_file(capsys: pytest.CaptureFixture[str], kind: str, what: str) -> None:
    assert f"takes --condition-file with {what}" in refusal(capsys, kind, "--condition", "1")


@pytest.mark.parametrize("words", [("--condition", "1"), ("--condition-file", "c.npy")])
def test_a_task_without_a_condition_takes_none(capsys: pytest.CaptureFixture[str], words: tuple[str, str]) -> None:
    np.save("c.npy", 1)
    assert "task none takes no condition: leave it out" in refusal(capsys, "none", *words)


@pytest.mark.parametrize(
    ("kind", "c", "what"),
    [
        ("class", np.array([1.0]), "holds float64"),
        ("class", np.array([[1]]), "has the shape 1 x 1"),
        ("class", np.array([], int), "has the shape 0"),
        ("class", np.array([1, 2, 10]), "condition 2 is out of range"),
        ("class", np.array([True]), "holds bool"),
        ("box", np.array([[0.0, 0.0, 0.5, 0.5, 1.0]]), "has the shape 1 x 5"),
        ("box", np.array([[0, 0, 1, 1], [0, 0, 1, math.nan]]), "condition 1 is out of range"),
        ("segmentation", np.zeros((5, 4), int), "has the shape 5 x 4"),
        ("segmentation", np.full((4, 5), 3), "whole numbers from 0 to 2"),
        ("segmentation", np.zeros((4, 5)), "holds float64"),
        ("grayscale", np.zeros((4, 5)), "takes --condition-file with a grey image, 1 x 4 x 5"),
        ("grayscale", np.full((1, 4, 5), 200, np.uint8), "holds uint8"),
        ("grayscale", np.full((1, 4, 5), 1.5), "real numbers from -1 to 1"),
        ("grayscale", np.full((1, 4, 5), math.nan), "real numbers from -1 to 1"),
    ],
)
def test_a_file_that_does_not_fit_says_what_fits(
    capsys: pytest.CaptureFixture[str], kind: str, c: np.ndarray[Any, Any], what: str
) -> None:
    np.save("c.npy", c)
    said = refusal(capsys, kind, "--condition-file", "c.npy")
    assert said.startswith("coverseek: c.npy")
    assert what in said
    assert f"task {kind} takes" in said


def test_more_conditions_than_samples_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    np.save("c.npy", np.arange(5))
    assert "holds 5 conditions, and --count is 4" in refusal(
        capsys, "class", "--condition-file", "c.npy", "--count", "4"
    )


@pytest.mark.parametrize("mode", ["RGB", "LA"])
def test_a_png_of_another_mode_is_no_label_map(capsys: pytest.CaptureFixture[str], mode: str) -> None:
    Image.new(mode, (5, 4)).save("c.png")
    assert f"has the mode {mode}" in refusal(capsys, "segmentation", "--condition-file", "c.png")


@pytest.mark.parametrize("kind", ["segmentation", "grayscale"])
def test_a_png_of_another_size_is_refused(capsys: pytest.CaptureFixture[str], kind: str) -> None:
    Image.new("L", (4, 5)).save("c.png")
    assert "5 x 4: task" in refusal(capsys, kind, "--condition-file", "c.png")


@pytest.mark.parametrize("name", ["c.png", "c.npy", "c.npz", "c.jpg", "c.csv", "folder.npy"])
@pytest.mark.parametrize("content", [None, b"", b"not what its name says", b"\x89PNG\r\n\x1a\n", b"PK\x03\x04"])
def test_a_missing_or_damaged_file_is_named(
    capsys: pytest.CaptureFixture[str], name: str, content: bytes | None
) -> None:
    if name.startswith("folder"):
        Path(name).mkdir(exist_ok=True)
    elif content is not None:
        Path(name).write_bytes(content)
    assert name in refusal(capsys, "grayscale", "--condition-file", name)


def test_a_pickle_is_never_loaded(capsys: pytest.CaptureFixture[str]) -> None:
    np.save("c.npy", np.array([{}]), allow_pickle=True)
    assert "holds a pickle" in refusal(capsys, "class", "--condition-file", "c.npy")


def test_an_npz_of_many_arrays_must_name_the_conditions(capsys: pytest.CaptureFixture[str]) -> None:
    np.savez("c.npz", a=np.arange(2), b=np.arange(2))
    assert "c.npz holds a, b: name the array c" in refusal(capsys, "class", "--condition-file", "c.npz")


def test_a_word_and_a_file_are_one_too_many(capsys: pytest.CaptureFixture[str]) -> None:
    np.save("c.npy", 1)
    assert "leave one out" in refusal(capsys, "class", "--condition", "1", "--condition-file", "c.npy")


@pytest.mark.parametrize("knob", ["0", "-1", "nan", "inf", "1e9"])
def test_a_knob_beyond_its_range_is_refused(capsys: pytest.CaptureFixture[str], knob: str) -> None:
    said = refusal(capsys, "class", f"--knob={knob}")
    assert "temperature of toy is a number from 0.01 to 100" in said


def test_a_model_without_a_knob_has_none_to_turn(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Toy, "knob", None)
    assert "model toy has no knob: leave --knob out" in refusal(capsys, "class", "--knob", "0.8")


def test_guidance_without_a_condition_is_refused(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Toy, "knob", "guidance")
    assert "task none has none: leave --knob out" in refusal(capsys, "none", "--knob", "2")


def test_unknown_names_are_suggested(capsys: pytest.CaptureFixture[str]) -> None:
    assert "did you mean class" in refusal(capsys, "clas")
    assert "did you mean toy" in refusal(capsys, "class", model="tay")


def test_a_cell_that_is_not_trained_names_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    said = refusal(capsys, "class", "--seed", "4", model="ddpm")
    assert "make it with: coverseek train --task class --model ddpm --seed 4" in said


def test_a_diverged_cell_has_nothing_to_sample(capsys: pytest.CaptureFixture[str]) -> None:
    checkpoint.save(Cell("class", "ddpm", 0), None, MANIFEST | {"status": "diverged"})
    assert "class-ddpm-0 diverged in training" in refusal(capsys, "class", model="ddpm")


def test_a_folder_that_holds_anything_is_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    Path("out").mkdir()
    Path("out/mine").write_text("mine")
    assert "--out out is there already: name a folder that is new or empty" in refusal(capsys, "class")
    assert [path.name for path in Path("out").iterdir()] == ["mine"]


def test_an_empty_folder_is_filled() -> None:
    Path("out").mkdir()
    assert len(sample("class", "--count", "3")["x"]) == 3


def test_a_folder_that_cannot_be_made_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    Path("file").touch()
    assert "--out file/out cannot be written" in refusal(capsys, "class", "--out", "file/out")


def test_a_fault_while_writing_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise UserError("full")

    monkeypatch.setattr(export, "_images", fail)
    before = set(Path().iterdir())
    with pytest.raises(SystemExit):
        cli.main(["sample", "--task", "class", "--model", "toy", "--out", "out"])
    assert set(Path().iterdir()) == before


def test_a_sample_that_is_not_finite_is_refused(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Toy, "sample", lambda self, c: torch.full((len(c), 3, 4, 5), math.nan))
    said = refusal(capsys, "class", "--knob", "2")
    assert "sample 0 is not finite" in said
    assert said.endswith(": turn --knob nearer to 1\n")


def test_a_cell_on_disk_is_drawn_from() -> None:
    task, hyper = Task("points", POINTS), {"layers": 2, "width": 8, "depth": 1, "octaves": 1}
    model = families.build(task, "flow", "realnvp", hyper).eval()
    checkpoint.save(
        Cell("points", "realnvp", 0), model, MANIFEST | {"family": "flow", "recipe": "realnvp", "hyper": hyper}
    )
    kept = sample("points", "--count", "4", "--draw-seed", "5", "--knob", "0.9", model="realnvp")
    model.setting = 0.9
    torch.manual_seed(5)
    with torch.no_grad():
        drawn = torch.cat([model.sample(torch.empty(count, 0)) for count in (3, 1)])
    assert np.array_equal(kept["x"], drawn.numpy())
    assert manifest()["sha256"] == files.sha256(paths.trained(Cell("points", "realnvp", 0)) / checkpoint.WEIGHTS)


def test_the_command_line_starts_without_a_heavy_import() -> None:
    code = "import sys, pipeline.cli; print({'torch', 'numpy', 'PIL', 'pydantic'} & sys.modules.keys())"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "set()"
