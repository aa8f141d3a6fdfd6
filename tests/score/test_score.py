"""`coverseek score`: samples of another implementation are measured as those of a model here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from safetensors.numpy import save_file
from torch import Tensor

from pipeline import files, paths
from pipeline.contract import Bounded, GenerativeModel, Player
from pipeline.data import export, prepared
from pipeline.data.dataset import unconditional
from pipeline.items import CompactItems
from pipeline.metrics.evaluation import draws
from pipeline.metrics.evaluation.draws import draw
from pipeline.params import Evaluation, load
from pipeline.results import external
from pipeline.stages import prepare
from pipeline.stages.evaluate import evaluate

if TYPE_CHECKING:
    from tests.score.conftest import Score

TASKS = ("ring", "digits", "digits_class", "digits_box")


class Noise(GenerativeModel):
    """A sampler as any other: levels or points that lie around its condition."""

    def __init__(self, levels: int | None, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.levels, self.shape = levels, shape

    def players(self) -> tuple[Player, ...]:
        return ()

    def sample(self, c: Tensor) -> Tensor:
        start = c.view(-1, 1, 1, 1) if c.dim() == 1 else 0
        if self.levels is None:
            return torch.randn(len(c), *self.shape)
        return (torch.randint(0, 8, (len(c), *self.shape)) + start) * (2 / (self.levels - 1)) - 1


class Bound(Noise, Bounded):
    """And says how likely an item is by its mean."""

    def elbo(self, x: Tensor, c: Tensor) -> Tensor:
        return x.flatten(1).mean(dim=1) - 100


def settings(kind: str) -> Evaluation:
    return Evaluation(**load().evaluation[kind].model_dump())


@pytest.fixture
def noise(score: Score) -> dict[str, Noise]:
    events = {task: score.data(task).task.event for task in TASKS}
    return {task: Noise(event.levels, event.shape) for task, event in events.items()}


def written(score: Score, model: Noise, task: str, count: int, folder: str) -> None:
    """What `coverseek sample` writes, without --condition."""
    data = score.data(task)
    event = data.task.event
    x, c = draw(model, event, data.test[1], count=count, chunk=20)
    Path(folder).mkdir()
    export.write(Path(folder), event, (x if event.levels is None else event.index(x).byte()).numpy(), c.numpy())
    files.write_json(Path(folder) / "manifest.json", {"task": task})


@pytest.mark.parametrize("task", TASKS)
def test_same_samples_same_protocol_same_numbers(score: Score, noise: dict[str, Noise], task: str) -> None:
    data, kind = score.data(task), score.data(task).task.event.kind
    torch.manual_seed(3)
    drawn, metrics, *_ = evaluate(noise[task], data, settings(kind), seed=0)
    np.savez("again.npz", **{name: value.numpy() for name, value in drawn.items()})
    score("again.npz", *(["--range", "0,16"] if kind == "images" else []), task=task)
    assert score.record("again", task)["metrics"] == metrics
    assert ("conditional_diversity" in metrics) == (task in ("digits_class", "digits_box"))


def test_data_larger_than_memory_are_scored_as_others(
    score: Score, noise: dict[str, Noise], monkeypatch: pytest.MonkeyPatch
) -> None:
    written(score, noise["digits_class"], "digits_class", 40, "drawn")
    score("drawn", task="digits_class")
    small = score.record("drawn", "digits_class")["metrics"]
    monkeypatch.setattr(prepared, "LARGE", 0)
    monkeypatch.setattr(draws, "LARGE", 0)
    prepare.main("digits_class")
    assert isinstance(score.data("digits_class").test[0], CompactItems)
    score("drawn", task="digits_class")
    assert score.record("drawn", "digits_class")["metrics"] == small


@pytest.mark.parametrize("task", TASKS)
def test_what_sample_writes_score_reads(score: Score, noise: dict[str, Noise], task: str) -> None:
    written(score, noise[task], task, 40, "drawn")
    score("drawn", task=task)
    kept = files.read_npz(Path("drawn/samples.npz"), "")
    np.savez("kept.npz", **kept)
    score("kept.npz", *(["--range", "0,16"] if task != "ring" else []), task=task)
    assert score.record("drawn", task)["metrics"] == score.record("kept", task)["metrics"]


def test_every_format_holds_the_same_samples(score: Score) -> None:
    levels = score.levels()
    Path("pngs").mkdir()
    for place, image in enumerate(export.eight_bits(levels, 17)):
        Image.fromarray(image[0]).save(f"pngs/{place:04d}.png")
    np.save("bits.npy", export.eight_bits(levels, 17))
    np.save("fortran.npy", np.asfortranarray(export.eight_bits(levels, 17)))
    np.savez_compressed("deflated.npz", levels)
    save_file({"x": levels.astype(np.float32) / 16}, "tensors.safetensors")
    ranges = {
        "pngs": (),
        "bits.npy": (),
        "fortran.npy": (),
        "deflated.npz": ("--range", "0,16"),
        "tensors.safetensors": ("--range=0,1",),
    }
    for path, words in ranges.items():
        score(path, *words)
    found = [score.record(Path(path).stem) for path in ranges]
    assert all(record["metrics"] == found[0]["metrics"] for record in found)
    assert all((record["trust"], record["rounded"], record["count"]) == ("re-scored", 0, 30) for record in found)


def test_samples_under_classes_may_come_in_any_order(score: Score, noise: dict[str, Noise]) -> None:
    data = score.data("digits_class")
    x, c = draw(noise["digits_class"], data.task.event, data.test[1], count=30, chunk=30)
    order = torch.randperm(30)
    Path("pngs").mkdir()
    for place, image in enumerate(export.eight_bits(data.task.event.index(x[order]).numpy(), 17)):
        Image.fromarray(image[0]).save(f"pngs/{place:04d}.png")
    np.save("pngs/c.npy", c[order].numpy())
    np.savez("sorted.npz", x=data.task.event.index(x).numpy(), c=c.numpy())
    score("pngs", task="digits_class")
    score("sorted.npz", "--range", "0,16", task="digits_class")
    one, other = (score.record(name, "digits_class")["metrics"] for name in ("pngs", "sorted"))
    assert one["class_accuracy"] == other["class_accuracy"]
    assert "conditional_diversity" not in one  # one sample under a condition has no variety


def test_numbers_in_file_names_are_read_in_their_own_order(score: Score, noise: dict[str, Noise]) -> None:
    data = score.data("digits_class")
    x, c = draw(noise["digits_class"], data.task.event, data.test[1], count=30, chunk=30)
    for folder, style in (("padded", "{:04d}.png"), ("plain", "{}.png")):
        Path(folder).mkdir()
        np.save(f"{folder}/c.npy", c.numpy())
        for place, image in enumerate(export.eight_bits(data.task.event.index(x).numpy(), 17)):
            Image.fromarray(image[0]).save(f"{folder}/{style.format(place)}")
    assert "Order of the files" not in score("padded", task="digits_class")
    words = "numbers in names count as numbers: file 3 is 2.png, and not 10.png as in the order of the letters"
    assert words in score("plain", task="digits_class")
    padded, plain = (score.record(name, "digits_class") for name in ("padded", "plain"))
    assert plain["metrics"] == padded["metrics"]
    assert plain["order"] == words


def test_the_training_set_is_seen_to_be_memorised(score: Score) -> None:
    np.save("copies.npy", score.levels("train"))
    said = score("copies.npy", "--range", "0,16")
    assert score.record("copies")["metrics"]["authenticity"]["value"] == 0
    assert "Memorisation: 100.0% of the samples" in said
    assert "30 of 200 samples were used: the first." in said


def test_reported_likelihoods_are_the_models_own_under_another_kind(score: Score) -> None:
    data = score.data()
    model = Bound(17, (1, 8, 8))
    torch.manual_seed(3)
    drawn, metrics, *_ = evaluate(model, data, settings("images"), seed=0)
    np.save("x.npy", drawn["x"].numpy())
    nats = -model.elbo(*data.test)
    Path("nll.csv").write_text("\n".join(["nats", *(repr(float(value)) for value in nats)]))
    score("x.npy", "--range", "0,16", "--nll", "nll.csv")
    found = score.record("x")
    assert found["metrics"].pop("bits_per_dim") == metrics.pop("bits_per_dim") | {"kind": "reported"}
    del metrics["elbo"]
    assert found["metrics"] == metrics
    assert {"trust": "re-scored", "nll_sha256": files.sha256(Path("nll.csv"))}.items() <= found.items()


@pytest.mark.parametrize(("unit", "value"), [("nats", 64 * np.log(2)), ("bits", 64.0), ("bits_per_dim", 1.0)])
def test_log_likelihoods_come_in_the_unit_that_the_header_names(score: Score, unit: str, value: float) -> None:
    Path("nll.csv").write_text("\n".join([unit, *[repr(float(value))] * 40]) + "\n")
    score("--nll", "nll.csv")
    found = score.record("nll")
    assert found["trust"] == "reported"
    assert list(found["metrics"]) == ["bits_per_dim"]
    assert found["metrics"]["bits_per_dim"]["value"] == pytest.approx(1)


def test_on_points_likelihoods_alone_give_the_divergence_too(score: Score) -> None:
    Path("nll.csv").write_text("\n".join(["nats", *["2.5"] * 40]))
    score("--nll", "nll.csv", task="ring")
    found = score.record("nll", "ring")["metrics"]
    assert found.keys() == {"nats", "kl_pq"}
    assert found["nats"]["value"] == -2.5
    assert {metric["kind"] for metric in found.values()} == {"reported"}


def test_a_table_of_metrics_is_quoted(score: Score) -> None:
    Path("paper.csv").write_text("metric,value\nfrechet,3.5\nbits_per_dim,1.75\n")
    score("paper.csv")
    found = score.record("paper")
    assert (found["trust"], found["metrics"]["frechet"]["value"]) == ("reported", 3.5)
    assert {(m["kind"], m["protocol"]) for m in found["metrics"].values()} == {("quoted", "as quoted")}


def test_values_between_two_levels_are_rounded_only_where_that_is_asked_for(score: Score) -> None:
    np.save("soft.npy", score.levels().astype(np.float32) + 0.25 * (score.levels() < 16))
    assert "--round" in score.refused("soft.npy", "--range", "0,16")
    np.save("hard.npy", score.levels())
    assert "were rounded" in score("soft.npy", "--range", "0,16", "--round")
    score("hard.npy", "--range", "0,16")
    assert score.record("soft")["metrics"] == score.record("hard")["metrics"]
    assert score.record("soft")["rounded"] > 0.5


def test_scoring_a_name_again_replaces_it_and_removing_it_leaves_nothing(score: Score) -> None:
    for split in ("test", "train"):
        np.save("x.npy", score.levels(split))
        score("x.npy", "--range", "0,16", "--name", "mine")
    assert score.record("mine")["sha256"] == files.sha256(Path("x.npy"))
    score("--remove", "mine")
    assert not list(Path("reports/scored").iterdir())
    assert "nothing of that name is scored" in score.refused("--remove", "mine")


def test_samples_are_kept_as_a_small_sheet_and_numbers_alone_have_none(score: Score) -> None:
    np.save("x.npy", score.levels())
    np.save("p.npy", score.levels(task="ring"))
    score("x.npy", "--range", "0,16", "--name", "mine")
    score("p.npy", task="ring")
    with Image.open(external.sheet("digits", "mine")) as images, Image.open(external.sheet("ring", "p")) as points:
        assert images.size == (5 * 9 + 1, 4 * 9 + 1)  # five samples in a row, two rows, each above its neighbours
        assert points.size == (64, 64)
    Path("paper.csv").write_text("metric,value\nfrechet,3.5\n")
    score("paper.csv", "--name", "mine")
    assert not external.sheet("digits", "mine").exists()


def test_the_record_names_no_place_on_this_machine(score: Score, workspace: Path) -> None:
    np.save("x.npy", score.levels())
    score(str(workspace / "x.npy"), "--range", "0,16")
    assert str(workspace) not in json.dumps(score.record("x"))


def test_a_condition_that_nothing_answers_is_refused(score: Score) -> None:
    np.savez("x.npz", x=score.levels(), c=np.zeros(40, np.int64))
    assert "no sample left that was made under a condition" in score.refused(
        "x.npz", "--range", "0,16", task="digits_class"
    )


def test_a_task_is_measured_by_its_own_evaluation(score: Score) -> None:
    settings = yaml.safe_load(paths.PARAMS.read_text(encoding="utf-8"))
    settings["evaluation"]["few"] = {"samples": 20, "draws": 2, "chunk": 20, "modes": 25}
    settings["tasks"]["digits"]["evaluation"] = "few"
    paths.PARAMS.write_text(yaml.safe_dump(settings), encoding="utf-8")
    np.save("x.npy", score.levels())
    score("x.npy", "--range", "0,16")
    found = score.record("x")
    assert found["count"] == 25  # as many as modes are counted in
    assert ", fake n=20, " in found["metrics"]["frechet"]["protocol"]


def test_a_task_without_a_condition_takes_the_empty_one(score: Score) -> None:
    np.savez("x.npz", x=score.levels(), c=unconditional(40))
    score("x.npz", "--range", "0,16")
    assert score.record("x")["condition"] == "none"
