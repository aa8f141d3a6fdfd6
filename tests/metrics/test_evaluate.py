"""The stages features and evaluate, from prepared data to the three files of a cell."""

import json
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from configuration import params_text, task_entry
from gaussian import Gaussian
from torch import Tensor

from pipeline import files
from pipeline.contract import GenerativeModel
from pipeline.data import prepared
from pipeline.errors import UserError
from pipeline.families.control.stored_items import Real
from pipeline.metrics.judges import fitting
from pipeline.stages import evaluate, features, prepare
from pipeline.training import reproducible
from pipeline.training.checkpoint import Trained

CLASSIFIER = {"name": "classifier", "width": 2, "features": 4, "steps": 5}
PARAMS = params_text(
    {
        "ring": task_entry("ring", 300, 20, 100, sigma=0.1),
        "digits": task_entry("digits", 200, 20, 40, extractor=CLASSIFIER),
        "digits_class": task_entry("digits", 200, 20, 40, condition="class", extractor=CLASSIFIER),
        "digits_box": task_entry("digits", 200, 20, 40, condition="box", extractor=CLASSIFIER),
        "typo": task_entry("ring", 10, 10, 10, sigma=0.1, extractor="identiy"),
    },
    evaluation={
        "points": {"samples": 50, "draws": 2, "chunk": 20},
        "images": {"samples": 30, "draws": 2, "chunk": 20, "neighbours": 1, "conditions": 6, "repeats": 3},
        "many": {"samples": 50, "modes": 90, "draws": 2, "chunk": 20},
    },
)


@pytest.fixture(autouse=True)
def _workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(reproducible, "seed", torch.manual_seed)  # WHY: the flags that it sets would outlive the test
    Path("params.yaml").write_text(PARAMS)


def trained(monkeypatch: pytest.MonkeyPatch, model: GenerativeModel | None, **more: Any) -> None:
    counts = {"parameters": 7, "operations": 5, "steps": 3}
    manifest = {"task": "ring", "model": "toy", "family": "toys", "seed": 4, "status": "ok", **counts, **more}
    monkeypatch.setattr("pipeline.training.checkpoint.load", lambda cell, task: Trained(model, manifest))


def written(task: str) -> tuple[dict[str, Any], dict[str, Any], files.Arrays]:
    metrics = json.loads(Path(f"artifacts/metrics/{task}-toy-4.json").read_text())
    times = json.loads(Path(f"artifacts/times/evaluate/{task}-toy-4.json").read_text())
    return metrics, times, files.read_npz(Path(f"artifacts/samples/{task}-toy-4.npz"), "")


@pytest.mark.parametrize(("task", "shape", "kept"), [("ring", (2,), np.float32), ("digits", (1, 8, 8), np.uint8)])
def test_a_cell_is_measured(
    monkeypatch: pytest.MonkeyPatch, task: str, shape: tuple[int, ...], kept: type
) -> None:  # fmt: skip
    trained(monkeypatch, Gaussian(shape))
    prepare.main(task)
    features.main(task)
    evaluate.main(task, "toy", 4)
    metrics, times, samples = written(task)
    assert {k: metrics[k] for k in ("model", "family", "seed", "condition", "status")} == {
        "model": "toy", "family": "toys", "seed": 4, "condition": "none", "status": "ok",
    }  # fmt: skip
    assert {"precision", "parameters", "nats" if task == "ring" else "bits_per_dim"} <= set(metrics["metrics"])
    assert set(times["metrics"]) == {"sample_seconds_per_1000", "likelihood_seconds_per_1000", "evaluate_seconds"}
    counts = {f"{way}_{what}" for way in ("sample", "likelihood") for what in ("flops", "depth")}
    assert counts <= set(metrics["metrics"])
    assert metrics["metrics"]["train_flops"]["value"] == 15
    assert metrics["metrics"]["likelihood_depth"]["kind"] == "counted (exact)"
    assert set(samples) == {"x", "c", "log_p"}
    assert samples["x"].shape == (50 if task == "ring" else 30, *shape)
    assert samples["x"].dtype == kept
    before = Path(f"artifacts/metrics/{task}-toy-4.json").read_bytes(), samples["x"]
    evaluate.main(task, "toy", 4)
    assert Path(f"artifacts/metrics/{task}-toy-4.json").read_bytes() == before[0]
    assert np.array_equal(written(task)[2]["x"], before[1])


def test_the_likelihoods_of_a_file_are_those_of_the_metric(monkeypatch: pytest.MonkeyPatch) -> None:
    """Their mean is the metric, of as many items as the test split has, in its order; also from the memo."""
    trained(monkeypatch, Gaussian((2,)))
    prepare.main("ring")
    features.main("ring")
    for _ in range(2):
        evaluate.main("ring", "toy", 4)
        metrics, _, samples = written("ring")
        x, c = prepared.load("ring").test
        assert samples["log_p"].dtype == np.float32
        np.testing.assert_allclose(samples["log_p"], Gaussian((2,)).log_prob(x, c), rtol=1e-6)
        assert samples["log_p"].mean() == pytest.approx(metrics["metrics"]["nats"]["value"], rel=1e-6)


@pytest.mark.parametrize("same", [True, False])
def test_a_cell_says_whether_its_seeds_are_replications(monkeypatch: pytest.MonkeyPatch, same: bool) -> None:
    """Of the 20 validation items, or of more than twice as many as are drawn."""
    prepare.main("ring")
    features.main("ring")
    held = prepared.load("ring").validation[0][:20] if same else torch.randn(200, 2)
    model = Real()
    model.calibrate([], [(held, torch.empty(len(held), 0))])
    trained(monkeypatch, model)
    evaluate.main("ring", "toy", 4)
    assert written("ring")[0]["replicated"] is not same


def test_a_task_may_count_modes_in_more_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = yaml.safe_load(PARAMS)
    trained(monkeypatch, Gaussian((2,)))
    for evaluation, fake in ((None, 50), ("many", 90)):
        settings["tasks"]["ring"]["evaluation"] = evaluation
        Path("params.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
        prepare.main("ring")
        features.main("ring")
        evaluate.main("ring", "toy", 4)
        metrics, _, samples = written("ring")
        assert metrics["metrics"]["modes_hit"]["protocol"] == f"fake n={fake}, 8 modes, 3 sigma"
        assert metrics["metrics"]["precision"]["protocol"] == "test n=50, fake n=50, identity, k=3, closed balls"
        assert len(samples["x"]) == 50


class Delayed(Gaussian):
    """The third batch waits, as when another process takes the processor."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__(shape)
        self.drawn = 0

    def sample(self, c: Tensor) -> Tensor:
        self.drawn += 1
        if self.drawn == 3:
            time.sleep(0.5)
        return super().sample(c)


def test_seconds_are_medians_that_one_delay_does_not_move(monkeypatch: pytest.MonkeyPatch) -> None:
    trained(monkeypatch, Delayed((2,)))
    prepare.main("ring")
    features.main("ring")
    evaluate.main("ring", "toy", 4)
    _, times, _ = written("ring")
    assert times["metrics"]["sample_seconds_per_1000"]["value"] < 1000 * 0.5 / 50
    assert times["metrics"]["sample_seconds_per_1000"]["protocol"].endswith("median over batches")
    assert times["metrics"]["evaluate_seconds"]["value"] > 0.5


OBEDIENCE = {"class": "class_accuracy", "box": "box_iou"}


@pytest.mark.parametrize(("kind", "shape"), [("class", ()), ("box", (4,))])
def test_a_cell_with_a_condition_is_judged_and_its_repeated_samples_are_kept(
    monkeypatch: pytest.MonkeyPatch, kind: str, shape: tuple[int, ...]
) -> None:
    monkeypatch.setattr(fitting, "fit", partial(fitting.fit, steps=5))
    trained(monkeypatch, Gaussian((1, 8, 8)))
    prepare.main(f"digits_{kind}")
    features.main(f"digits_{kind}")
    evaluate.main(f"digits_{kind}", "toy", 4)
    metrics, _, samples = written(f"digits_{kind}")
    name = OBEDIENCE[kind]
    assert {name, f"{name}_ceiling", f"{name}_floor", "conditional_diversity"} <= set(metrics["metrics"])
    assert ("conditional_precision" in metrics["metrics"]) == (kind == "class")
    assert samples["repeated"].shape == (6, 3, 1, 8, 8)
    assert samples["repeated"].dtype == np.uint8
    assert samples["repeated_c"].shape == (6, *shape)


def test_the_extractor_of_images_is_described(monkeypatch: pytest.MonkeyPatch) -> None:
    prepare.main("digits")
    features.main("digits")
    folder = Path("artifacts/features/digits")
    description = json.loads((folder / "extractor.json").read_text())
    assert description["id"].startswith("digits-classifier@")
    assert "judges" not in description
    assert set(description["accuracy"]) == {"train", "validation", "test"}
    assert files.read_npz(folder / "reference.npz", "")["test"].shape == (40, 4)


def test_held_out_items_are_measured_without_replacement(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where seconds are taken of several batches: an item that comes twice would lower what is the ceiling."""
    Path("params.yaml").write_text(PARAMS.replace("validation: 20, test: 100", "validation: 50, test: 100"))
    prepare.main("ring")
    features.main("ring")
    model = Real()
    model.calibrate([], [prepared.load("ring").validation])
    trained(monkeypatch, model)
    evaluate.main("ring", "toy", 4)
    assert len(np.unique(written("ring")[2]["x"], axis=0)) == 50


def test_a_diverged_cell_has_a_status_and_no_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    trained(monkeypatch, None, status="diverged", diverged={"step": 12, "player": "critic"})
    prepare.main("ring")
    evaluate.main("ring", "toy", 4)
    metrics, times, samples = written("ring")
    assert (metrics["status"], metrics["diverged"]) == ("diverged", {"step": 12, "player": "critic"})
    assert metrics["metrics"] == {}
    assert times["metrics"].keys() == {"evaluate_seconds"}
    assert samples["x"].shape == (0, 2)


def test_an_unknown_extractor_is_named() -> None:
    prepare.main("typo")
    with pytest.raises(UserError, match=r"tasks\.typo\.extractor\.name: unknown 'identiy'.*did you mean identity"):
        features.main("typo")
    assert not Path("artifacts/features/typo").exists()


def test_missing_features_name_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    trained(monkeypatch, Gaussian((2,)))
    prepare.main("ring")
    with pytest.raises(UserError, match="coverseek features --task ring"):
        evaluate.main("ring", "toy", 4)
