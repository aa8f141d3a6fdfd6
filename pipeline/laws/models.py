"""The laws of models, and which problems a recipe is put to."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.laws.conditioning import a_conditional_model_reacts_to_its_condition, no_place_of_a_map_is_blurred
from pipeline.laws.law import Law
from pipeline.laws.likelihood import (
    a_bound_is_one_number_for_each_item,
    an_exact_likelihood_has_no_noise,
    an_exact_model_has_one_likelihood,
)
from pipeline.laws.normalisation import a_density_integrates_to_one, masses_of_all_images_add_up_to_one
from pipeline.laws.problem import PROBLEMS, Problem
from pipeline.laws.sampling import (
    a_model_comes_back_from_its_state,
    codes_decode_to_the_event,
    samples_are_one_draw_per_row_on_the_events_support,
)
from pipeline.laws.subject import Subject
from pipeline.laws.training import (
    each_parameter_has_one_player,
    each_player_reaches_all_its_parameters,
    losses_have_finite_named_parts,
)

LAWS: tuple[Law[Subject], ...] = (
    samples_are_one_draw_per_row_on_the_events_support,
    a_model_comes_back_from_its_state,
    each_parameter_has_one_player,
    each_player_reaches_all_its_parameters,
    losses_have_finite_named_parts,
    a_bound_is_one_number_for_each_item,
    an_exact_likelihood_has_no_noise,
    an_exact_model_has_one_likelihood,
    a_density_integrates_to_one,
    masses_of_all_images_add_up_to_one,
    a_conditional_model_reacts_to_its_condition,
    no_place_of_a_map_is_blurred,
    codes_decode_to_the_event,
)


BLIND = frozenset({"oracle", "noise", "marginal", "collapsed"})
"""Controls whose samples need not follow the condition."""


def problems(recipe: str) -> Iterator[Problem]:
    """Those that a recipe of this name may serve: `_points` and `_images` at its end leave out the others."""
    for problem in PROBLEMS:
        if not recipe.endswith("_images" if problem.event == "points" else "_points"):
            yield problem
