"""What a condition says of an image."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pipeline.contract import Event
from pipeline.data.conditions import boxes, luma
from pipeline.errors import UserError

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("levels", [2, 17, 256])
def test_the_luma_of_a_grey_pixel_is_the_pixel(levels: int) -> None:
    grey = np.arange(levels, dtype=np.uint8)
    x = np.tile(grey[:, None, None, None], (1, 3, 1, 1))
    event = Event((1, 1, 1), levels)
    assert torch.equal(torch.from_numpy(luma(x, levels)), event.value(torch.from_numpy(x[:, :1])))


def test_luma_is_bt601_to_half_a_level_and_on_the_grid() -> None:
    x = RNG.integers(0, 256, (50, 3, 4, 5), np.uint8)
    grey, event = torch.from_numpy(luma(x)), Event((1, 4, 5), 256)
    assert torch.equal(event.quantise(grey), grey)
    exact = 0.299 * x[:, 0] + 0.587 * x[:, 1] + 0.114 * x[:, 2]
    assert np.abs(event.index(grey)[:, 0].numpy() - exact).max() <= 0.5 + 1e-9


@pytest.mark.parametrize("edges", [(0, 0, 7, 5), (0, 0, 1, 1), (6, 4, 7, 5), (2, 1, 5, 4)])
def test_a_box_names_the_outer_edges_of_the_pixels(edges: tuple[int, int, int, int]) -> None:
    left, top, right, bottom = edges
    mask = np.zeros((1, 5, 7), np.bool_)
    mask[0, top:bottom, left:right] = True
    assert boxes(mask)[0] * (7, 5, 7, 5) == pytest.approx(edges)


def test_a_box_holds_its_mask_and_no_smaller_one_does() -> None:
    masks = RNG.random((200, 6, 9)) < 0.05
    masks = masks[masks.any((1, 2))]
    for mask, box in zip(masks, boxes(masks), strict=True):
        left, top, right, bottom = (box * (9, 6, 9, 6)).round().astype(int)
        inside = mask[top:bottom, left:right]
        assert inside.sum() == mask.sum()
        assert inside[[0, -1]].any(1).all()
        assert inside[:, [0, -1]].any(0).all()


def test_a_mirrored_mask_has_the_mirrored_box() -> None:
    masks = RNG.random((100, 8, 8)) < 0.1
    masks = masks[masks.any((1, 2))]
    left, top, right, bottom = boxes(masks).T
    assert np.array_equal(boxes(masks[:, :, ::-1]), np.stack((1 - right, top, 1 - left, bottom), 1))
    assert np.array_equal(boxes(masks.transpose(0, 2, 1)), np.stack((top, left, bottom, right), 1))


def test_an_empty_mask_is_named() -> None:
    masks = np.ones((4, 3, 3), np.bool_)
    masks[2] = False
    with pytest.raises(UserError, match="mask 2 is empty"):
        boxes(masks)
