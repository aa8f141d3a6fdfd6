"""The answer to the benchmark's question, made from claims.json: reports/answer.md, the page's first screen, the
README.

Ten sentences, one for each claim of `ASKED`, which is a list in the code and no selection by results; each with its
verdict, the number that decides, its interval, what it rests on, and its limits. Then what is not known, of all claims.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pipeline import paths
from pipeline.claims.claim import Claim
from pipeline.results import convergence

PATH = paths.RESULTS.with_name("answer.md")
ASKED = (
    "likelihood-covers", "gan-seeks", "knob", "capacity", "dense-seeking", "autoregressive-likelihood", "two-orders",
    "richer-conditions", "more-draws", "fast-both-ways",
)  # fmt: skip
"""The claims that answer it, from modes to likelihoods to speed."""
HEAD = """# Which generative models cover all of the data's modes, and which seek a few?

Made from [the claims](claims.md) by `coverseek report`. Each number is that of the contrast that decides, positive if
as claimed, with its 95 % interval; verdicts are [corrected over all claims](../docs/protocol.md#claims).
"""
SCOPE = (
    "These are small tasks and short trainings: what holds here need not hold at another size, and a family is the "
    "models that were measured"
)
CONVERGENCE = (
    "Whether autoencoders converged is not decided, since they have no validation score: their "
    f"trainings count. Of other models a training does not count if {convergence.SENTENCE}"
)
WHY: Mapping[str, str] = {
    "too few models": "the interval over models is too wide to tell",
    "too few seeds": "the interval over seeds is too wide to tell",
    "slack of a bound": "the sign may be that of the slack of a bound",
    "blind metrics": "a part of the sentence has no metric that distinguishes the controls",
    "not measured": "a contrast lacks cells, or trainings that converged",
}

Record = Mapping[str, Any]
"""A claim of claims.json. Those of older reports lack `reason`, `margin`, `units` and `p_holm`."""


def as_markdown(records: Sequence[Record], catalogue: Iterable[Claim]) -> str:
    """The text of answer.md.

    Args:
        records: of claims.json.
        catalogue: all claims, for their short sentences.
    """
    known = {claim.id: claim for claim in catalogue}
    numbered = (f"{place}. {one}" for place, one in enumerate(sentences(records, known.values()), start=1))
    lacking = (f"- {one}." for one in unknown(records, known.values()))
    return "\n".join([HEAD, *numbered, "\n## What is not known\n", *lacking, ""])


def sentences(records: Iterable[Record], catalogue: Iterable[Claim]) -> list[str]:
    """One for each claim of `ASKED` that was judged: verdict, sentence, number, evidence and limits."""
    return [
        f"{verdict(record).capitalize()}: {claim.short}; {number(record)}, {_evidence(record)}{_limits(record)}."
        for claim, record in _asked(records, catalogue)
    ]


def bullets(records: Iterable[Record], catalogue: Iterable[Claim]) -> str:
    """The same in a few words each, for the README: sentence, verdict, number and interval."""
    return "\n".join(
        f"- {claim.short[0].upper()}{claim.short[1:]}: {record['verdict']}, {number(record, units=False)}"
        for claim, record in _asked(records, catalogue)
    )


def unknown(records: Iterable[Record], catalogue: Iterable[Claim]) -> list[str]:
    """Each undecided claim with the reason, and what holds for all."""
    short = {claim.id: claim.short for claim in catalogue}
    open_ = [record for record in records if record["verdict"] == "undecided" and record["id"] in short]
    found = [f"Whether {short[record['id']]}: {_why(record)}" for record in open_]
    return [*found, CONVERGENCE, SCOPE]


def verdict(record: Record) -> str:
    """'undecided (too few models)', 'no difference of 0.1'"""
    if record["verdict"] == "no difference":
        return f"no difference of {record['margin']:g}"
    reason = record.get("reason")
    return f"{record['verdict']} ({reason})" if reason else str(record["verdict"])


def number(record: Record, *, units: bool = True) -> str:
    """'0.11 [-0.08, 0.3] over 7 and 10 models'"""
    decisive = _decisive(record)
    if decisive is None or decisive["effect"] is None:
        return "no number"
    log = decisive["scale"] == "log"
    mean, *ends = (math.exp(e) if log else e for e in (decisive["effect"], *(decisive["interval"] or ())))
    spread = f" [{ends[0]:.2g}, {ends[1]:.2g}]" if ends else ""
    return f"{mean:.2g}{' times' * log}{spread}{_units(decisive) if units else ''}"


def _asked(records: Iterable[Record], catalogue: Iterable[Claim]) -> Iterator[tuple[Claim, Record]]:
    found, known = {record["id"]: record for record in records}, {claim.id: claim for claim in catalogue}
    return ((known[name], found[name]) for name in ASKED if name in found and name in known)


def _decisive(record: Record) -> Record | None:
    """The contrast whose effect is the claim's."""
    return next((one for one in record["contrasts"] if one["effect"] == record["effect"]), None)


def _units(contrast: Record) -> str:
    counts = contrast.get("units", [contrast.get("seeds", 0)])
    unit = contrast.get("unit", "seed")
    return f" over {' and '.join(map(str, counts))} {unit}{'s' * (counts != [1])}"


def _evidence(record: Record) -> str:
    """'on ring, precision, gan - likelihood models, the weakest of 6 contrasts'"""
    decisive, count = _decisive(record), len(record["contrasts"])
    if decisive is None:
        return "without a contrast that counts"
    among = {"contradicted": "lowest", "no difference": "smallest"}.get(record["verdict"], "weakest")
    return f"of {decisive['name']}" + (f", the {among} of {count} contrasts" if count > 1 else "")


def _limits(record: Record) -> str:
    """'; 2 contrasts set aside, since their metric is blind; 3 left out'"""
    aside, out = len(record["set_aside"]), sum(len(one["left_out"]) for one in record["contrasts"])
    margin, p = record.get("margin"), record.get("p_holm")
    parts = [
        f"p = {p:.2g}" if p is not None else "",
        f"bound {margin:g}" if margin and record["verdict"] in ("undecided", "no difference") else "",
        f"{aside} contrast{'s' * (aside > 1)} set aside, since a metric is blind" if aside else "",
        f"{out} model{'s' * (out > 1)} or seeds left out" if out else "",
    ]
    return "".join(f"; {part}" for part in parts if part)


def _why(record: Record) -> str:
    reason, missing = record.get("reason") or "not measured", record["missing"]
    named = missing and reason in ("not measured", "blind metrics")
    return f"{WHY[reason]}, first {missing[0]}" if named else WHY[reason]
