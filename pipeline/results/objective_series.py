"""One architecture trained by several objectives: which models of params.yaml these are, and the knobs between them.

A model is named <architecture>_<objective>; those of one architecture have the same weights to train, initial values,
steps and batches. A knob joins maximum likelihood to an objective that seeks:

    order     a of the Rényi divergence, from forward KL (0) to reverse KL (1)
    weight    λ of the adversarial loss in addition to the likelihood, from none (0) to the game alone (infinity)

Declared with the suite `one_architecture`, before any of its cells was trained.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

SUITE = "one_architecture"
POINTS: Mapping[str, str] = {"spline_flow": "flow", "ar_mixture": "autoregressive"}
"""Architecture of points -> its family."""
ARCHITECTURES: Mapping[str, str] = {**POINTS, "realnvp": "flow"}
"""Every architecture -> its family; that of images comes last."""
KNOBS: Mapping[str, Mapping[str, float]] = {
    "order": {"forward_kl": 0.0, "renyi_0_25": 0.25, "renyi_0_5": 0.5, "renyi_0_75": 0.75, "reverse_kl": 1.0},
    "weight": {"forward_kl": 0.0, "hybrid_0_1": 0.1, "hybrid_1": 1.0, "hybrid_10": 10.0, "nonsaturating": math.inf},
}
"""Knob -> objective -> setting, from covering to seeking."""
OTHERS = ("minimax", "wasserstein")
"""Objectives at no setting of a knob."""
LABELS = {"order": "order a of the Rényi divergence", "weight": "weight λ of the adversarial loss"}


class ObjectiveSeries(NamedTuple):
    """One architecture at each setting of one knob: (setting, model), from covering to seeking."""

    architecture: str
    knob: str
    models: tuple[tuple[float, str], ...]


def model(architecture: str, objective: str) -> str:
    """The name of a model in params.yaml."""
    return f"{architecture}_{objective}"


def models() -> frozenset[str]:
    """All names that a model of the suite may have."""
    objectives = {*OTHERS, *(objective for settings in KNOBS.values() for objective in settings)}
    return frozenset(model(architecture, objective) for architecture in ARCHITECTURES for objective in objectives)


def series(known: Collection[str]) -> Iterator[ObjectiveSeries]:
    """Each architecture and knob with two or more models that are `known`."""
    for architecture in ARCHITECTURES:
        for knob, settings in KNOBS.items():
            named = ((setting, model(architecture, objective)) for objective, setting in settings.items())
            found = tuple((setting, name) for setting, name in named if name in known)
            if len(found) > 1:
                yield ObjectiveSeries(architecture, knob, found)
