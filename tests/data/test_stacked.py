"""What stacked digits promise: 1,000 equally likely modes, each channel a digit of its own split."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import chisquare

from pipeline.data.dataset import SPLITS, Dataset, Sizes, Split
from pipeline.data.digits import ALL_DIGITS, FACTORS, digits, stack, stacked_digits
from pipeline.metrics.evaluation.bootstrap import Bootstrap, ends
from pipeline.metrics.modes import probabilities


@pytest.fixture(scope="module")
def made() -> Dataset:
    return stacked_digits(Sizes(4000, 50, 300), 1)


def test_there_are_a_thousand_modes_and_all_are_equally_likely(made: Dataset) -> None:
    p = probabilities(made.factors)
    assert len(p) == 1000
    assert p.numpy() == pytest.approx(1 / 1000)
    value = made.splits["train"].factors
    assert value is not None
    for counts in (np.bincount(channel, minlength=10) for channel in value.T):
        assert chisquare(counts).pvalue > 1e-4


@pytest.mark.parametrize("split", SPLITS)
def test_each_channel_is_a_digit_of_its_own_split_and_of_its_class(made: Dataset, split: str) -> None:
    source, stacked = digits(ALL_DIGITS, 0).splits[split], made.splits[split]
    assert stacked.sources is not None
    assert np.array_equal(stacked.x, source.x[stacked.sources][:, :, 0])
    assert source.label is not None
    assert stacked.factors is not None
    known = {image.tobytes(): label for image, label in zip(source.x, source.label, strict=True)}
    for image, values in zip(stacked.x, stacked.factors, strict=True):
        assert [known[channel.tobytes()] for channel in image] == values.tolist()


def test_the_factors_name_their_channels(made: Dataset) -> None:
    assert [factor.channel for factor in FACTORS] == list(range(made.event.shape[0]))


def test_the_seed_decides(made: Dataset) -> None:
    again, other = (stacked_digits(Sizes(100, 5, 5), seed).splits["train"].x for seed in (1, 2))
    assert np.array_equal(again, stacked_digits(Sizes(100, 5, 5), 1).splits["train"].x)
    assert not np.array_equal(again, other)


def test_the_interval_of_bits_covers_over_other_source_digits() -> None:
    """1,000 stacked items of 250 digits that are drawn anew from all 1,797, the bits of pixelwise histograms.

    As independent items their interval is about a third as wide and covers less than half of the time.
    """
    source = digits(Sizes(1797, 0, 0), 0).splits["train"]
    assert source.label is not None
    pixels = source.x.reshape(len(source.x), -1)
    shares = np.stack([np.bincount(values, minlength=17) + 1 for values in pixels.T]) / (len(pixels) + 17)
    bits = -np.log2(shares[np.arange(64), pixels]).mean(axis=1)
    truth = np.mean([bits[source.label == label].mean() for label in range(10)])
    inside, widths = np.zeros(2), np.zeros(2)
    for seed in range(400):
        rng = np.random.default_rng(seed)
        chosen = rng.choice(len(bits), 250)
        part = Split(source.x[chosen], source.c[chosen], source.label[chosen])
        rows = stack(part, 1000, rng).sources
        assert rows is not None
        items = torch.from_numpy(bits[chosen][rows].mean(axis=1))
        for which, sources in enumerate((None, torch.from_numpy(rows))):
            low, high = ends(Bootstrap(seed, 300, sources=sources).means("real", items), float(items.mean()))
            inside[which] += low <= truth <= high
            widths[which] += high - low
    assert inside[0] / 400 < 0.6
    assert 0.93 <= inside[1] / 400 <= 0.97
    assert widths[1] > 2.5 * widths[0]
