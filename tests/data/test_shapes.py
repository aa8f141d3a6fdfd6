"""Laws of the procedural images: one set of pixels, whose truth says everything that a condition may tell."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from pipeline.data.conditions import boxes, luma
from pipeline.data.dataset import Dataset, Sizes
from pipeline.data.scenes import CLASSES, FACTORS
from pipeline.data.shapes import shapes
from pipeline.errors import UserError

SIZES = Sizes(600, 60, 60)
KINDS = ("none", "class", "box", "segmentation", "grayscale")


@pytest.fixture(scope="module")
def made() -> dict[str, Dataset]:
    return {kind: shapes(SIZES, 3, condition=kind) for kind in KINDS}


def test_the_images_are_the_same_under_every_condition(made: dict[str, Dataset]) -> None:
    plain = made["none"].splits
    for other in made.values():
        for name, split in other.splits.items():
            assert np.array_equal(split.x, plain[name].x)
            assert np.array_equal(split.label, plain[name].label)
            assert np.array_equal(split.factors, plain[name].factors)


@pytest.mark.parametrize(
    ("kind", "shape", "size"),
    [
        ("none", (0,), 0),
        ("class", (), 5),
        ("box", (4,), 0),
        ("segmentation", (16, 16), 6),
        ("grayscale", (1, 16, 16), 0),
    ],
)
def test_a_condition_is_what_it_says(made: dict[str, Dataset], kind: str, shape: tuple[int, ...], size: int) -> None:
    described, c = made[kind].condition, made[kind].splits["train"].c
    assert (described.kind, described.shape, described.size) == (kind, shape, size)
    assert c.shape == (600, *shape)
    assert not size or (c.min() >= 0 and c.max() == size - 1)


def test_the_truths_agree(made: dict[str, Dataset]) -> None:
    """The main shape lies on top: its class fills its box in the segmentation, in the quarter that the factor names."""
    label, box = made["class"].splits["train"].c, made["box"].splits["train"].c
    seen, factors = made["segmentation"].splits["train"].c, made["box"].splits["train"].factors
    assert factors is not None
    assert np.array_equal(label, factors[:, 0])
    of_class = boxes(seen == label[:, None, None] + 1)  # a lesser shape of the same class can only widen it
    assert (of_class[:, :2] <= box[:, :2]).all()
    assert (of_class[:, 2:] >= box[:, 2:]).all()
    quarter = np.stack((factors[:, 2] % 2, factors[:, 2] // 2), axis=1)
    beyond = ((box[:, :2] + box[:, 2:]) / 2 - 0.5) * (2 * quarter - 1)  # of the middle, into its quarter
    assert beyond.min() > -1 / 16  # a triangle's box does not lie around its centre


def test_grayscale_is_the_luma_of_the_image(made: dict[str, Dataset]) -> None:
    split = made["grayscale"].splits["test"]
    assert np.array_equal(split.c, luma(split.x))
    grey = np.arange(256, dtype=np.uint8).repeat(3).reshape(256, 3, 1, 1)
    assert np.allclose((luma(grey).ravel() + 1) * 255 / 2, np.arange(256), atol=1e-4)


def test_the_factors_have_their_weights_and_are_independent() -> None:
    factors = shapes(Sizes(4000, 1, 1), 0, side=12).splits["train"].factors
    assert factors is not None
    for column, factor in zip(factors.T, FACTORS, strict=True):
        assert sum(factor.weights) == pytest.approx(1)
        expected = 4000 * np.array(factor.weights)
        assert stats.chisquare(np.bincount(column, minlength=len(expected)), expected).pvalue > 1e-3
    for one, other in ((0, 1), (0, 2), (1, 2)):
        table = np.zeros((CLASSES, CLASSES))
        np.add.at(table, (factors[:, one], factors[:, other]), 1)
        table = table[table.any(axis=1)][:, table.any(axis=0)]
        assert stats.chi2_contingency(table).pvalue > 1e-3


def test_a_seed_is_a_dataset_and_splits_are_different(made: dict[str, Dataset]) -> None:
    again, other = shapes(SIZES, 3).splits, shapes(SIZES, 4).splits
    plain = made["none"].splits
    assert all(np.array_equal(again[name].x, plain[name].x) for name in plain)
    assert not np.array_equal(other["train"].x, plain["train"].x)
    images = [split.x.reshape(len(split.x), -1) for split in plain.values()]
    assert len(np.unique(np.concatenate(images), axis=0)) == sum(SIZES)


def test_an_empty_mask_has_no_box() -> None:
    masks = np.ones((3, 4, 4), np.bool_)
    masks[1] = False
    with pytest.raises(UserError, match="mask 1 is empty"):
        boxes(masks)
