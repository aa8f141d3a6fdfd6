"""A difference between two sides, oriented so that a positive one is as claimed.

    difference   a - b of two models, or of one model at two settings: one value for each training seed
    log_ratio    log(a / b), for seconds and distances, which are skewed
    families     the mean over the models of one family less that of another: one value for each model, its mean over
                 seeds, so that each model has one vote, however many seeds or relatives it has
    within       the mean over models of a difference of each model with itself: one value for each model

The unit of replication of the last two is the model: what another model of the family would do is what such a sentence
is about, and seeds of the same few models do not tell (`pipeline.statistics.intervals` with models in place of seeds).

Sides of a `difference` that share a model, at another width, setting or condition, are paired by the training seed.
Different models are independent samples, although one seed shows them the same batches: over seeds their likelihoods do
not correlate (docs/protocol.md#seeds), so that pairing would halve the degrees of freedom and remove nothing.

A seed that a source of either side lacks is left out, and named, and so is a seed whose training had not converged
(`pipeline.results.convergence`) and a model that no seed is left of. A contrast that a blind metric enters is set
aside, also where the metric enters through a difference of differences. A contrast of bounds decides only where the
slack of the bounds cannot have made its sign:

    a, b exact or estimates       measured = true              can support, can contradict
    a upper, or b lower bound     measured >= true             can contradict only
    a lower, or b upper bound     measured <= true             can support only
    both upper, or both lower     measured - true unknown      can do neither

A sentence on the reported bounds themselves is compared `as_reported`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from pipeline.results.table import SeedValues, sources
from pipeline.statistics.intervals import Interval, Seeds, student_t

Votes = Mapping[str, Interval]
"""Model -> its mean over seeds, with the interval over them."""


@dataclass(frozen=True)
class Contrast:
    """A difference, one value for each training seed, or for each model.

    Attributes:
        name: what is compared.
        seeds: training seed -> difference; empty where the unit is the model.
        missing: what would have to be measured, where anything would.
        ratio: the values are logarithms of ratios, and are shown as ratios.
        left_out: the seeds that only a part of the sources has, and the sources that lack them.
        part: the part of the sentence that it is about; a sentence is supported only if each of its parts has a
            contrast that is not set aside.
        blind: why it is set aside; empty if it counts.
        excess: the signs of (measured - true value) that bounds allow.
        one_sided: the true value is never negative, so that a negative one is noise.
        sides: the values of both sides, one for each seed, where they are independent; None where they are paired.
        by_sign: the values are counts without noise, or a theorem fixes their sign in every training: the sign decides.
        remark: measurements that are shown with it and do not enter the verdict.
        votes: where the unit is the model, the models of one sample of differences, or of both families; else empty.
    """

    name: str
    seeds: Seeds
    missing: tuple[str, ...] = ()
    ratio: bool = False
    left_out: tuple[str, ...] = ()
    part: str = ""
    blind: str = ""
    excess: frozenset[int] = frozenset()
    one_sided: bool = False
    sides: tuple[tuple[float, ...], tuple[float, ...]] | None = None
    by_sign: bool = False
    remark: str = ""
    votes: tuple[Votes, ...] = ()

    @property
    def counts(self) -> tuple[int, ...]:
        """The number of units, on each side where there are two."""
        return tuple(map(len, self.votes)) or (len(self.seeds),)

    @property
    def unit(self) -> str:
        """What there is one value of."""
        return "model" if self.votes else "seed"

    @property
    def can_support(self) -> bool:
        """Whether a positive measured value implies a positive true one."""
        return 1 not in self.excess

    @property
    def can_contradict(self) -> bool:
        """Whether a negative measured value implies a negative true one."""
        return -1 not in self.excess and not self.one_sided


def difference(name: str, a: Seeds, b: Seeds, *, part: str = "", as_reported: bool = False) -> Contrast:
    """a - b, seed by seed.

    Args:
        part: the part of the sentence that it is about.
        as_reported: the sentence is about the reported bounds, not about what they bound.
    """
    shared = sorted(a.keys() & b.keys())
    return replace(_contrast(name, shared, a, b, as_reported=as_reported), part=part)


def log_ratio(name: str, a: Seeds, b: Seeds) -> Contrast:
    """log(a / b), seed by seed; both positive."""
    shared = sorted(seed for seed in a.keys() & b.keys() if a[seed] > 0 and b[seed] > 0)
    log_a, log_b = (
        SeedValues({seed: math.log(side[seed]) for seed in shared}, sources(side), _excess(side)) for side in (a, b)
    )
    found = _contrast(name, shared, log_a, log_b)
    return replace(found, ratio=True, left_out=left_out(found.seeds, (a, b)))


def families(name: str, a: Mapping[str, Seeds], b: Mapping[str, Seeds], *, part: str = "") -> Contrast:
    """The mean over the models of `a` less that over the models of `b`, each model by its mean over seeds.

    Args:
        name: what is compared.
        a, b: model -> its values by seed, of every model of each family.
        part: the part of the sentence that it is about.
    """
    votes = (_votes(a), _votes(b))
    every = [*a.values(), *b.values()]
    return Contrast(
        name,
        {},
        missing=() if all(votes) else (f"{name}: one of the families has no model",),
        left_out=tuple(_models_left_out({**a, **b})),
        part=part,
        blind=blind(*every),
        excess=frozenset(sign for side in a.values() for sign in _excess(side))
        | frozenset(-sign for side in b.values() for sign in _excess(side)),
        votes=votes,
    )


def within(name: str, differences: Mapping[str, Contrast], *, part: str = "", one_sided: bool = False) -> Contrast:
    """The mean over models of a difference of each model with itself.

    A model whose difference is of a blind metric is left out by name; without any other, the contrast is set aside.

    Args:
        name: what is compared.
        differences: model -> its `difference`.
        part: the part of the sentence that it is about.
    """
    seen = {model: of for model, of in differences.items() if not of.blind}
    reasons = {model: of.blind for model, of in differences.items() if of.blind}
    votes = _votes({model: of.seeds for model, of in seen.items()})
    lost = [f"{model} left out: {reason}" for model, reason in reasons.items() if seen]
    return Contrast(
        name,
        {},
        missing=() if votes or reasons else (f"{name}: no model has both sides",),
        left_out=(*_differences_left_out(seen), *lost),
        part=part,
        blind="" if seen or not reasons else "; ".join(dict.fromkeys(reasons.values())),
        excess=frozenset(sign for of in seen.values() for sign in of.excess),
        one_sided=one_sided,
        votes=(votes,),
    )


def by_sign(contrast: Contrast, remark: str = "") -> Contrast:
    """A contrast of counts, or one whose sign a theorem fixes."""
    return replace(contrast, by_sign=True, remark=remark)


def unmeasured(what: str) -> Contrast:
    """A contrast that no cell of the grid measures yet."""
    return Contrast(what, {}, (what,))


def left_out(shared: Seeds, sides: Sequence[Seeds]) -> tuple[str, ...]:
    """'seeds 3, 4 left out, without precision of ring-gan'; nothing if no seed is shared."""
    return tuple(_left_out(shared, sides)) if shared else ()


def blind(*sides: Seeds) -> str:
    """The reasons why metrics that enter are blind, each once; empty if all are admitted."""
    return "; ".join(dict.fromkeys(source.blind for source in sources(*sides).values() if source.blind))


def not_converged(*sides: Seeds) -> tuple[str, ...]:
    """'ring-vae (seeds 0, 1)': what is left out of the sides since its training had not converged."""
    found: dict[str, set[int]] = {}
    for source in sources(*sides).values():
        if source.unconverged:
            found.setdefault(source.cell, set()).update(source.unconverged)
    return tuple(f"{cell} ({_seeds(of)})" for cell, of in found.items())


def kinds(*sides: Seeds) -> frozenset[str]:
    """The kinds of the numbers that all sides are computed from."""
    return frozenset(kind for source in sources(*sides).values() for kind in source.kinds)


def _contrast(name: str, shared: Sequence[int], a: Seeds, b: Seeds, as_reported: bool = False) -> Contrast:
    values = {seed: a[seed] - b[seed] for seed in shared}
    signs = frozenset[int]() if as_reported else _excess(a) | {-sign for sign in _excess(b)}
    return Contrast(
        name,
        SeedValues(values, sources(a, b), signs),
        missing=() if values else (f"{name}: {_nothing(a, b)}",),
        left_out=left_out(values, (a, b)),
        blind=blind(a, b),
        excess=signs,
        sides=None if _share_a_model(a, b) else (tuple(a[seed] for seed in shared), tuple(b[seed] for seed in shared)),
    )


def _excess(side: Seeds) -> frozenset[int]:
    return side.excess if isinstance(side, SeedValues) else frozenset()


def _nothing(*sides: Seeds) -> str:
    rising = not_converged(*sides)
    return f"not converged: {', '.join(rising)}" if rising else "no seed has both sides"


def _votes(models: Mapping[str, Seeds]) -> Votes:
    return {model: student_t(list(values.values())) for model, values in models.items() if values}


def _models_left_out(models: Mapping[str, Seeds]) -> Iterator[str]:
    """'vae left out: not converged: ring-vae (seeds 0, 1)'; and the seeds that are missing of those that count."""
    for model, values in models.items():
        rising = not_converged(values)
        if rising and values:
            yield f"{model}: not converged: {', '.join(rising)}"
        elif rising or not values:
            yield f"{model} left out: {f'not converged: {rising[0]}' if rising else 'not measured'}"


def _differences_left_out(differences: Mapping[str, Contrast]) -> Iterator[str]:
    for model, of in differences.items():
        if of.seeds:
            yield from (f"{model}: {what}" for what in of.left_out)
        else:
            reasons = [what.removeprefix(f"{of.name}: ") for what in of.missing]
            yield f"{model} left out: {', '.join(reasons)}"


def _seeds(of: Iterable[int]) -> str:
    found = sorted(of)
    return f"seed{'s' * (len(found) > 1)} {', '.join(map(str, found))}"


def _share_a_model(a: Seeds, b: Seeds) -> bool:
    """Whether a model enters both sides, at any width and on any task; True where a side has no sources."""
    models = [{source.model for source in sources(side).values()} for side in (a, b)]
    return not all(models) or bool(models[0] & models[1])


def _left_out(shared: Seeds, sides: Sequence[Seeds]) -> Iterator[str]:
    known = sources(*sides).values()
    seen = {seed for side in sides for seed in side}
    seen |= {seed for source in known for seed in source.seeds | source.unconverged}
    for reason, seeds in groupby(sorted(seen - shared.keys()), key=lambda seed: _reason(seed, sides)):
        yield f"{_seeds(seeds)} left out, {reason}"


def _reason(seed: int, sides: Sequence[Seeds]) -> str:
    known = sources(*sides)
    rising = dict.fromkeys(source.cell for source in known.values() if seed in source.unconverged)
    if rising:
        return f"not converged: {', '.join(rising)}"
    without = [name for name, source in known.items() if seed not in source.seeds]
    if without:
        return f"without {', '.join(without)}"
    return "not positive" if all(seed in side for side in sides) else "not on both sides"
