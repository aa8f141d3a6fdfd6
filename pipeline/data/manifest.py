"""What prepared data and samples are on disk: the schema of a task's manifest, and of the arrays that it describes.

Imports no torch: the report reads these files too.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import BaseModel, Field, FiniteFloat, model_validator

from pipeline import files, paths
from pipeline.files import ArraySpec
from pipeline.paths import Cell

LARGEST = 2**24
"""Values of one event."""

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Sizes = Annotated[list[Annotated[int, Field(ge=0, le=LARGEST)]], Field(max_length=3)]


class EventSchema(BaseModel):
    """`pipeline.contract.Event`."""

    shape: Annotated[list[Annotated[int, Field(ge=1, le=LARGEST)]], Field(min_length=1, max_length=3)]
    levels: Annotated[int, Field(ge=2, le=256)] | None
    scale: Positive = 1.0
    rate: Annotated[int, Field(ge=1, le=LARGEST)] | None = None

    @model_validator(mode="after")
    def _bounded(self) -> EventSchema:
        if math.prod(self.shape) > LARGEST:
            raise ValueError(f"an event has at most {LARGEST:,} values")
        if len(self.shape) != 2 and (len(self.shape) == 1) != (self.levels is None):
            raise ValueError("points have one axis, sequences two, images three and levels")
        return self


class ConditionSchema(BaseModel):
    """`pipeline.contract.Condition`."""

    kind: Literal["none", "class", "box", "segmentation", "grayscale"]
    shape: Sizes
    size: Annotated[int, Field(ge=0, le=LARGEST)] = 0


class MixtureSchema(BaseModel):
    """`pipeline.contract.Mixture`."""

    means: Annotated[list[list[FiniteFloat]], Field(min_length=1)]
    sigma: Positive
    weights: list[Positive]

    @model_validator(mode="after")
    def _paired(self) -> MixtureSchema:
        if len(self.means) != len(self.weights):
            raise ValueError("each mode has a mean and a weight")
        return self


Row = Annotated[list[Annotated[float, Field(ge=0, le=1)]], Field(min_length=1)]


class GaussianAutoregressionSchema(BaseModel):
    """`pipeline.processes.GaussianAutoregression`."""

    coefficients: Annotated[list[FiniteFloat], Field(min_length=1)]
    sigma: Positive


class HiddenMarkovSchema(BaseModel):
    """`pipeline.processes.HiddenMarkov`."""

    initial: Row
    transition: list[Row]
    emission: list[Row]

    @model_validator(mode="after")
    def _consistent(self) -> HiddenMarkovSchema:
        states = len(self.initial)
        if {len(self.transition), len(self.emission), *map(len, self.transition)} != {states}:
            raise ValueError(f"{states} states have {states} x {states} transitions, and {states} rows of emissions")
        return self


class FactorSchema(BaseModel):
    """`pipeline.contract.Factor`."""

    name: str
    weights: Annotated[list[Positive], Field(min_length=1)]
    channel: Annotated[int, Field(ge=0)] | None = None


class SplitFile(BaseModel):
    """The npz of a split: `count` items, and the hash of its bytes; and of each larger array that has an npy file of
    its own, by name, the hash of that."""

    sha256: str
    count: Annotated[int, Field(ge=1)] | None = None
    arrays: dict[Literal["x", "c", "label", "factors", "sources", "intensity"], str] = {}


class Manifest(BaseModel):
    """manifest.json of a task's prepared data."""

    task: str
    event: EventSchema
    condition: ConditionSchema = ConditionSchema(kind="none", shape=[0])
    truth: MixtureSchema | GaussianAutoregressionSchema | HiddenMarkovSchema | None = None
    factors: list[FactorSchema] = []
    splits: dict[str, SplitFile] = {}

    @model_validator(mode="after")
    def _consistent(self) -> Manifest:
        shape, own = self.event.shape, self.condition.shape
        fits = {
            "none": own == [0],
            "class": own == [] and self.condition.size > 0,
            "box": own == [4],
            "segmentation": own == shape[1:] and self.condition.size > 0,
            "grayscale": own == [1, *shape[1:]],
        }
        if not fits[self.condition.kind]:
            raise ValueError(f"a condition {self.condition.kind} of events {shape} has no shape {own}")
        mixture = self.truth if isinstance(self.truth, MixtureSchema) else None
        if mixture and any(len(mean) != math.prod(shape) for mean in mixture.means):
            raise ValueError(f"the truth's means have not the shape {shape} of an event")
        return self

    @property
    def x(self) -> tuple[str, int | None]:
        """The kind of dtype of an event on disk, and the number of its levels."""
        return ("f", None) if self.event.levels is None else ("u", self.event.levels)

    def arrays(self, split: str) -> dict[str, ArraySpec]:
        """What a split's npz must hold."""
        count = self.splits[split].count if split in self.splits else None
        kinds, below = self.x
        return {
            "x": ArraySpec(kinds, (count, *self.event.shape), below),
            "c": self._conditions(count),
            "label": ArraySpec("iu", (count,), optional=True),
            "factors": ArraySpec("iu", (count, len(self.factors) or None), optional=True),
            "sources": ArraySpec("iu", (count, None), optional=True),
            "intensity": ArraySpec("u", (count, *self.event.shape), optional=True),
        }

    def samples(self) -> dict[str, ArraySpec]:
        """What the npz of a cell's samples must hold."""
        kinds, below = self.x
        return {
            "x": ArraySpec(kinds, (None, *self.event.shape), below),
            "repeated": ArraySpec(kinds, (None, None, *self.event.shape), below, optional=True),
            "repeated_c": ArraySpec(**{**vars(self._conditions(None)), "optional": True}),
            "plane": ArraySpec(kinds, (None, None, *self.event.shape), below, optional=True),
        }

    def _conditions(self, count: int | None) -> ArraySpec:
        labels = self.condition.kind in ("class", "segmentation")
        return ArraySpec(
            "iu" if labels else "f", (count, *self.condition.shape), self.condition.size if labels else None
        )


def command(task: str) -> str:
    """What makes a task's prepared data."""
    return f"coverseek prepare --task {task}"


def read(task: str) -> Manifest:
    """Raises `UserError` where the manifest is missing or damaged."""
    return files.read_record(paths.prepared(task) / "manifest.json", command(task), Manifest)


def read_split(task: str, split: str, manifest: Manifest | None = None) -> files.Arrays:
    """The arrays of a split; large ones are mapped from their files.

    The bytes of large files are not compared with their hashes, which would read all of them: `coverseek doctor` does.

    Raises:
        UserError: a file is missing or damaged.
    """
    known = manifest or read(task)
    specs, folder = known.arrays(split), paths.prepared(task)
    large = known.splits[split].arrays if split in known.splits else {}
    small = {name: spec for name, spec in specs.items() if name not in large}
    arrays = files.read_npz(folder / f"{split}.npz", command(task), small)
    return arrays | {
        name: files.map_npy(folder / array_file(split, name), command(task), specs[name]) for name in large
    }


def array_file(split: str, name: str) -> str:
    """The file of a large array, in the folder of its task."""
    return f"{split}-{name}.npy"


def read_samples(cell: Cell) -> files.Arrays:
    """The samples of a cell. Raises `UserError` where a file is missing or damaged."""
    command = f"coverseek evaluate --task {cell.task} --model {cell.model} --seed {cell.seed}"
    return files.read_npz(paths.samples(cell), command, read(cell.task).samples())
