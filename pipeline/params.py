"""params.yaml -> checked, frozen objects.

A key, type or value that does not fit is a `UserError` that names it by its path, before anything is written.
The keywords of a dataset, an extractor or a model's recipe are checked against the function that takes them.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, TypeVar, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from pipeline import paths, yaml_reader
from pipeline.errors import UserError, excerpt, suggest
from pipeline.paths import Cell

Count = Annotated[int, Field(strict=True, ge=1, lt=2**31)]
Whole = Annotated[int, Field(strict=True, ge=0, lt=2**31)]
Seed = Annotated[int, Field(strict=True, ge=0, lt=2**31)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Share = Annotated[float, Field(gt=0, le=1)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=100)]
Word = Annotated[str, Field(max_length=100)]


class Checked(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Open(BaseModel):
    """A block whose further keys are the keywords of the function that it names."""

    model_config = ConfigDict(frozen=True, extra="allow")

    @property
    def keywords(self) -> dict[str, Any]:
        return dict(self.model_extra or {})


class Data(Open):
    dataset: Word
    train: Annotated[Count, Field(ge=2)]
    """Authenticity compares with the distance from a training item to the nearest other one."""
    validation: Count
    test: Count
    seed: Seed = 0


class Extractor(Open):
    name: Word


class TaskParams(Checked):
    data: Data
    extractor: Extractor


class Training(Checked):
    """How long and how fast; a model's own `training` block overrides single keys of its event kind's."""

    steps: Count
    batch_size: Count
    learning_rate: Positive
    betas: tuple[Fraction, Fraction] = (0.9, 0.999)
    weight_decay: NonNegative = 0.0
    warmup: Whole = 0
    decay: Literal["constant", "cosine"] = "cosine"
    clip: Positive | None = 1.0
    average: Fraction = 0.999
    validate_every: Count = 250
    validate_items: Count = 1000
    patience: Count | None = None
    compile: bool = False
    """With torch.compile; not for a loss that differentiates twice (R1, a gradient penalty)."""
    precision: Literal["float32", "bfloat16"] = "float32"
    channels_last: bool = False


class Evaluation(Checked):
    """How many of everything a number is made from."""

    samples: Count
    draws: Count
    chunk: Count
    modes: Count | None = None
    """Samples that modes are counted in, where a published protocol wants more of them than `samples`."""
    neighbours: Count = 3
    coverage_neighbours: Count = 5
    conditions: Count = 40
    """Conditions that are each answered `repeats` times, to see how much variety a fixed condition leaves."""
    repeats: Annotated[int, Field(strict=True, ge=2)] = 8


LEAST = 6
"""Samples, and held-out items: the extrapolated Fréchet distance fits Gaussians to a third of them, to two at least."""


class ModelParams(Open):
    """A model: `recipe` (its own name unless given) of a family, the recipe's keywords, and training overrides."""

    family: Name
    recipe: Name | None = None
    training: dict[str, Any] = {}


class Suite(Checked):
    """A grid of cells that answers one question."""

    question: str
    default: bool
    events: Literal["points", "images"]
    tasks: Annotated[tuple[Name, ...], Field(min_length=1)]
    models: Annotated[tuple[Name, ...], Field(min_length=1)]
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1)]
    beside: tuple[Name, ...] = ()
    """Suites whose cells of the same tasks stand on this suite's boards as well: a cell itself has one suite."""
    ladder: tuple[Name, ...] = ()
    """Tasks of this suite and those beside it that ask for the same images under ever richer conditions, in order."""
    sweep: tuple[Name, ...] = ()
    """Models of this suite whose knob is turned through its settings (`knobs`), on each task and from each seed."""
    evaluation: Name | None = None
    """An entry of `evaluation`: that of the suite's events unless given."""

    def cells(self) -> Iterator[Cell]:
        return (Cell(t, m, s) for t in self.tasks for m in self.models for s in self.seeds)


Settings = Annotated[tuple[NonNegative, ...], Field(min_length=1, max_length=1000)]


class Knobs(Checked):
    """The settings that a sweep turns each knob to; 1 is the model as it was trained."""

    temperature: Settings = (0.4, 0.55, 0.7, 0.8, 0.9, 1.0, 1.1, 1.25)
    truncation: Settings = (0.25, 0.4, 0.55, 0.7, 0.85, 1.0, 1.15, 1.3)
    guidance: Settings = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)


T = TypeVar("T")


class PerEvents(Checked, Generic[T]):
    """One value for tasks of points, one for tasks of images."""

    points: T
    images: T

    def __getitem__(self, events: str) -> T:
        value: T = getattr(self, events)
        return value


class Params(Checked):
    tasks: dict[Name, TaskParams]
    training: PerEvents[Training]
    evaluation: dict[Name, Evaluation]
    models: PerEvents[dict[Name, ModelParams]]
    suites: dict[Name, Suite]
    knobs: Knobs = Knobs()

    def evaluated(self, cell: Cell, events: str) -> Evaluation:
        """How a cell is evaluated: as its suite says, else as all of its event kind; of no suite, likewise."""
        return self.evaluation_of(cell, events)[1]

    def evaluation_of(self, cell: Cell, events: str) -> tuple[str, Evaluation]:
        """Likewise, after its name in `evaluation`."""
        own = (suite.evaluation for suite in self.suites.values() if suite.evaluation and cell in set(suite.cells()))
        name = next(own, events)
        return name, self.evaluation[name]

    def suite_of(self, cell: Cell) -> str:
        return next(name for name, suite in self.suites.items() if cell in set(suite.cells()))

    def events(self, cell: Cell, kind: str) -> str:
        """`kind`, the event kind of the cell's data, if its suite agrees: DVC watches what the suite names."""
        for name, suite in self.suites.items():
            if suite.events != kind and cell in set(suite.cells()):
                raise UserError(
                    f"{paths.PARAMS}: suites.{name}.events: {suite.events}, but task {cell.task} has {kind}"
                )
        return kind

    def selected(self, suite: str | None = None, everything: bool = False) -> dict[str, Suite]:
        """The suites of a run: one by name, all, or those that are in the default run."""
        if suite is not None:
            if suite not in self.suites:
                raise UserError(f"suite {suite!r} is not in {paths.PARAMS}; {suggest(suite, self.suites)}")
            return {suite: self.suites[suite]}
        return {name: s for name, s in self.suites.items() if everything or s.default}

    def model(self, events: str, name: str) -> ModelParams:
        models = self.models[events]
        if name not in models:
            raise UserError(f"model {name!r} is not in {paths.PARAMS} under models.{events}; {suggest(name, models)}")
        return models[name]

    def task(self, name: str) -> TaskParams:
        if name not in self.tasks:
            raise UserError(f"task {name!r} is not in {paths.PARAMS} under tasks; {suggest(name, self.tasks)}")
        return self.tasks[name]

    def train(self, events: str, model: str) -> Training:
        """The event kind's training with the model's overrides."""
        where = f"models.{events}.{model}.training"
        merged = self.training[events].model_dump() | self.model(events, model).training
        return _validate(Training, merged, where)


def load(path: Path = paths.PARAMS) -> Params:
    """Read and check params.yaml.

    Raises:
        UserError: the file is missing, is not yaml, or holds a key or value that does not fit.
    """
    params = _validate(Params, read(path), "")
    _check_references(params)
    return params


def bind(function: Callable[..., Any], keywords: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Check `keywords` against the keyword-only parameters of `function`; the checked values come back."""
    hints = get_type_hints(function.__init__ if inspect.isclass(function) else function, include_extras=True)
    fields: dict[str, Any] = {
        name: (hints.get(name, Any), ... if p.default is inspect.Parameter.empty else p.default)
        for name, p in inspect.signature(function).parameters.items()
        if p.kind is inspect.Parameter.KEYWORD_ONLY
    }
    schema = create_model("Keywords", __config__=ConfigDict(extra="forbid", allow_inf_nan=False), **fields)
    return {name: getattr(_validate(schema, dict(keywords), where), name) for name in fields}


Schema = TypeVar("Schema", bound=BaseModel)


def _validate(schema: type[Schema], values: object, where: str) -> Schema:
    try:
        return schema.model_validate(values)
    except ValidationError as error:
        raise UserError(f"{paths.PARAMS}: {_explain(schema, error, where)}") from None


def _explain(schema: type[BaseModel], error: ValidationError, where: str) -> str:
    found = error.errors(include_url=False)
    first = next((e for e in found if e["type"] == "extra_forbidden"), found[0])  # a typo also leaves a key missing
    path = [*where.split(".")] * bool(where) + [_word(part) for part in first["loc"]]
    if first["type"] == "extra_forbidden":
        block = _block(schema, first["loc"][:-1])
        return f"{'.'.join(path)} is not a known key; {suggest(path[-1], block)}"
    if first["type"] == "missing":
        return f"{'.'.join(path)} is missing"
    given = "" if isinstance(first["input"], dict | list) else f", not {excerpt(first['input'])}"
    return f"{'.'.join(path)}: {first['msg'].lower()}{given}"


def _word(key: object) -> str:
    """A key as it stands in a message: quoted where it is no word."""
    text = str(key)
    return text if re.fullmatch(r"[\w-]{1,80}", text) else excerpt(text)


def _block(schema: Any, path: tuple[int | str, ...]) -> list[str]:
    """The keys that are allowed in the block at `path`."""
    for part in path:
        schema = schema.model_fields[part].annotation if _is_model(schema) and part in schema.model_fields else schema
        inner = [a for a in getattr(schema, "__args__", ()) if _is_model(a)]
        schema = inner[-1] if inner and not _is_model(schema) else schema
    return list(schema.model_fields) if _is_model(schema) else []


def _is_model(schema: Any) -> bool:
    return inspect.isclass(schema) and issubclass(schema, BaseModel)


def read(path: Path, limits: yaml_reader.Limits = yaml_reader.CONFIGURATION) -> object:
    """What a yaml file holds, unchecked: params.yaml, dvc.yaml, dvc.lock.

    Raises:
        UserError: the file is missing, is not yaml, or holds more than `limits` or than plain values.
    """
    try:
        return yaml_reader.load(path, limits)
    except FileNotFoundError:
        raise UserError(f"{path} is not here: run the command in the repository's root") from None


def _check_samples(evaluation: Evaluation, name: str) -> None:
    where = f"{paths.PARAMS}: evaluation.{name}"
    if evaluation.samples < LEAST:
        raise UserError(
            f"{where}.samples: {evaluation.samples}; allowed: {LEAST} or more, or metrics cannot be computed"
        )
    for key in ("neighbours", "coverage_neighbours"):
        value = getattr(evaluation, key)
        if value >= evaluation.samples:
            most = evaluation.samples - 1
            raise UserError(
                f"{where}.{key}: {value}; allowed: 1 to {most}, fewer than the {evaluation.samples} samples"
            )


def check_held_out(evaluation: Evaluation, count: int, name: str, task: str) -> None:
    """Check that a task's test split is large enough for the entry `name` of `evaluation`.

    Raises:
        UserError: it has `count` items, and a metric needs more.
    """
    if count < LEAST:
        hint = f"allowed: {LEAST} or more, or metrics cannot be computed"
        raise UserError(f"{paths.PARAMS}: tasks.{task}.data.test: {count}; {hint}")
    for key in ("neighbours", "coverage_neighbours"):
        value = getattr(evaluation, key)
        if value >= count:
            hint = f"allowed: 1 to {count - 1}, fewer than the test items of task {task} (tasks.{task}.data.test)"
            raise UserError(f"{paths.PARAMS}: evaluation.{name}.{key}: {value}; {hint}")


def _check_references(params: Params) -> None:
    """What a suite names exists, and each cell has one suite: two stages cannot own the same files."""
    for events in ("points", "images"):
        if events not in params.evaluation:
            raise UserError(f"{paths.PARAMS}: evaluation.{events} is missing")
    for name, evaluation in params.evaluation.items():
        _check_samples(evaluation, name)
    owner: dict[Cell, str] = {}
    for name, suite in params.suites.items():
        for field, known in (("tasks", params.tasks), ("models", params.models[suite.events])):
            for word in getattr(suite, field):
                if word not in known:
                    raise UserError(f"{paths.PARAMS}: suites.{name}.{field}: unknown {word!r}; {suggest(word, known)}")
        for word in suite.beside:
            if word not in params.suites or params.suites[word].events != suite.events:
                fit = [n for n, s in params.suites.items() if s.events == suite.events and n != name]
                hint = f"no suite {word!r} of {suite.events}; {suggest(word, fit)}"
                raise UserError(f"{paths.PARAMS}: suites.{name}.beside: {hint}")
        near = [task for word in (name, *suite.beside) for task in params.suites[word].tasks]
        for task in suite.ladder:
            if task not in near:
                hint = f"no task {task!r} in this suite or those beside it; {suggest(task, near)}"
                raise UserError(f"{paths.PARAMS}: suites.{name}.ladder: {hint}")
        for word in suite.sweep:
            if word not in suite.models:
                hint = f"no model {word!r} in this suite; {suggest(word, suite.models)}"
                raise UserError(f"{paths.PARAMS}: suites.{name}.sweep: {hint}")
        if suite.evaluation and suite.evaluation not in params.evaluation:
            hint = f"unknown {suite.evaluation!r}; {suggest(suite.evaluation, params.evaluation)}"
            raise UserError(f"{paths.PARAMS}: suites.{name}.evaluation: {hint}")
        for model in suite.models:
            params.train(suite.events, model)
        entry = suite.evaluation or suite.events
        for task in suite.tasks:
            check_held_out(params.evaluation[entry], params.tasks[task].data.test, entry, task)
        for cell in suite.cells():
            if cell in owner:
                other = owner[cell]
                raise UserError(f"{paths.PARAMS}: suites.{name}: {cell.key} is in suites.{other} too; keep it in one")
            owner[cell] = name
