"""What the shapes promise: known factors, and one set of images under five conditions."""

from __future__ import annotations

from itertools import combinations
from typing import get_args

import numpy as np
import pytest
from scipy.ndimage import label
from scipy.stats import chi2_contingency, chisquare

from pipeline.contract import ConditionKind
from pipeline.data.conditions import boxes, luma
from pipeline.data.dataset import SPLITS, Dataset, Sizes
from pipeline.data.drawing import OUTLINES, TEXTURES, Shapes, gradient, paint, rgb
from pipeline.data.shapes import HUES, shapes

KINDS = get_args(ConditionKind)
SIZES = Sizes(600, 30, 200)
FEW_IN_A_MILLION = 3e-6


@pytest.fixture(scope="module")
def ladder() -> dict[str, Dataset]:
    return {kind: shapes(SIZES, 3, condition=kind) for kind in KINDS}


def pieces(mask: np.ndarray) -> int:
    """Connected regions, where corners connect too."""
    return int(label(mask, np.ones((3, 3)))[1])


def main_shapes(**keywords: object) -> tuple[Dataset, np.ndarray]:
    """Images of the main shape alone, and its mask."""
    made = shapes(SIZES, 5, condition="segmentation", distractors=0, **keywords)
    return made, made.splits["train"].c > 0


@pytest.mark.parametrize("split", SPLITS)
def test_the_images_are_the_same_under_every_condition(ladder: dict[str, Dataset], split: str) -> None:
    first = ladder["none"]
    for other in ladder.values():
        assert (other.event, other.factors) == (first.event, first.factors)
        for name in ("x", "label", "factors"):
            one, two = getattr(first.splits[split], name), getattr(other.splits[split], name)
            assert (one.dtype, one.shape, one.tobytes()) == (two.dtype, two.shape, two.tobytes())


@pytest.mark.parametrize("kind", KINDS)
def test_conditions_have_the_form_that_the_contract_names(ladder: dict[str, Dataset], kind: str) -> None:
    made = ladder[kind]
    c = made.splits["test"].c
    assert made.condition.kind == kind
    assert c.shape == (SIZES.test, *made.condition.shape)
    assert c.dtype == (np.int64 if kind in ("class", "segmentation") else np.float32)
    if made.condition.size:
        assert (c.min(), c.max()) == (0, made.condition.size - 1)
    elif kind != "none":
        assert c.min() >= (-1 if kind == "grayscale" else 0)
        assert c.max() <= 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_is_a_dataset(ladder: dict[str, Dataset], kind: ConditionKind) -> None:
    again, other = (shapes(SIZES, seed, condition=kind) for seed in (3, 4))
    for split in SPLITS:
        mine = ladder[kind].splits[split].arrays()
        assert all(np.array_equal(mine[name], array) for name, array in again.splits[split].arrays().items())
        assert not np.array_equal(mine["x"], other.splits[split].x)


def test_a_split_does_not_depend_on_the_size_of_the_others() -> None:
    one, two = shapes(Sizes(10, 20, 30), 0), shapes(Sizes(40, 20, 50), 0)
    assert np.array_equal(one.splits["validation"].x, two.splits["validation"].x)


def test_splits_share_no_image_and_are_not_told_apart_by_their_factors() -> None:
    splits = shapes(Sizes(2000, 2000, 2000), 0).splits
    every = np.concatenate([splits[split].x.reshape(2000, -1) for split in SPLITS])
    assert len(np.unique(every, axis=0)) == len(every)
    drawn = [np.bincount(splits[split].factors[:, 0]) for split in SPLITS]
    assert chi2_contingency(drawn).pvalue > FEW_IN_A_MILLION


def test_blocks_leave_no_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = shapes(SIZES, 0, condition="segmentation").splits["train"]
    monkeypatch.setattr("pipeline.data.shapes.BLOCK", 7 * 256)
    parts = shapes(SIZES, 0, condition="segmentation").splits["train"]
    assert np.array_equal(whole.x, parts.x)
    assert np.array_equal(whole.c, parts.c)


def test_factors_have_their_weights_and_are_independent() -> None:
    made = shapes(Sizes(20_000, 1, 1), 0)
    drawn = made.splits["train"].factors
    assert [factor.name for factor in made.factors] == ["class", "colour", "place"]
    assert made.factors[0].weights == pytest.approx(np.array([60, 30, 20, 15, 12]) / 137)
    for values, factor in zip(drawn.T, made.factors, strict=True):
        expected = len(values) * np.array(factor.weights)
        assert chisquare(np.bincount(values, minlength=len(expected)), expected).pvalue > FEW_IN_A_MILLION
    for one, two in combinations(drawn.T, 2):
        table = np.histogram2d(one, two, bins=(one.max() + 1, two.max() + 1))[0]
        assert chi2_contingency(table).pvalue > FEW_IN_A_MILLION


def test_the_label_is_the_class_and_its_shape_is_in_the_segmentation(ladder: dict[str, Dataset]) -> None:
    for split in SPLITS:
        seen = ladder["segmentation"].splits[split]
        assert np.array_equal(seen.label, seen.factors[:, 0])
        assert np.array_equal(seen.label, ladder["class"].splits[split].c)
        assert (seen.c == seen.label[:, None, None] + 1).any((1, 2)).all()


def test_an_image_of_one_shape_has_one_label_and_its_box_is_that_of_the_label() -> None:
    made, mask = main_shapes()
    split = made.splits["train"]
    assert np.array_equal(split.c, mask * (split.label[:, None, None] + 1))
    assert np.array_equal(shapes(SIZES, 5, condition="box", distractors=0).splits["train"].c, boxes(mask))


def test_the_box_is_tight_around_the_largest_shape(ladder: dict[str, Dataset]) -> None:
    for box, segmentation, k in zip(
        *(ladder[kind].splits["train"].c for kind in ("box", "segmentation", "class")), strict=True
    ):
        left, top, right, bottom = (box * 16).round().astype(int)
        inside = segmentation[top:bottom, left:right] == k + 1
        assert inside[[0, -1]].any(1).all()
        assert inside[:, [0, -1]].any(0).all()
        assert min(inside.shape) >= 6  # the least main shape is a triangle 1.6 radii of 4 pixels high


def test_grayscale_is_the_luma_of_the_image(ladder: dict[str, Dataset]) -> None:
    split = ladder["grayscale"].splits["train"]
    assert np.array_equal(split.c, luma(split.x))


def test_the_main_shape_is_whole_and_in_its_quarter() -> None:
    made, mask = main_shapes(side=64)
    split = made.splits["train"]
    assert max(map(pieces, mask)) == 1
    across, down = (boxes(mask)[:, i::2].mean(1) for i in (0, 1))
    assert np.array_equal(split.factors[:, 2], 2 * (down > 0.5) + (across > 0.5))
    share = mask.mean((1, 2))
    assert share.min() > 0.05
    assert share.max() < 0.3


def test_the_main_shape_has_its_hue() -> None:
    made, mask = main_shapes(noise=0)
    for x, inside, colour in zip(made.splits["train"].x, mask, made.splits["train"].factors[:, 1], strict=True):
        pixels = x[:, inside].T.astype(float)
        vivid = pixels[np.ptp(pixels, axis=1).argmax()]
        pure = (vivid - vivid.min()) / np.ptp(vivid)  # saturation and value 1: the hue alone
        nearest = np.abs(rgb(HUES, np.ones(4), np.ones(4)) - pure).sum(1).argmin()
        assert nearest == colour


def test_distractors_number_none_to_as_many_as_asked(ladder: dict[str, Dataset]) -> None:
    for most in (0, 1, 2):
        made = shapes(SIZES, 3, condition="segmentation", distractors=most)
        assert max(pieces(c > 0) for c in made.splits["train"].c) == most + 1
    counts = [pieces(c > 0) for c in ladder["segmentation"].splits["train"].c]
    assert min(counts) == 1


@pytest.mark.parametrize("noise", [1.0, 3.0])
def test_noise_is_what_is_asked_in_levels(noise: float) -> None:
    clean, noisy = (shapes(SIZES, 0, noise=n).splits["train"].x.astype(float) for n in (0, noise))
    middle = (clean > 30) & (clean < 225)  # where nothing is clipped
    step = 1 / 6  # the variance that rounding adds: 1/12 for each of the two images
    assert (noisy - clean)[middle].std() == pytest.approx(np.sqrt(noise**2 + step), rel=0.03)


@pytest.mark.parametrize("outline", OUTLINES)
def test_an_outline_is_the_zero_of_a_distance_within_the_unit_square(outline: str) -> None:
    line = np.linspace(-1.5, 1.5, 301)
    u, v = np.meshgrid(line, line)
    d = OUTLINES[outline](u, v)
    rise, run = (np.diff(np.stack(a), axis=-1) for a in ((d, d.T), (u, v.T)))
    assert (
        np.abs(rise) <= run + 1e-9
    ).all()  # no point is farther from the outline than its neighbour and the way there
    slope = np.hypot(*np.gradient(d, line, line))
    assert np.abs(slope[np.abs(d) < 0.02] - 1).mean() < 0.03  # away from corners it grows as fast as one walks
    inside = np.abs(np.stack((u, v)))[:, d < 0]
    assert 0.75 < inside.max() <= 1.01


@pytest.mark.parametrize("texture", TEXTURES)
def test_a_texture_mixes_two_inks(texture: str) -> None:
    u, v = np.meshgrid(np.linspace(-1, 1, 41), np.linspace(-1, 1, 41))
    mixed = TEXTURES[texture](u, v)
    assert mixed.shape == u.shape
    assert mixed.min() >= 0
    assert mixed.max() <= 1


def test_the_ink_of_a_disc_is_its_area() -> None:
    """Anti-aliasing keeps what a pixel grid would lose: the share of a disc is pi r² wherever it lies."""
    rng, count, radius = np.random.default_rng(0), 200, 0.25
    white = np.ones((count, 2, 3))
    disc = Shapes(
        np.ones(count, np.bool_), np.zeros(count, np.int64), np.zeros(count, np.int64),
        rng.uniform(0.3, 0.7, (count, 2)), np.full(count, radius / 0.92), rng.random(count), white,
    )  # fmt: skip
    canvas = np.zeros((count, 3, 16, 16))
    paint(canvas, disc)
    assert canvas.mean((1, 2, 3)) == pytest.approx(np.pi * radius**2, rel=0.01)


def test_a_background_runs_between_its_colours() -> None:
    ends = np.array([[[0.2, 0.4, 0.6], [0.8, 0.4, 0.0]]])
    drawn = gradient(ends, np.array([np.pi / 4]), 64)[0]
    assert drawn[:, 0, 0] == pytest.approx(ends[0, 0], abs=0.02)
    assert drawn[:, -1, -1] == pytest.approx(ends[0, 1], abs=0.02)


def test_colours_are_those_of_the_hue_circle() -> None:
    wheel = rgb(np.array([0, 1 / 6, 1 / 3, 2 / 3]), np.ones(4), np.ones(4))
    assert wheel == pytest.approx(np.array([[1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 1]]))
    assert rgb(np.array([0.3]), np.zeros(1), np.array([0.7])) == pytest.approx(0.7)
