"""What a metric can need of the evidence: the kind of event, the model's likelihood, the truth. Never a family."""

from __future__ import annotations

from collections.abc import Callable

from pipeline.contract import Bounded, Exact, Reconstructs, Weighted
from pipeline.metrics.evidence import Evidence

Need = Callable[[Evidence], bool]


def every(*needs: Need) -> Need:
    return lambda evidence: all(need(evidence) for need in needs)


def samples(evidence: Evidence) -> bool:
    """What every model has."""
    return len(evidence.samples) > 0


def points(evidence: Evidence) -> bool:
    return evidence.task.event.kind == "points"


def images(evidence: Evidence) -> bool:
    return evidence.task.event.kind == "images"


def bounded(evidence: Evidence) -> bool:
    return isinstance(evidence.model, Bounded)


def weighted(evidence: Evidence) -> bool:
    return isinstance(evidence.model, Weighted)


def exact(evidence: Evidence) -> bool:
    return isinstance(evidence.model, Exact)


def inexact(evidence: Evidence) -> bool:
    """Anything but an exact likelihood, also none at all."""
    return not exact(evidence)


def implicit(evidence: Evidence) -> bool:
    """A sampler that knows nothing of its likelihood."""
    return not bounded(evidence)


def reconstructs(evidence: Evidence) -> bool:
    """A code for each item, and a way back."""
    return isinstance(evidence.model, Reconstructs)


def truth(evidence: Evidence) -> bool:
    return evidence.task.truth is not None


def modes(evidence: Evidence) -> bool:
    """A sample of high quality: a smoothed histogram of no samples at all would look like that of a perfect model."""
    return truth(evidence) and evidence.modes.hit > 0


def density(evidence: Evidence) -> bool:
    """The truth is known in the plane, and of p(x) as the model's likelihood is, not of p(x | c)."""
    return truth(evidence) and evidence.task.event.dims == 2 and evidence.task.condition.kind == "none"
