"""params.yaml -> checked, frozen objects.

A key, type or value that does not fit is a `UserError` that names it by its path, before anything is written.
The keywords of a dataset, an extractor or a model's recipe are checked against the function that takes them.
"""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, TypeVar, get_type_hints

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, create_model, model_validator

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


class ExtractorParams(Open):
    name: Word


class TaskParams(Checked):
    data: Data
    extractor: ExtractorParams
    second_extractor: ExtractorParams | None = None
    """By whose features some metrics are computed a second time, to see whether the order of the models outlasts it."""
    evaluation: Name | None = None
    """An entry of `evaluation`; that of the task's events unless given."""

    @property
    def extractors(self) -> tuple[str, ...]:
        """The names of its extractors."""
        return tuple(one.name for one in (self.extractor, self.second_extractor) if one)


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
    keep: Literal["best", "last"] = "best"
    """The averaged weights that a training returns: those of the best bound on the validation split, or the last. A
    model without a bound has the last."""
    compile: bool = False
    """With torch.compile; not for a loss that differentiates twice (R1, a gradient penalty)."""
    precision: Literal["float32", "tf32", "bfloat16"] = "float32"
    """Of the losses and their gradients. tf32: float32 with 10 bits of mantissa in matrix products, on CUDA; bfloat16:
    automatic mixed precision. Validation and evaluation are always in float32."""
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


DEVICE_VARIABLE = "COVERSEEK_DEVICE"
"""An environment variable that takes the place of `hardware.device`."""
DEVICES = "auto, cpu, cuda, cuda:N, mps"


def _known_device(word: str) -> str:
    if not re.fullmatch(r"auto|cpu|mps|cuda(:[0-9]{1,3})?", word):
        raise ValueError(f"allowed: {DEVICES}")
    return word


def check_device(word: str, where: str) -> str:
    """`word`, if it is a setting of `hardware.device`; `where` it was given. Raises `UserError` if it is not."""
    try:
        return _known_device(word)
    except ValueError as error:
        raise UserError(f"{where}: {excerpt(word)}; {error}") from None


class HardwareParams(Checked):
    """Where a run computes, and how often a training is saved."""

    device: Annotated[str, AfterValidator(_known_device)] = "cpu"
    """`auto`: a GPU if there is one, else the CPU."""
    checkpoint_seconds: NonNegative = 120.0
    """Seconds of training between two resume points, at least; 0: none are written."""


LEAST = 6
"""Samples, and held-out items: the extrapolated Fréchet distance fits Gaussians to a third of them, to two at least."""


class ModelParams(Open):
    """A model: `recipe` (its own name unless given) of a family, the recipe's keywords, and training overrides."""

    family: Name
    recipe: Name | None = None
    training: dict[str, Any] = {}


Events = Literal["points", "images", "sequences"]
EVENTS: tuple[Events, ...] = ("points", "images", "sequences")


class Grid(Checked):
    """Each of `tasks` with each of `models` from each of `seeds`."""

    events: Events
    tasks: Annotated[tuple[Name, ...], Field(min_length=1)]
    models: Annotated[tuple[Name, ...], Field(min_length=1)]
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1)]
    sweep: tuple[Name, ...] = ()
    """Models of this grid that are also evaluated at each setting of their knob (`knobs`)."""

    def cells(self) -> list[Cell]:
        return [Cell(t, m, s) for t in self.tasks for m in self.models for s in self.seeds]

    def sweeps(self) -> list[Cell]:
        return [cell for cell in self.cells() if cell.model in self.sweep]


class Suite(Checked):
    """A question and the cells that answer it; other suites may select the same cells.

    A suite has a list of grids. The keys of a grid that the suite itself gives hold for each of its grids; a suite of
    one grid gives all of them and no list.
    """

    question: str
    default: bool
    opt_in: bool = False
    """Run by `coverseek run --suite` alone: its data have to be downloaded, or it needs days of a GPU."""
    grids: Annotated[tuple[Grid, ...], Field(min_length=1)]
    conditioning: tuple[Name, ...] = ()
    """Tasks of this suite that ask for the same images under ever richer conditions, in order."""

    @model_validator(mode="before")
    @classmethod
    def _share_keys(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        shared = {key: value for key, value in values.items() if key in Grid.model_fields}
        grids = values.get("grids", [{}])
        if isinstance(grids, list):
            grids = [shared | grid if isinstance(grid, dict) else grid for grid in grids]
        return {key: value for key, value in values.items() if key not in shared} | {"grids": grids}

    @property
    def tasks(self) -> tuple[str, ...]:
        return _union(grid.tasks for grid in self.grids)

    @property
    def models(self) -> tuple[str, ...]:
        return _union(grid.models for grid in self.grids)

    def cells(self) -> tuple[Cell, ...]:
        return _union(grid.cells() for grid in self.grids)


V = TypeVar("V")


def _union(groups: Iterable[Iterable[V]]) -> tuple[V, ...]:
    """Each item once, in the order of its first occurrence."""
    return tuple(dict.fromkeys(item for group in groups for item in group))


Settings = Annotated[tuple[NonNegative, ...], Field(min_length=1, max_length=1000)]


class Knobs(Checked):
    """The settings that a sweep turns each knob to; 1 is the model as it was trained."""

    temperature: Settings = (0.4, 0.55, 0.7, 0.8, 0.9, 1.0, 1.1, 1.25)
    truncation: Settings = (0.25, 0.4, 0.55, 0.7, 0.85, 1.0, 1.15, 1.3)
    guidance: Settings = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)


T = TypeVar("T")


class PerEvents(Checked, Generic[T]):
    """One value for tasks of points, one for tasks of images, and one for tasks of sequences, where there are any."""

    points: T
    images: T
    sequences: T | None = None

    def __getitem__(self, events: str) -> T:
        value: T | None = getattr(self, events)
        if value is None:
            raise UserError(f"{paths.PARAMS}: training.{events} is missing, and a suite has {events}")
        return value


class Models(Checked):
    """The models by name, of each kind of event."""

    points: dict[Name, ModelParams]
    images: dict[Name, ModelParams]
    sequences: dict[Name, ModelParams] = {}

    def __getitem__(self, events: str) -> dict[str, ModelParams]:
        value: dict[str, ModelParams] = getattr(self, events)
        return value


class Params(Checked):
    tasks: dict[Name, TaskParams]
    training: PerEvents[Training]
    evaluation: dict[Name, Evaluation]
    models: Models
    suites: dict[Name, Suite]
    knobs: Knobs = Knobs()
    hardware: HardwareParams = HardwareParams()

    @property
    def device(self) -> str:
        """`hardware.device`, or `COVERSEEK_DEVICE` where it is set.

        Raises:
            UserError: the variable names no kind of device.
        """
        return check_device(os.environ.get(DEVICE_VARIABLE) or self.hardware.device, DEVICE_VARIABLE)

    def without(self, suites: Collection[str]) -> Params:
        """The same without these suites and the tasks that they alone select."""
        kept = {name: suite for name, suite in self.suites.items() if name not in suites}
        selected = {*_union(suite.tasks for suite in kept.values())}
        alone = {*_union(self.suites[name].tasks for name in suites)} - selected
        tasks = {name: task for name, task in self.tasks.items() if name not in alone}
        fields = {name: getattr(self, name) for name in Params.model_fields}
        return Params(**fields | {"suites": kept, "tasks": tasks})

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """The cells of all suites, each once, in the order of `tasks`, `models` and seeds."""
        return self._ordered(cell for suite in self.suites.values() for cell in suite.cells())

    @cached_property
    def sweeps(self) -> tuple[Cell, ...]:
        """Those of `cells` that are also evaluated at each setting of their knob."""
        grids = (grid for suite in self.suites.values() for grid in suite.grids)
        return self._ordered(cell for grid in grids for cell in grid.sweeps())

    def _ordered(self, cells: Iterable[Cell]) -> tuple[Cell, ...]:
        tasks = {task: place for place, task in enumerate(self.tasks)}
        models = {events: {name: place for place, name in enumerate(self.models[events])} for events in EVENTS}

        def place(cell: Cell) -> tuple[int, int, int]:
            return tasks[cell.task], models[self.task_events[cell.task]][cell.model], cell.seed

        return tuple(sorted(set(cells), key=place))

    @cached_property
    def task_events(self) -> dict[str, Events]:
        """Task -> the event kind that suites give it; without the tasks of no suite."""
        grids = [grid for suite in self.suites.values() for grid in suite.grids]
        return {task: grid.events for grid in grids for task in grid.tasks}

    def evaluation_of(self, task: str, events: str) -> tuple[str, Evaluation]:
        """The entry of `evaluation` by which a task is evaluated, after its name."""
        name = self.task(task).evaluation or events
        return name, self.evaluation[name]

    def events(self, cell: Cell, kind: str) -> str:
        """`kind`, the event kind of the cell's data, if the suites agree: DVC depends on what they state."""
        for name, suite in self.suites.items():
            for grid in suite.grids:
                if grid.events != kind and cell.task in grid.tasks:
                    raise UserError(
                        f"{paths.PARAMS}: suites.{name}.events: {grid.events}, but task {cell.task} has {kind}"
                    )
        return kind

    def selected(self, suite: str | None = None, everything: bool = False) -> dict[str, Suite]:
        """The suites of a run: one by name, all but those that are `opt_in`, or those that are in the default run."""
        if suite is not None:
            if suite not in self.suites:
                raise UserError(f"suite {suite!r} is not in {paths.PARAMS}; {suggest(suite, self.suites)}")
            return {suite: self.suites[suite]}
        return {name: s for name, s in self.suites.items() if s.default or (everything and not s.opt_in)}

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
        raise UserError(f"{paths.PARAMS}: {_explain(schema, error, values, where)}") from None


def _explain(schema: type[BaseModel], error: ValidationError, values: object, where: str) -> str:
    found = error.errors(include_url=False)
    first = next((e for e in found if e["type"] == "extra_forbidden"), found[0])  # a typo also leaves a key missing
    path = [*where.split(".")] * bool(where) + [_word(part) for part in _given(first["loc"], values)]
    if first["type"] == "extra_forbidden":
        block = _block(schema, first["loc"][:-1])
        return f"{'.'.join(path)} is not a known key; {suggest(path[-1], block)}"
    if first["type"] == "missing":
        return f"{'.'.join(path)} is missing"
    given = "" if isinstance(first["input"], dict | list) else f", not {excerpt(first['input'])}"
    return f"{'.'.join(path)}: {first['msg'].lower()}{given}"


def _given(loc: tuple[int | str, ...], values: object) -> tuple[int | str, ...]:
    """`loc` as it is in the file: without `grids.0` where a suite gives the keys of its grid itself."""
    if len(loc) > 4 and loc[0] == "suites" and isinstance(values, dict):
        suite = values["suites"][loc[1]]
        if "grids" not in suite or (loc[4] in suite and loc[4] not in suite["grids"][int(loc[3])]):
            return (*loc[:2], *loc[4:])
    return loc


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
    return [*schema.model_fields, *(Grid.model_fields if schema is Suite else ())] if _is_model(schema) else []


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
    """What a suite names exists, and a task has one event kind."""
    selected = {grid.events for suite in params.suites.values() for grid in suite.grids}
    for events in EVENTS:
        if events not in params.evaluation and (events in selected or events != "sequences"):
            raise UserError(f"{paths.PARAMS}: evaluation.{events} is missing")
    for name, evaluation in params.evaluation.items():
        _check_samples(evaluation, name)
    for task, spec in params.tasks.items():
        if spec.evaluation and spec.evaluation not in params.evaluation:
            hint = f"unknown {spec.evaluation!r}; {suggest(spec.evaluation, params.evaluation)}"
            raise UserError(f"{paths.PARAMS}: tasks.{task}.evaluation: {hint}")
    kinds: dict[str, Events] = {}
    for name, suite in params.suites.items():
        if suite.default and suite.opt_in:
            raise UserError(f"{paths.PARAMS}: suites.{name}.opt_in: a suite of the default run cannot be opt_in")
        for grid in suite.grids:
            _check_grid(params, name, grid)
            for task in grid.tasks:
                if kinds.setdefault(task, grid.events) != grid.events:
                    hint = f"{grid.events}, but another suite has task {task} of {kinds[task]}"
                    raise UserError(f"{paths.PARAMS}: suites.{name}.events: {hint}")
        for task in suite.conditioning:
            if task not in suite.tasks:
                hint = f"no task {task!r} in this suite; {suggest(task, suite.tasks)}"
                raise UserError(f"{paths.PARAMS}: suites.{name}.conditioning: {hint}")


def _check_grid(params: Params, suite: str, grid: Grid) -> None:
    for field, known in (("tasks", params.tasks), ("models", params.models[grid.events])):
        for word in getattr(grid, field):
            if word not in known:
                raise UserError(f"{paths.PARAMS}: suites.{suite}.{field}: unknown {word!r}; {suggest(word, known)}")
    for word in grid.sweep:
        if word not in grid.models:
            hint = f"no model {word!r} among the models; {suggest(word, grid.models)}"
            raise UserError(f"{paths.PARAMS}: suites.{suite}.sweep: {hint}")
    for model in grid.models:
        params.train(grid.events, model)
    for task in grid.tasks:
        name, evaluation = params.evaluation_of(task, grid.events)
        check_held_out(evaluation, params.tasks[task].data.test, name, task)
