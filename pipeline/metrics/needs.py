"""What a metric can need of the evidence: the kind of event, the model's likelihood, the truth. Never a family."""

from __future__ import annotations

from collections.abc import Callable

from pipeline.contract import Bounded, Exact, Forgets, Reconstructs, Weighted
from pipeline.metrics.evidence import Evidence
from pipeline.metrics.modes import tail

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
    """Known ones: of a mixture, or of factors that a judge tells."""
    return truth(evidence) or "factors" in evidence.judges


def visited(evidence: Evidence) -> bool:
    """A mode that is hit: a smoothed histogram of no samples at all would look like that of a perfect model."""
    return modes(evidence) and bool(evidence.visits.hit > 0)


def rare_modes(evidence: Evidence) -> bool:
    """Some of them are rarer than others."""
    return modes(evidence) and bool(tail(evidence.histogram.p).any())


def density(evidence: Evidence) -> bool:
    """The truth is known in the plane, and of p(x) as the model's likelihood is, not of p(x | c)."""
    return truth(evidence) and evidence.task.event.dims == 2 and evidence.task.condition.kind == "none"


def condition(evidence: Evidence) -> bool:
    return evidence.task.condition.kind != "none"


def class_condition(evidence: Evidence) -> bool:
    return evidence.task.condition.kind == "class"


def judge(kind: str) -> Need:
    """Someone who tells what of that kind an image shows."""
    return lambda evidence: kind in evidence.judges


def repeated(evidence: Evidence) -> bool:
    """Several samples for one condition."""
    return len(evidence.repeated) > 0


def shared(evidence: Evidence) -> bool:
    """Classes that several real images have in common."""
    return class_condition(evidence) and bool((evidence.real_c.unique(return_counts=True)[1] > 1).any())


def classwise(evidence: Evidence) -> bool:
    """Enough items within a class, real and fake, to have neighbours."""
    return class_condition(evidence) and evidence.classwise.classes > 0


def forgets(evidence: Evidence) -> bool:
    """A likelihood of x alone from a model of x given c."""
    model = evidence.model
    return condition(evidence) and isinstance(model, Forgets) and isinstance(model.unconditional(), Bounded)
