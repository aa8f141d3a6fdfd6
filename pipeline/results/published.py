"""Numbers that papers state: the schema of `published.yaml`, which is the one place that holds them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from pipeline import params
from pipeline.errors import UserError, excerpt
from pipeline.params import Checked, Count, Name, Positive

PATH = Path("published.yaml")

Text = Annotated[str, Field(min_length=1, max_length=300)]


class PublishedNumber(Checked):
    """One number of a paper, and the cell that repeats it.

    Attributes:
        task: of the cell; None where no task here has the paper's data protocol.
        model: of the cell.
        name: of the paper's model, where no cell repeats it.
        metric: of results.csv.
        value: as published.
        unit: of the published value.
        values: of an item; where given, bits/dim of results.csv become nats of an item.
        better: which direction is better.
        source: authors, year and address.
        where: the table; "not checked" where the number is quoted from memory.
        protocol: of the paper: data and counts.
        tolerance: the largest difference of a reproduction, in `unit`.
        items: training items that the paper's training took, repetitions counted; None where it does not say.
        differs: what our cell does otherwise.
    """

    task: Name | None = None
    model: Name | None = None
    name: Text | None = None
    metric: Name
    value: float
    unit: Text
    values: Count | None = None
    better: Literal["higher", "lower"] = "lower"
    source: Text
    where: Text
    protocol: Text
    tolerance: Positive
    items: Count | None = None
    differs: tuple[Text, ...] = ()

    @model_validator(mode="after")
    def _named(self) -> PublishedNumber:
        if self.model is None and self.name is None:
            raise ValueError("a number needs a model, or a name where no cell repeats it")
        return self


class PublishedTable(Checked):
    """Numbers under one heading. Keys of a number that the table itself gives hold for each of its numbers."""

    title: Text
    numbers: Annotated[tuple[PublishedNumber, ...], Field(min_length=1)]

    @model_validator(mode="before")
    @classmethod
    def _share_keys(cls, values: Any) -> Any:
        if not isinstance(values, dict) or not isinstance(values.get("numbers"), list):
            return values
        shared = {key: value for key, value in values.items() if key in PublishedNumber.model_fields}
        numbers = [shared | one if isinstance(one, dict) else one for one in values["numbers"]]
        return {key: value for key, value in values.items() if key not in shared} | {"numbers": numbers}


class PublishedNumbers(Checked):
    """published.yaml."""

    tables: tuple[PublishedTable, ...]


def read(path: Path = PATH) -> tuple[PublishedTable, ...]:
    """The published numbers; none where there is no file.

    Raises:
        UserError: the file is not yaml, or holds a key or value that does not fit.
    """
    if not path.exists():
        return ()
    try:
        return PublishedNumbers.model_validate(params.read(path)).tables
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise UserError(f"{path}: {where}: {first['msg'].lower()}, not {excerpt(first['input'])}; correct it") from None
