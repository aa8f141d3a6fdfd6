"""Every law on every problem: kept, broken and what is wrong in words, or not served.

A recipe that refuses a task with `UserError` does not serve it, which is its right. Whatever else it raises, there or
in a law, is broken, and the verdict says where.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal, NamedTuple, TypeVar

from pipeline.contract import GenerativeModel
from pipeline.data.dataset import Dataset
from pipeline.errors import UserError
from pipeline.laws import datasets, extractors, models
from pipeline.laws.law import Law, describe
from pipeline.laws.problem import EVENTS
from pipeline.laws.source import Source
from pipeline.laws.subject import Subject
from pipeline.metrics.features import Extractor
from pipeline.training import reproducible

S = TypeVar("S")
Outcome = Literal["kept", "broken", "not served"]
Place = tuple[str, ...]
"""An event, and a condition where there is one: ("grey", "class")."""
MADE = "It can be made, or refuses with a UserError."


class Verdict(NamedTuple):
    """`words` are empty where the law is kept."""

    law: str
    place: Place
    outcome: Outcome
    words: str = ""


def model(recipe: Callable[..., GenerativeModel], name: str, **options: Any) -> Iterator[Verdict]:
    """Of a recipe called `name`; `options` are those of a `Subject`."""
    for problem in models.problems(name):
        subject = Subject(recipe, problem, **options)
        yield from _inspect(subject, tuple(problem), models.LAWS, lambda subject: subject.made)


def dataset(function: Callable[..., Dataset], **options: Any) -> Iterator[Verdict]:
    """Of a dataset's function."""
    source = Source(function, **options)
    yield from _inspect(source, ("its own task",), datasets.LAWS, lambda source: source.make())


def extractor(function: Callable[..., Extractor], **options: Any) -> Iterator[Verdict]:
    """Of an extractor's function."""
    for event in EVENTS:
        reader = extractors.Reader(function, event, **options)
        yield from _inspect(reader, (event,), extractors.LAWS, lambda reader: reader.fitted)


def _inspect(subject: S, place: Place, laws: Iterable[Law[S]], make: Callable[[S], object]) -> Iterator[Verdict]:
    reproducible.seed(0)
    try:
        make(subject)
    except UserError as error:
        yield Verdict(MADE, place, "not served", str(error))
        return
    except Exception as error:  # whatever foreign code raises
        yield Verdict(MADE, place, "broken", describe(error))
        return
    yield Verdict(MADE, place, "kept")
    for law in laws:
        yield from _judge(law, subject, place)


def _judge(law: Law[S], subject: S, place: Place) -> Iterator[Verdict]:
    """Nothing where the law does not speak of the subject."""
    reproducible.seed(0)
    try:
        if law.concerns(subject):
            law.check(subject)
            yield Verdict(law.words, place, "kept")
    except Exception as error:  # whatever foreign code raises
        yield Verdict(law.words, place, "broken", describe(error))
