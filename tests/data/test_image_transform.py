"""What a transform returns: the centre, of the size asked for, without aliases, in bins of equal width."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from pipeline.data.image_transform import ImageTransform
from pipeline.errors import UserError


def test_without_keywords_nothing_changes() -> None:
    x = np.random.default_rng(0).integers(0, 256, (3, 3, 5, 7), np.uint8)
    assert ImageTransform().apply(x) is x
    assert np.array_equal(ImageTransform().resize(Image.fromarray(x[0].transpose(1, 2, 0))), x[0])


@pytest.mark.parametrize("channels", [1, 3])
def test_a_crop_is_the_centre_and_touches_no_value(channels: int) -> None:
    x = np.random.default_rng(0).integers(0, 256, (2, channels, 9, 6), np.uint8)
    assert np.array_equal(ImageTransform(crop=4).apply(x), x[:, :, 2:6, 1:5])


def test_a_crop_that_does_not_fit_is_refused() -> None:
    with pytest.raises(UserError, match="crop: 7 is more than an image of 6x9 has"):
        ImageTransform(crop=7).frame(6, 9)


def test_the_shorter_side_is_resized_and_then_the_longer_one_is_cut() -> None:
    x = np.random.default_rng(0).integers(0, 256, (60, 20), np.uint8)
    whole = np.asarray(Image.fromarray(x).resize((5, 15), Image.Resampling.LANCZOS))
    kept = ImageTransform(side=5).apply(x[None, None])[0, 0]
    assert np.abs(kept.astype(int) - whole[5:10]).max() <= 1


def test_the_frame_is_where_the_selected_part_lies() -> None:
    assert ImageTransform().frame(6, 9) == (0, 0, 6, 9)
    assert ImageTransform(side=4).frame(6, 9) == (0, 1.5, 6, 6)
    assert ImageTransform(crop=4).frame(6, 9) == (1, 2, 4, 4)
    assert ImageTransform(side=2, crop=5).frame(6, 9) == (0, 2, 5, 5)


def test_the_crop_is_taken_before_the_image_is_resized() -> None:
    x = np.zeros((1, 3, 16, 16), np.uint8)
    x[:, :, 4:12, 4:12] = 90
    assert np.array_equal(ImageTransform(side=4, crop=8).apply(x), np.full((1, 3, 4, 4), 90, np.uint8))


def test_a_smaller_image_shows_no_aliases() -> None:
    """A checkerboard of single pixels is gray from afar; taking every eighth pixel would make it black."""
    board = (255 * (np.indices((64, 64)).sum(axis=0) % 2)).astype(np.uint8)[None, None]
    assert np.abs(ImageTransform(side=8).apply(board).astype(int) - 127.5).max() < 8


@pytest.mark.parametrize("levels", [2, 3, 5, 16, 256])
def test_levels_are_bins_of_equal_width(levels: int) -> None:
    level = ImageTransform(levels=levels).quantise(np.arange(256, dtype=np.uint8))
    assert (np.diff(level.astype(int)) >= 0).all()
    counts = np.bincount(level)
    assert len(counts) == levels
    assert counts.max() - counts.min() <= (256 % levels > 0)
