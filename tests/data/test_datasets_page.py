"""The pages on datasets document every keyword of the code, and their examples are valid."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest
import yaml

from pipeline.data.datasets import DATASETS
from pipeline.params import TaskParams, bind

DOCS = Path(__file__).parents[2] / "docs"
PAGES = {name: (DOCS / name).read_text(encoding="utf-8") for name in ("datasets.md", "image-folder.md", "sequences.md")}
PAGE = "".join(PAGES.values())
TASKS = {
    name: TaskParams.model_validate(task)
    for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    for name, task in yaml.safe_load(block)["tasks"].items()
}


@pytest.mark.parametrize("name", TASKS)
def test_every_block_is_one_that_the_dataset_takes(name: str) -> None:
    data = TASKS[name].data
    bind(DATASETS[data.dataset], data.keywords, f"tasks.{name}.data")


@pytest.mark.parametrize("name", DATASETS)
def test_every_dataset_is_on_the_page_with_its_keywords(name: str) -> None:
    assert f"`{name}`" in PAGE or f"dataset: {name}" in PAGE
    for word, parameter in inspect.signature(DATASETS[name]).parameters.items():
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
            assert f"`{word}`" in PAGE


@pytest.mark.parametrize("page", PAGES)
def test_a_page_has_at_most_160_lines_and_its_links_lead_to_files(page: str) -> None:
    assert len(PAGES[page].splitlines()) <= 160
    for target in re.findall(r"\]\(([^)#\s:]+)[^)]*\)", PAGES[page]):
        assert (DOCS / target).exists(), target
