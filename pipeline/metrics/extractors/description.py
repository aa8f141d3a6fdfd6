"""The schema of extractor.json, which describes a task's extractor and judges. Imports no torch."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field


class DescribedJudge(BaseModel):
    """A judge in the description of a task's extractor. `test`: its score on the test split."""

    id: str
    architecture: dict[str, Any]
    test: Annotated[float, Field(allow_inf_nan=False)]


class Description(BaseModel):
    """extractor.json."""

    name: str
    id: str
    features: Annotated[int, Field(ge=1)] | None = None
    stored: bool = True
    architecture: dict[str, Any] = {}
    accuracy: dict[str, float] | None = None
    judges: dict[str, DescribedJudge] = {}
    second: Description | None = None
    """Of the task's second extractor."""
