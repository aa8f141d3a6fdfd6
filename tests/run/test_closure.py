"""The hash of a stage's code tells what the stage can reach, and nothing else."""

from __future__ import annotations

from pipeline.import_closure import Sources, normalized_source
from pipeline.stages.plan import entries

PLAIN = "def f(x: int) -> int:\n    return x + 1\n"
TALKATIVE = '"""Module."""\n\n# why\n\ndef f(x: int) -> int:\n    """One more."""\n\n    return x + 1  # one\n'


def test_words_mean_nothing() -> None:
    assert normalized_source(TALKATIVE) == normalized_source(PLAIN)


def test_an_attributes_docstring_means_nothing() -> None:
    assert normalized_source('class A:\n    x: int = 1\n    """Metres."""\n') == normalized_source(
        "class A:\n    x: int = 1\n"
    )


def test_code_means_something() -> None:
    assert normalized_source(PLAIN.replace("1", "2")) != normalized_source(PLAIN)
    assert normalized_source("x = 'a'\n") != normalized_source("x = 'b'\n")


def test_a_closure_holds_its_entries_and_their_packages() -> None:
    assert {"pipeline", "pipeline.stages", "pipeline.stages.prepare"} <= Sources().closure("pipeline.stages.prepare")


def test_an_import_inside_a_function_counts() -> None:
    assert "pipeline.stages.train" in Sources().closure("pipeline.cli")


def test_a_family_reaches_no_other_family() -> None:
    reached = Sources().closure(*entries("train", "gan"))
    families = {name.split(".")[2] for name in reached if name.endswith(".recipe")}
    assert families == {"gan"}


def test_training_depends_on_neither_the_runner_nor_the_command() -> None:
    reached = Sources().closure(*entries("train", "gan"))
    assert not reached & {"pipeline.cli", "pipeline.run", "pipeline.tracking", "pipeline.report"}


def test_the_hash_depends_on_the_modules_and_not_on_their_order() -> None:
    sources = Sources()
    assert sources.hash(["pipeline.paths", "pipeline.errors"]) == sources.hash(["pipeline.errors", "pipeline.paths"])
    assert sources.hash(["pipeline.paths"]) != sources.hash(["pipeline.errors"])
