"""What kind of number it is, and how it was made, in words. Numbers are ranked where their protocols are equal;
a bound takes part with its kind beside it."""

from __future__ import annotations

from collections.abc import Callable

from pipeline.metrics.evidence import Evidence
from pipeline.metrics.frechet import SIZES, SMALLEST
from pipeline.metrics.modes import WITHIN
from pipeline.metrics.prd import CELLS, RUNS
from pipeline.metrics.reconstruction import CORRUPTION

# kinds


def estimate(evidence: Evidence) -> str:
    return "estimate"


def measured(evidence: Evidence) -> str:
    return "measured"


def histogram(evidence: Evidence) -> str:
    return ">= (histogram)"


def monte_carlo(evidence: Evidence) -> str:
    return "monte-carlo"


def at_least(evidence: Evidence) -> str:
    """The model's log-likelihood, if not exact, is at least this."""
    return _beyond(">=", evidence.likelihood.name)


def at_most(evidence: Evidence) -> str:
    """What falls as the log-likelihood rises, if not exact, is at most this."""
    return _beyond("<=", evidence.likelihood.name)


def at_most_unconditional(evidence: Evidence) -> str:
    return _beyond("<=", evidence.unconditional.name)


def _beyond(sign: str, likelihood: str) -> str:
    return likelihood if likelihood == "exact" else f"{sign} ({likelihood})"


def at_least_elbo(evidence: Evidence) -> str:
    return ">= (ELBO)"


def at_most_elbo(evidence: Evidence) -> str:
    return "<= (ELBO)"


# protocols


def likelihood(evidence: Evidence) -> str:
    """Without the draws: those of an IWAE are in its kind, and more of them leave the mean of an ELBO where it is."""
    return test(evidence)


def test(evidence: Evidence) -> str:
    return f"test n={len(evidence.test[0])}"


def unconditional(evidence: Evidence) -> str:
    return f"test n={len(evidence.unconditional.log_p)}"


def samples(evidence: Evidence) -> str:
    return f"fake n={len(evidence.samples)}"


def histogram_samples(evidence: Evidence) -> str:
    return f"{samples(evidence)}, bias subtracted"


def many(evidence: Evidence) -> str:
    return f"fake n={len(evidence.many)}"


def modes(evidence: Evidence) -> str:
    how = f"{WITHIN:g} sigma" if evidence.task.truth is not None else evidence.judges["factors"].protocol
    return f"{many(evidence)}, {len(evidence.histogram.p)} modes, {how}"


def obedience(kind: str) -> Callable[[Evidence], str]:
    """Of samples, by the judge of that kind."""
    return lambda evidence: f"{samples(evidence)}, {evidence.judges[kind].protocol}"


def real_obedience(kind: str) -> Callable[[Evidence], str]:
    return lambda evidence: f"{test(evidence)}, {evidence.judges[kind].protocol}"


def features(evidence: Evidence) -> str:
    return f"test n={len(evidence.real)}, fake n={len(evidence.fake)}, {evidence.extractor}"


def kernel(evidence: Evidence) -> str:
    return f"{features(evidence)}, cubic, unbiased, all pairs"


def gaussians(evidence: Evidence) -> str:
    """A covariance of no more items than features is singular, and the distance mostly bias: that is said."""
    size = evidence.real.shape[1]
    few = min(len(evidence.real), len(evidence.fake)) <= size
    return f"{features(evidence)}{f', n <= {size} features' * few}"


def extrapolated(evidence: Evidence) -> str:
    return f"{gaussians(evidence)}, {SIZES} sizes from {SMALLEST:.2f} n"


def cells(evidence: Evidence) -> str:
    return f"{features(evidence)}, {RUNS} runs of {CELLS}-means"


def corrupted(evidence: Evidence) -> str:
    return f"{test(evidence)}, Gaussian noise of {CORRUPTION:g} of the scale"


def balls(neighbours: int) -> str:
    """Of metrics of k-nearest-neighbour balls."""
    return f"k={neighbours}, closed balls"


def neighbours(evidence: Evidence) -> str:
    return f"{features(evidence)}, {balls(evidence.settings.neighbours)}"


def coverage_neighbours(evidence: Evidence) -> str:
    return f"{features(evidence)}, {balls(evidence.settings.coverage_neighbours)}"


def classwise(evidence: Evidence) -> str:
    return f"{neighbours(evidence)}, {evidence.classwise.classes} of {evidence.classwise.of} classes"


def repeated(evidence: Evidence) -> str:
    conditions, repeats = evidence.repeated.shape[:2]
    return f"test n={len(evidence.real)}, fake n={conditions} x {repeats}, {evidence.extractor}"


def real(evidence: Evidence) -> str:
    return f"test n={len(evidence.real)}, {evidence.extractor}"


def train(evidence: Evidence) -> str:
    return f"train n={len(evidence.train)}, fake n={len(evidence.fake)}, {evidence.extractor}"


def train_and_test(evidence: Evidence) -> str:
    return f"train n={len(evidence.train)}, {features(evidence)}"
