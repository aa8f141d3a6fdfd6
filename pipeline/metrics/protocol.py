"""What kind of number it is, and how it was made, in words. Only numbers whose words are equal may be ranked."""

from __future__ import annotations

from pipeline.metrics.evidence import Evidence
from pipeline.metrics.kernel import subsets
from pipeline.metrics.modes import WITHIN

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
    name = evidence.likelihood.name
    return name if name == "exact" else f">= ({name})"


def at_most(evidence: Evidence) -> str:
    """What falls as the log-likelihood rises, if not exact, is at most this."""
    name = evidence.likelihood.name
    return name if name == "exact" else f"<= ({name})"


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


def samples(evidence: Evidence) -> str:
    return f"fake n={len(evidence.samples)}"


def modes(evidence: Evidence) -> str:
    return f"{samples(evidence)}, {len(evidence.truth.means)} modes, {WITHIN:g} sigma"


def features(evidence: Evidence) -> str:
    return f"test n={len(evidence.real)}, fake n={len(evidence.fake)}, {evidence.extractor}"


def kernel(evidence: Evidence) -> str:
    count, size = subsets(len(evidence.real), len(evidence.fake))
    return f"{features(evidence)}, cubic, unbiased, subsets {count} x {size}"


def neighbours(evidence: Evidence) -> str:
    return f"{features(evidence)}, k={evidence.settings.neighbours}"


def coverage_neighbours(evidence: Evidence) -> str:
    return f"{features(evidence)}, k={evidence.settings.coverage_neighbours}"


def train(evidence: Evidence) -> str:
    return f"train n={len(evidence.train)}, fake n={len(evidence.fake)}, {evidence.extractor}"


def train_and_test(evidence: Evidence) -> str:
    return f"train n={len(evidence.train)}, {features(evidence)}"
