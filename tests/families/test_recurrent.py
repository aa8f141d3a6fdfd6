"""Laws of PixelRNN."""

from __future__ import annotations

import itertools

import pytest
import torch
from causality import awake, before, example, field, replay
from hypothesis import given
from hypothesis import strategies as st
from toys import COLOUR, GREY

from pipeline.contract import Event
from pipeline.families.autoregressive.networks.pixelrnn import DiagonalBiLSTM, PixelRNN, RowLSTM, skew, unskew

LAYERS = [RowLSTM, DiagonalBiLSTM]
EVENTS = [GREY, Event((3, 4, 5), levels=4), Event((1, 3, 5), levels=2)]


def rnn(event: Event, layer: type[RowLSTM | DiagonalBiLSTM], layers: int = 2, context: int = 0) -> PixelRNN:
    return awake(PixelRNN(event, context, layer, units=6, layers=layers, kernel=3, dropout=0.5))


@given(height=st.integers(1, 6), width=st.integers(1, 6))
def test_skew_moves_each_row_one_further_and_unskew_brings_it_back(height: int, width: int) -> None:
    x = torch.randn(2, height, width, 3)
    skewed = skew(x, fill=7.0)
    assert skewed.shape == (2, height, height + width - 1, 3)
    for row in range(height):
        assert torch.equal(skewed[:, row, row : row + width], x[:, row])
        assert (skewed[:, row, :row] == 7).all()
        assert (skewed[:, row, row + width :] == 7).all()
    assert torch.equal(unskew(skewed), x)


@pytest.mark.parametrize("event", EVENTS, ids=str)
@pytest.mark.parametrize("layer", LAYERS)
def test_the_cache_answers_what_a_full_pass_does(layer: type[RowLSTM | DiagonalBiLSTM], event: Event) -> None:
    network = rnn(event, layer, context=2)
    x, context = example(event, 2)
    assert torch.allclose(replay(network, x, context), network(x, context), atol=1e-4)


@pytest.mark.parametrize("event", [GREY, COLOUR], ids=["grey", "colour"])
def test_diagonal_bilstm_sees_all_that_comes_before_a_pixel_in_one_layer(event: Event) -> None:
    network = rnn(event, DiagonalBiLSTM, layers=1).double()
    x, context = example(event, 0)
    for row, column, channel in itertools.product((0, 3, 7), (0, 4, 7), range(event.shape[0])):
        seen = field(network, x.double(), context.double(), row, column, channel)
        assert torch.equal(seen, before(event, row, column, channel))


def test_row_lstm_sees_the_papers_triangle_in_one_layer() -> None:
    """K_ss widens by one on each side in each row above, K_is and the first layer's kernel by one once."""
    network = rnn(GREY, RowLSTM, layers=1).double()
    x, context = example(GREY, 0)
    row, column = 6, 4
    rows, columns = torch.meshgrid(torch.arange(8), torch.arange(8), indexing="ij")
    up = row - rows
    states = (up >= 0) & (columns <= column + up) & (columns >= column - up - 1)  # inputs of the states below
    widened = torch.zeros(10, 10, dtype=torch.bool)
    for down, across in ((-1, -1), (-1, 0), (-1, 1), (0, -1)):  # the taps of a 3 x 3 kernel under mask A
        widened[1 + down : 9 + down, 1 + across : 9 + across] |= states
    assert torch.equal(field(network, x.double(), context.double(), row, column)[0], widened[1:9, 1:9])
    assert not widened[1:9, 1:9][5, 7]  # the blind part is there to be seen: (5, 7) is earlier than (6, 4)


@pytest.mark.parametrize("layer", LAYERS)
def test_what_is_outside_the_image_has_no_state(layer: type[RowLSTM | DiagonalBiLSTM]) -> None:
    """An image's features are those that it has as the upper left part of a taller one."""
    network = layer(units=3, context=0, subpixels=1, dropout=0.0)
    h = torch.randn(2, 6, 5, 6)
    nothing = torch.empty(2, 6, 5, 0)
    assert torch.allclose(network(h, nothing)[:, :4], network(h[:, :4], nothing[:, :4]), atol=1e-6)
