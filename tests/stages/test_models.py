"""The page and the commands that describe models agree with the code and params.yaml."""

from __future__ import annotations

import re

import pytest

from pipeline import docstring, paths
from pipeline.errors import UserError
from pipeline.families import catalogue
from pipeline.families.catalogue import describe
from pipeline.families.registry import ours, recipes
from pipeline.params import load
from pipeline.stages import models

RECIPES = [entry for family in ours() for entry in catalogue.entries(family)]
TRAINED = [entry for entry in RECIPES if entry.family != "control"]


def test_the_page_is_what_the_code_says() -> None:
    assert paths.MODELS.read_text() == models.page(), "write it again with: coverseek models --write"


@pytest.mark.parametrize("entry", TRAINED, ids=lambda entry: f"{entry.recipe}-{'-'.join(entry.events)}")
def test_each_recipe_names_its_paper_and_its_equation(entry: catalogue.RecipeEntry) -> None:
    assert re.search(r"(19|20)\d\d", entry.summary), "authors and year"
    assert entry.equation


@pytest.mark.parametrize("entry", RECIPES, ids=lambda entry: f"{entry.recipe}-{'-'.join(entry.events)}")
def test_each_keyword_of_a_recipe_is_documented(entry: catalogue.RecipeEntry) -> None:
    assert [k.name for k in entry.keywords if not k.meaning] == []


@pytest.mark.parametrize("family", ours())
def test_each_documented_keyword_exists(family: str) -> None:
    module = recipes(family, "test")
    for name in module.__all__:
        function = getattr(module, name)
        documented = list(docstring.parse(function.__doc__).keywords)
        assert documented == [k.name for k in describe(family, name, function).keywords]


def test_one_model_is_described_with_the_values_of_params_yaml(capsys: pytest.CaptureFixture[str]) -> None:
    models.main("wgan_gp")
    said = capsys.readouterr().out
    assert "arXiv:1704.00028" in said
    assert "steps_per_round: 3 (Count, default 5)\n    critic steps for each generator step, from 1." in said


def test_an_unknown_model_is_refused_with_a_suggestion() -> None:
    with pytest.raises(UserError, match=r"no model 'wgan_pg'; .*did you mean wgan_gp"):
        models.main("wgan_pg")


def test_the_list_has_each_model_with_its_likelihood(capsys: pytest.CaptureFixture[str]) -> None:
    models.main(write=False)
    listed = capsys.readouterr().out
    for events in catalogue.EVENTS:
        for model in load().models[events]:
            assert re.search(rf"{events} +{model} ", listed)
    assert re.search(r"pixelcnn +autoregressive +exact +temperature", listed)
