"""The ladder: the same images under ever richer conditions, one model at a time.

    explained(c) = bits(x) - bits(x | c)               an estimate of I(x; c) = H(x) - H(x | c)
    obedience    = (score - floor) / (ceiling - floor)

Either side of the difference is a cross-entropy, which lies above its entropy, so the difference bounds I(x; c)
neither from above nor from below; but I(x; c) <= H(c), and what an estimate has beyond that is what the model without
the condition leaves unlearned. Obedience is 1 where the judge scores the samples like real images under their own
condition (the ceiling) and 0 where it scores them like real images under shuffled ones (the floor), whatever the kind
of condition. What two rungs differ by is taken seed by seed, over the seeds that both have.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.claims.contrast import difference
from pipeline.claims.results import Seeds
from pipeline.metrics.interval import Interval, student_t


@dataclass(frozen=True)
class Rung:
    """One task of the ladder. `dims`: values of an image, so that bits/dim times `dims` are bits per image.

    `most`: bits that its condition can tell, the entropy of a class; None where no count says it.
    """

    task: str
    condition: str
    dims: int
    most: float | None = None


@dataclass(frozen=True)
class Climber:
    """One model: for each rung its values by seed. `missing`: what became of the seeds without numbers."""

    model: str
    family: str
    kind: str
    bits: tuple[Seeds, ...]
    obedience: tuple[Seeds, ...]
    diversity: tuple[Seeds, ...]
    missing: tuple[str, ...]

    @property
    def weighed(self) -> bool:
        """Whether at least two rungs have bits to compare."""
        return sum(map(bool, self.bits)) > 1


@dataclass(frozen=True)
class Ladder:
    """The rungs of one suite that are measured, from sparse to dense, and the models on them.

    `real`: for each rung the diversity of real images that share a condition, where it is known.
    """

    suite: str
    rungs: tuple[Rung, ...]
    climbers: tuple[Climber, ...]
    real: tuple[float | None, ...]

    @property
    def ground(self) -> int | None:
        """The place of the rung without a condition, against which the others are measured."""
        return next((place for place, rung in enumerate(self.rungs) if rung.condition == "none"), None)

    @property
    def labels(self) -> list[str]:
        """The rungs' conditions; their tasks where two rungs have one condition."""
        conditions = [rung.condition for rung in self.rungs]
        return conditions if len(set(conditions)) == len(conditions) else [rung.task for rung in self.rungs]


def paired(before: Seeds, after: Seeds, *, scale: float = 1.0) -> Interval | None:
    """By how much `before` exceeds `after`, times `scale`, over the seeds that both have; None where there is none."""
    drops = difference("drop", before, after).seeds.values()
    return student_t([scale * drop for drop in drops]) if drops else None
