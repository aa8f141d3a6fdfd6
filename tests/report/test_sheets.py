"""Laws of the sheets that show conditions, and of the pictures that they are made of."""

from __future__ import annotations

import numpy as np
import pytest
from pipeline.report.conditions import Answers, rows
from pipeline.report.sheet import Panel
from pipeline.report.tiles import GAP, tiled

from pipeline.report import sheet, style


@pytest.mark.parametrize("gap", [0, 1])
def test_tiles_hold_each_image_unchanged(gap: int) -> None:
    images = np.random.default_rng(0).random((2, 3, 3, 5, 4))
    picture = tiled(images, gap)
    assert picture.shape == (2 * (5 + gap) + gap, 3 * (4 + gap) + gap, 3)
    for row in range(2):
        for column in range(3):
            top, left = row * (5 + gap) + gap, column * (4 + gap) + gap
            patch = picture[top : top + 5, left : left + 4]
            np.testing.assert_array_equal(patch, images[row, column].transpose(1, 2, 0))


def test_between_tiles_is_neither_ink_nor_paper() -> None:
    picture = tiled(np.zeros((2, 2, 1, 3, 3)))
    assert (picture[::4] == GAP).all()
    assert (picture[:, ::4] == GAP).all()
    assert (picture == 0).sum() == 4 * 9 * 3


@pytest.mark.parametrize("shape", [(), (4,), (2, 2)])
def test_a_row_shows_what_answers_its_condition_and_nothing_else(shape: tuple[int, ...]) -> None:
    c = np.arange(3).reshape(3, *[1] * len(shape)) * np.ones(shape)
    x = np.arange(3)[[2, 0, 2], None, None, None, None] / 10 * np.ones((3, 1, 1, 2, 2))
    shown = rows(c, Answers(c[[2, 0, 2]], x), count=2)
    assert shown.shape == (3, 2, 1, 2, 2)
    assert [[float(image.max()) for image in row] for row in shown] == [[0.0, GAP], [GAP, GAP], [0.2, 0.2]]


@pytest.mark.parametrize("count", [1, 5, 8, 29])
def test_a_sheet_shows_every_model_once_under_its_name_and_fits_the_page(count: int) -> None:
    given = Panel("given", np.ones((6, 1, 1, 8, 8)), boxes=np.full((6, 4), 0.5))
    lead = [given, Panel("real", np.ones((6, 1, 3, 8, 8)))]
    names = [f"a_model_with_a_long_name_{k}" for k in range(count)]
    with style.settled():
        figure = sheet.draw(lead, [Panel(name, np.ones((6, 3, 3, 8, 8))) for name in names], [])
    titles = [axis.get_title().replace("\n", "") for axis in figure.axes if axis.images]
    assert [title for title in titles if title not in ("given", "real")] == names
    assert figure.get_figwidth() <= sheet.WIDTH + 0.5
