"""Every recipe, on every event with every condition, passes the laws that apply to it."""

from __future__ import annotations

from collections import Counter

import pytest
from toys import subject, toys

from pipeline.conformance.law import Law
from pipeline.conformance.model_laws import LAWS
from pipeline.conformance.subject import Subject

CASES = [(subject(toy), law, f"{'-'.join(toy)}-{law.name}") for toy in toys() for law in LAWS]
APPLICABLE = [pytest.param(found, law, id=name) for found, law, name in CASES if law.applies(found)]


@pytest.mark.parametrize(("recipe", "law"), APPLICABLE)
def test_a_recipe_passes(recipe: Subject, law: Law[Subject]) -> None:
    law.check(recipe)


ONE_FAMILY = {"a_likelihood_up_to_a_constant_has_an_estimate_of_it"}
"""Laws of a capability that the models of one family have."""


def test_each_law_applies_to_recipes_of_several_families() -> None:
    families = {(law.name, name.partition("-")[0]) for found, law, name in CASES if law.applies(found)}
    counts = Counter(law for law, _ in families)
    assert {law for law, count in counts.items() if count == 1} == ONE_FAMILY
    assert len(counts) == len(LAWS)
