"""Every recipe on the smallest events that all of its networks take, with the keywords that change what it computes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

from toys import Toy, subject, toys

from pipeline.conformance.subject import Subject
from pipeline.conformance.toy_tasks import EVENTS, condition, truth
from pipeline.contract import Event, Task

LEVELS = {"grey": 5, "colour": 64}
"""5 levels have a softmax, 64 a mixture of logistics or a discretised logistic."""
SIDE = {"autoregressive": 2}
"""Height and width of the images of a family whose samples take a step for each value; 4 for others, which halve."""

VARIANTS: tuple[tuple[Toy, Mapping[str, Any]], ...] = (
    (Toy("autoregressive", "pixelcnn", "grey", "segmentation"), {"augmented": True}),
    (Toy("autoregressive", "diagonal_bilstm", "colour", "none"), {"augmented": True}),
    (Toy("autoregressive", "gated_pixelcnn", "colour", "none"), {"mixtures": 3}),
    (Toy("autoregressive", "image_transformer", "colour", "none"), {"window": 8}),
    (Toy("autoregressive", "made", "colour", "none"), {"order": "random"}),
    (Toy("flow", "nice", "grey", "none"), {"dequantisation": "variational"}),
    (Toy("flow", "realnvp", "grey", "box"), {"dequantisation": "variational"}),
    (Toy("flow", "glow", "grey", "class"), {"dequantisation": "uniform"}),
    (Toy("flow", "waveglow", "symbols", "class"), {"squeezes": 3, "stages": 2}),
    (Toy("flow", "realnvp_by_objective", "points", "none"), {"objective": "reverse_kl"}),
    (Toy("flow", "realnvp_by_objective", "points", "class"), {"objective": "hybrid"}),
    (Toy("flow", "spline_flow_by_objective", "points", "none"), {"objective": "renyi"}),
    (Toy("flow", "realnvp_by_objective", "grey", "class"), {"objective": "adversarial", "penalty": 1.0}),
    (Toy("autoregressive", "ar_mixture_by_objective", "points", "none"), {"objective": "renyi"}),
    (Toy("autoregressive", "ar_mixture_by_objective", "points", "box"), {"objective": "adversarial"}),
    (Toy("diffusion", "ddpm", "grey", "class"), {"weighting": "vlb"}),
    (Toy("diffusion", "ddpm", "points", "class"), {"weighting": "simple"}),
    (Toy("autoencoder", "dense_autoencoder", "grey", "none"), {"codes": "standard"}),
    (Toy("energy", "rbm", "grey", "none"), {"chains": 0}),
    (Toy("energy", "rbm", "grey", "class"), {"exact": 0}),
    (Toy("energy", "ebm", "points", "none"), {"nodes": 0}),
)
"""Keywords of params.yaml, other than sizes, that take another path through the code."""


def event(family: str, name: str) -> Event:
    """The event of a family's models."""
    side = SIDE.get(family, 4)
    if EVENTS[name].kind != "images":
        return EVENTS[name]
    return Event((3 if name == "colour" else 1, side, side), levels=LEVELS[name])


class SmallProblem(NamedTuple):
    """The small event and the kind of condition of a toy."""

    toy: Toy

    @property
    def task(self) -> Task:
        space = event(self.toy.family, self.toy.event)
        return Task("small", space, condition(self.toy.condition, space), truth(space))


@dataclass(frozen=True)
class Case:
    """One model: its recipe, event and condition, and keywords in addition to those of the toy."""

    toy: Toy
    changes: Mapping[str, Any]

    @property
    def name(self) -> str:
        return "-".join([*self.toy, *(f"{key}={value}" for key, value in self.changes.items())])

    @cached_property
    def subject(self) -> Subject:
        found = subject(self.toy)
        return replace(found, problem=SmallProblem(self.toy), keywords={**found.keywords, **self.changes})


def cases() -> list[Case]:
    return [*(Case(toy, {}) for toy in toys()), *(Case(*variant) for variant in VARIANTS)]
