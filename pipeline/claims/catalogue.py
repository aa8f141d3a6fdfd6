"""All claims. One of your own is a file with CLAIMS, and its name here."""

from __future__ import annotations

from pipeline.claims import codes, conditioning, coverage, likelihoods, order, speed
from pipeline.claims.claim import Claim

CATALOGUE: tuple[Claim, ...] = tuple(
    claim for module in (likelihoods, speed, coverage, codes, conditioning, order) for claim in module.CLAIMS
)
