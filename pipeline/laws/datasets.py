"""The laws of datasets: of functions (sizes, seed, *, keywords) -> Dataset."""

from __future__ import annotations

from pipeline.laws.arrays import (
    c_is_what_the_condition_says,
    each_split_has_the_size_that_is_asked_for,
    intensities_belong_to_binary_training_images,
    labels_and_factors_are_whole_numbers_in_range,
    the_scale_is_that_of_the_training_split,
    x_is_what_the_event_says,
)
from pipeline.laws.law import Law
from pipeline.laws.source import Source
from pipeline.laws.splits import another_seed_draws_others, no_split_repeats_another, the_seed_alone_decides

LAWS: tuple[Law[Source], ...] = (
    each_split_has_the_size_that_is_asked_for,
    x_is_what_the_event_says,
    c_is_what_the_condition_says,
    labels_and_factors_are_whole_numbers_in_range,
    intensities_belong_to_binary_training_images,
    the_seed_alone_decides,
    another_seed_draws_others,
    no_split_repeats_another,
    the_scale_is_that_of_the_training_split,
)
