"""The pages of docs/: each command ends well, each link leads somewhere, each number that is measured is explained."""

from __future__ import annotations

import re
import shutil
import tomllib
from pathlib import Path

import pytest
from clone import ROOT, call, clone, locked, toy
from page import DOCS, blocks, work_through

from pipeline import contract
from pipeline.metrics.registry import metrics
from pipeline.results.column import base

PAGES = (
    "get-started.md", "read-a-number.md", "add-a-model.md", "add-a-dataset.md", "add-a-metric.md", "add-a-suite.md",
    "extractors.md", "protocol.md", "architecture.md", "devices.md", "published.md", "rule-changes.md", "objectives.md",
    "energy.md", "sequences.md",
)  # fmt: skip
KINDS = {"sh", "yaml", "python", "diff", "toml", "text", "mermaid"}
LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)\s]*))?\)")
FILE = re.compile(r"`((?:pipeline|tests|benchmarks)/[\w/]+\.py)`")
CAPABILITIES = (
    "GenerativeModel",
    "SinglePlayer",
    "Bounded",
    "Weighted",
    "Exact",
    "Unnormalised",
    "SamplesByMarkovChain",
    "Reconstructs",
    "SupportsUnconditional",
)
each = pytest.mark.parametrize("page", [*PAGES, "scale.md"])


@pytest.mark.slow
def test_the_first_page_ends_with_a_report(started: Path) -> None:
    for made in ("reports/leaderboard.md", "reports/results.csv", "mlflow.db", "drawn/samples.csv"):
        assert (started / made).exists(), made


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES[1:])
def test_the_commands_of_a_page_end_well(page: str, started: Path, tmp_path: Path) -> None:
    folder = tmp_path / "coverseek"
    shutil.copytree(started, folder, symlinks=True)
    work_through(page, folder)


@pytest.mark.slow
def test_two_nodes_on_one_machine_give_the_lock_of_two_processes(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    folders = [clone(ROOT, tmp_path / name, toy()) for name in ("processes", "nodes")]
    call(folders[0], "coverseek", "run", "-j", "2", "--no-track")
    work_through("scale.md", folders[1])
    assert locked(folders[1]) == locked(folders[0])
    assert "Nothing changed" in call(folders[1], "coverseek", "run", "--no-track")


@each
def test_a_page_is_short_and_its_blocks_are_of_a_kind_that_is_tested(page: str) -> None:
    assert len((DOCS / page).read_text().splitlines()) <= 160
    assert {block.kind for block in blocks(page)} <= KINDS


@each
def test_links_and_files_are_there(page: str) -> None:
    text = (DOCS / page).read_text()
    for path, place in LINK.findall(text):
        if path.startswith("http"):
            continue
        target = (DOCS / path if path else DOCS / page).resolve()
        assert target.exists(), path
        assert not place or place in _anchors(target), f"{path}#{place}"
    for file in FILE.findall(text):
        assert (ROOT / file).exists() or f"# {file}" in text, file


def test_each_metric_is_explained() -> None:
    page = (DOCS / "read-a-number.md").read_text()
    for metric in metrics():
        assert f"`{base(metric.name.format(draws=64))}`" in page, metric.name


def test_each_capability_is_explained() -> None:
    page = (DOCS / "add-a-model.md").read_text()
    for name in CAPABILITIES:
        assert hasattr(contract, name)
        assert f"| `{name}` |" in page


def test_the_architecture_names_each_layer_and_each_library_with_a_door() -> None:
    page = (DOCS / "architecture.md").read_text().lower()
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers, doors = contracts[0]["layers"], next(c for c in contracts if "one door" in c["name"])["forbidden_modules"]
    for name in [*re.findall(r"\w+", " ".join(layers)), *doors]:
        assert name in page


@pytest.mark.parametrize(("page", "most"), [("add-a-model.md", 60), ("add-a-dataset.md", 30), ("add-a-metric.md", 50)])
def test_an_example_is_as_short_as_promised(page: str, most: int) -> None:
    assert all(block.text.count("\n") - 1 < most for block in blocks(page) if block.kind == "python")


def _anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings."""
    heads = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}
