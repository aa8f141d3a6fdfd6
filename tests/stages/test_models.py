"""The page of models is the code's own word, and the list knows every model of params.yaml."""

from __future__ import annotations

import re

import pytest

from pipeline import paths
from pipeline.families import catalogue
from pipeline.families.registry import ours
from pipeline.params import load
from pipeline.stages import models

RECIPES = [entry for family in ours() for entry in catalogue.entries(family)]
TRAINED = [entry for entry in RECIPES if entry.family != "control"]


def test_the_page_is_what_the_code_says() -> None:
    assert paths.MODELS.read_text() == models.page(), "write it again with: coverseek models --write"


@pytest.mark.parametrize("entry", TRAINED, ids=lambda entry: f"{entry.recipe}-{'-'.join(entry.events)}")
def test_each_recipe_names_its_paper_and_its_equation(entry: catalogue.Entry) -> None:
    assert re.search(r"(19|20)\d\d", entry.summary), "authors and year"
    assert entry.equation


def test_the_list_has_each_model_with_its_likelihood(capsys: pytest.CaptureFixture[str]) -> None:
    models.main(write=False)
    listed = capsys.readouterr().out
    for events in catalogue.EVENTS:
        for model in load().models[events]:
            assert re.search(rf"{events} +{model} ", listed)
    assert re.search(r"pixelcnn +autoregressive +exact +temperature", listed)
