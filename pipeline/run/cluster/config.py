"""cluster.yaml: where a cluster is and what each kind of step needs of it. Optional; it changes no number.

address: 10.0.0.1:6379          # of Ray's head; else RAY_ADDRESS, else a head on this machine
store: /shared/coverseek        # or s3://bucket/folder; without it files travel through Ray
scratch: /local/disk            # of each node, for the cells' folders; else its temporary folder
retries: 2                      # how often a cell that lost its node runs again
needs:                          # by stage, stage.events or stage.events.model; the most specific key decides
  train: {cpus: 1, memory: 2G}
  train.images.glow: {gpus: 0.5, memory: 6G}
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationError

from pipeline import params
from pipeline.errors import UserError, suggest
from pipeline.params import Checked, Params
from pipeline.run.step import Step

FILE = Path("cluster.yaml")
STAGES = ("train", "evaluate", "sweep")
"""The steps of cells, which run on the cluster. The others read or write files of the machine that drives the run."""
UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def _bytes(text: str) -> str:
    number, unit = text[:-1], text[-1:]
    if unit not in UNITS or not number.isdecimal() or not int(number):
        raise ValueError("allowed: a whole number of K, M or G, such as 6G")
    return text


class _Needs(Checked):
    cpus: Annotated[int, Field(ge=1)] | None = None
    gpus: Annotated[float, Field(ge=0)] | None = None
    memory: Annotated[str, AfterValidator(_bytes)] | None = None
    accelerator: str | None = None


class _File(Checked):
    address: str | None = None
    store: str = ""
    scratch: str = ""
    retries: Annotated[int, Field(ge=0)] = 2
    needs: dict[str, _Needs] = Field(default_factory=dict)


@dataclass(frozen=True)
class Needs:
    """What one step takes: CPUs, GPUs (a fraction is a share of one), bytes of memory, and a type of GPU as Ray names
    it; 0 bytes are not counted."""

    cpus: int = 1
    gpus: float = 0.0
    memory: int = 0
    accelerator: str = ""

    def __str__(self) -> str:
        gpus = f", {self.gpus:g} GPUs{f' of type {self.accelerator}' * bool(self.accelerator)}" if self.gpus else ""
        return f"{self.cpus} CPUs{gpus}" + (f", {self.memory / UNITS['G']:.3g} GiB" if self.memory else "")


@dataclass(frozen=True)
class ClusterConfig:
    """The content of cluster.yaml, checked against params.yaml."""

    file: _File
    settings: Params

    @classmethod
    def load(cls, settings: Params) -> ClusterConfig:
        """Read cluster.yaml; the defaults where there is none.

        Raises:
            UserError: a key or value is not allowed.
        """
        try:
            file = _File.model_validate(params.read(FILE) or {}) if FILE.exists() else _File()
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(map(str, first["loc"]))
            raise UserError(f"{FILE}: {key}: {first['msg'].removeprefix('Value error, ')}") from None
        models = [f"{events}.{name}" for events in params.EVENTS for name in settings.models[events]]
        kinds = [*params.EVENTS, *models]
        known = [*STAGES, *(f"{stage}.{kind}" for stage in STAGES for kind in kinds)]
        for key, needs in file.needs.items():
            if key not in known:
                raise UserError(f"{FILE}: needs.{key}: no such stage, events or model; {suggest(key, known)}")
            if needs.gpus and needs.gpus > 1 and needs.gpus % 1:
                raise UserError(
                    f"{FILE}: needs.{key}.gpus: {needs.gpus}; allowed: below 1 a share, above a whole number"
                )
        return cls(file, settings)

    def needs(self, step: Step) -> Needs:
        """Of a step of a cell: the default, and what the keys that name it say, the most specific last."""
        task, model = step.words[2], step.words[4]
        events = self.settings.task_events[task]
        found = Needs().__dict__
        for key in (step.stage, f"{step.stage}.{events}", f"{step.stage}.{events}.{model}"):
            if key in self.file.needs:
                found = found | self.file.needs[key].model_dump(exclude_none=True)
        memory = found["memory"]
        return Needs(**found | {"memory": int(memory[:-1]) * UNITS[memory[-1]] if isinstance(memory, str) else memory})
