"""What binarised MNIST promises: two levels; static is the same for everybody, dynamic is drawn anew while training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from pipeline.data import prepared
from pipeline.data.binarized_mnist import FILES, dynamic_mnist, static_mnist
from pipeline.data.dataset import SPLITS, Sizes
from pipeline.data.torchvision_datasets import mnist
from pipeline.errors import UserError
from pipeline.training.batches import shuffled

SIZES = Sizes(12, 5, 6)


@pytest.fixture
def fixed(tmp_path: Path) -> Path:
    """Images of which the first five pixels spell their number in binary: 0 .. 13, 14 .. 19, 20 .. 26."""
    (tmp_path / "binarized_mnist").mkdir()
    for name, part in zip(FILES, np.split(np.arange(27), [14, 20]), strict=True):
        bits = np.zeros((len(part), 784), int)
        bits[:, :5] = part[:, None] >> np.arange(5) & 1
        lines = [" ".join(map(str, row)) + " \n" for row in bits]
        (tmp_path / "binarized_mnist" / name).write_text("".join(lines))
    return tmp_path


def test_static_images_are_those_of_the_files_in_their_own_splits(fixed: Path) -> None:
    dataset = static_mnist(SIZES, 0, data_root=fixed)
    assert (dataset.event.shape, dataset.event.levels) == ((1, 28, 28), 2)
    for split, known in zip(SPLITS, (range(14), range(14, 20), range(20, 27)), strict=True):
        x = dataset.splits[split].x.reshape(-1, 784)
        seen = (x[:, :5] << np.arange(5)).sum(axis=1).tolist()
        assert len(set(seen)) == len(seen) == getattr(SIZES, split)
        assert set(seen) <= set(known)
        assert dataset.splits[split].intensity is None


def test_static_files_are_checked(fixed: Path) -> None:
    path = fixed / "binarized_mnist" / FILES[1]
    text = path.read_text()
    for damaged in (text[:-4], text.replace("1", "2"), text.replace("0", "x"), ""):
        path.write_text(damaged)
        with pytest.raises(UserError, match=f"{FILES[1]} is damaged"):
            static_mnist(SIZES, 0, data_root=fixed)
    path.unlink()
    with pytest.raises(UserError, match=f"{FILES[1]} is missing: .*by hand, from http://www.cs.toronto.edu/"):
        static_mnist(SIZES, 0, data_root=fixed)


def test_dynamic_images_have_two_levels_and_the_training_split_keeps_its_intensities(root: Path) -> None:
    dataset, source = (make(SIZES, 3, data_root=root, condition="class") for make in (dynamic_mnist, mnist))
    assert dataset.event.levels == 2
    for name in SPLITS:
        x, intensity = dataset.splits[name].x, source.splits[name].x
        assert set(np.unique(x)) == {0, 1}
        assert (x[intensity == 0] == 0).all()
        assert (x[intensity == 255] == 1).all()
        assert dataset.splits[name].c.tolist() == source.splits[name].c.tolist()
    assert np.array_equal(dataset.splits["train"].intensity, source.splits["train"].x)
    assert dataset.splits["validation"].intensity is dataset.splits["test"].intensity is None


def test_dynamic_draws_have_the_intensity_as_their_mean(root: Path) -> None:
    draws, source = (
        np.stack([make(Sizes(1, 1, 8), seed, data_root=root).splits["test"].x for seed in range(20)]) / scale
        for make, scale in ((dynamic_mnist, 1), (mnist, 255))
    )  # (20, 8, 1, 28, 28)
    noise = np.sqrt((source * (1 - source)).mean() / source.size)
    assert abs((draws - source).mean()) < 4 * noise
    dark = source < 0.1
    assert draws[dark].mean() == pytest.approx(source[dark].mean(), abs=0.005)


def test_the_seed_decides(root: Path) -> None:
    one, again, other = (dynamic_mnist(SIZES, seed, data_root=root) for seed in (0, 0, 1))
    for name in SPLITS:
        assert np.array_equal(one.splits[name].x, again.splits[name].x)
        assert not np.array_equal(one.splits[name].x, other.splits[name].x)


def test_only_training_sees_the_intensities(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every split that is loaded is binary; batches with the intensities are binary too, and each time others."""
    monkeypatch.chdir(root)
    prepared.write("toy", "dynamic_mnist", dynamic_mnist(SIZES, 0, data_root=root))
    data = prepared.load("toy")
    assert data.intensity is not None
    for x, _ in (data.train, data.validation, data.test):
        assert set(x.unique().tolist()) == {-1.0, 1.0}
    batches = shuffled(data.train, len(data.train[0]), data.intensity, seed=0)
    drawn = [next(batches)[0] for _ in range(2)]
    assert all(set(x.unique().tolist()) == {-1.0, 1.0} and x.dtype == torch.float32 for x in drawn)


def test_what_is_not_drawn_anew_has_no_intensities(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)
    prepared.write("toy", "mnist", mnist(SIZES, 0, data_root=root))
    assert prepared.load("toy").intensity is None
