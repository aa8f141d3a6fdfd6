"""Every law on every toy task: passed, failed with a message, or not supported.

A recipe may refuse a task with `UserError`: the task is not supported. Any other exception, from the recipe or within a
law, is a failure, and the message names where it was raised.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal, NamedTuple, TypeVar

from pipeline.conformance import dataset_laws, extractor_laws, model_laws
from pipeline.conformance.dataset_laws import DatasetFunction
from pipeline.conformance.extractor_laws import ExtractorFunction
from pipeline.conformance.law import Law, describe
from pipeline.conformance.subject import Subject
from pipeline.conformance.toy_tasks import EVENTS
from pipeline.contract import GenerativeModel
from pipeline.data.dataset import Dataset
from pipeline.errors import UserError
from pipeline.metrics.extractors.lookup import Extractor
from pipeline.training import reproducible

S = TypeVar("S")
Outcome = Literal["passed", "failed", "not supported"]
Place = tuple[str, ...]
"""An event, and a condition if there is one: ("grey", "class")."""
CONSTRUCTION = "It can be made, or refuses with a UserError."


class Verdict(NamedTuple):
    """The outcome of one law at one place.

    Args:
        statement: of the law.
        place: the event and the condition.
        outcome: "passed", "failed" or "not supported".
        message: why it failed or is not supported, or a note on how it was checked; may be empty.
    """

    statement: str
    place: Place
    outcome: Outcome
    message: str = ""


def inspect_model(recipe: Callable[..., GenerativeModel], name: str, **options: Any) -> Iterator[Verdict]:
    """Verdicts on a recipe called `name`; `options` are those of a `Subject`."""
    for problem in model_laws.problems(name):
        subject = Subject(recipe, problem, **options)
        yield from _inspect(subject, tuple(problem), model_laws.LAWS, lambda subject: subject.model)


def inspect_dataset(function: Callable[..., Dataset], **options: Any) -> Iterator[Verdict]:
    """Verdicts on a function that makes a dataset."""
    made = DatasetFunction(function, **options)
    yield from _inspect(made, ("its own task",), dataset_laws.LAWS, lambda function: function.make())


def inspect_extractor(function: Callable[..., Extractor], **options: Any) -> Iterator[Verdict]:
    """Verdicts on a function that makes an extractor."""
    for event in EVENTS:
        on_event = ExtractorFunction(function, event, **options)
        yield from _inspect(on_event, (event,), extractor_laws.LAWS, lambda function: function.fitted)


def _inspect(subject: S, place: Place, laws: Iterable[Law[S]], make: Callable[[S], object]) -> Iterator[Verdict]:
    reproducible.seed(0)
    try:
        make(subject)
    except UserError as error:
        yield Verdict(CONSTRUCTION, place, "not supported", str(error))
        return
    except Exception as error:  # third-party code may raise anything
        yield Verdict(CONSTRUCTION, place, "failed", describe(error))
        return
    yield Verdict(CONSTRUCTION, place, "passed")
    for law in laws:
        yield from _apply(law, subject, place)


def _apply(law: Law[S], subject: S, place: Place) -> Iterator[Verdict]:
    """One verdict, or none if the law does not apply."""
    reproducible.seed(0)
    try:
        if law.applies(subject):
            yield Verdict(law.statement, place, "passed", law.check(subject) or "")
    except Exception as error:  # third-party code may raise anything
        yield Verdict(law.statement, place, "failed", describe(error))
