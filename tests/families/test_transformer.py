"""Laws of causal attention."""

from __future__ import annotations

import pytest
import torch
from causality import awake, before, example, field, replay
from toys import GREY

from pipeline.contract import Event
from pipeline.families.autoregressive.networks.image_transformer import ImageTransformer, LocalAttention

EVENTS = [GREY, Event((3, 4, 5), levels=4)]


def transformer(event: Event, window: int, layers: int = 2, context: int = 0) -> ImageTransformer:
    return awake(ImageTransformer(event, context, width=8, heads=2, layers=layers, window=window, dropout=0.5))


@pytest.mark.parametrize("window", [1, 5, 16, 500])
@pytest.mark.parametrize("event", EVENTS, ids=["grey", "colour"])
def test_the_cache_answers_what_a_full_pass_does(event: Event, window: int) -> None:
    network = transformer(event, window, context=2)
    x, context = example(event, 2)
    assert torch.allclose(replay(network, x, context), network(x, context), atol=1e-4)


@pytest.mark.parametrize("window", [1, 5, 16, 500])
@pytest.mark.parametrize("event", EVENTS, ids=["grey", "colour"])
def test_a_layer_sees_exactly_the_window_before_a_value(event: Event, window: int) -> None:
    channels, height, width = event.shape
    network = transformer(event, window, layers=1).double()
    x, context = example(event, 0)
    for place in (0, 7, height * width - 1):
        row, column = divmod(place, width)
        for channel in range(channels):
            seen = field(network, x.double(), context.double(), row, column, channel)
            last = (place * channels) + channel
            number = torch.arange(event.dims).view(height, width, channels).permute(2, 0, 1)
            assert torch.equal(seen, before(event, row, column, channel) & (number >= last - window))


@pytest.mark.parametrize("window", [1, 3, 4, 11])
def test_banded_attention_is_masked_attention(window: int) -> None:
    attention, h = LocalAttention(8, heads=2, window=window).double(), torch.randn(3, 11, 8).double()
    torch.nn.init.normal_(attention.distance)
    q, k, v = attention.project(h).view(3, 11, 3, 2, 4).permute(2, 0, 3, 1, 4)
    back = torch.arange(11)[:, None] - torch.arange(11)
    bias = attention.distance[:, back.clamp(0, window - 1)]
    scores = (q @ k.mT / 2 + bias).masked_fill((back < 0) | (back >= window), -torch.inf)
    expected = attention.merge((scores.softmax(-1) @ v).transpose(1, 2).flatten(2))
    assert torch.allclose(attention(h), expected)


def test_keys_and_values_may_be_written_again() -> None:
    """A place's sub-pixels become known one after the other: only the last visit's keys count."""
    attention, h = LocalAttention(8, heads=2, window=4), torch.randn(1, 6, 8)
    torch.nn.init.normal_(attention.distance)
    with torch.no_grad():
        memory = attention.start(batch=1, length=6, n=2)
        for first in (0, 2, 4):
            attention.step(torch.randn(1, 2, 8), memory, first)
            now = attention.step(h[:, first : first + 2], memory, first)
            assert torch.allclose(now, attention(h)[:, first : first + 2], atol=1e-6)
