"""Claims about the objective: one architecture, trained by several divergences, so that the family is held fixed.

The KL divergences in both directions are Monte Carlo estimates with the exact likelihood, whatever the objective was.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from pipeline.claims.claim import Claim
from pipeline.claims.contrast import Contrast, difference
from pipeline.results.objective_series import KNOBS, POINTS, model
from pipeline.results.table import Results

TASKS, IMAGES = ("ring", "ring_wide", "grid", "grid_wide", "ring_tail"), "digits"
FORWARD, REVERSE, CRITIC = "forward_kl", "reverse_kl", "nonsaturating"
TURNED = {"order": ("renyi_0_25", "renyi_0_75"), "weight": ("hybrid_0_1", "hybrid_10")}
"""Knob -> the objectives at its lowest and its highest setting between the ends."""
MOVING, OF_IMAGES = "spline_flow", "realnvp"
"""The architectures of points and of images that are trained at each of these settings."""
NATS = 0.01
"""The equivalence bound of a divergence, and of the other metrics of these claims, in their units."""
TITLES = {"kl_pq": "KL(p‖q)", "kl_qp": "KL(q‖p)", "bits_per_dim": "reported bits/dim", "precision": "precision"}


def _higher(results: Results, task: str, metric: str, more: str, less: str, part: str) -> Contrast:
    """A model minus another; of bits/dim, which are bounds, the sentence is about the reported ones."""
    sides = (results.seeds(task, name, metric) for name in (more, less))
    bounds = metric == "bits_per_dim"
    return difference(f"{task}, {TITLES[metric]}, {more} - {less}", *sides, part=part, as_reported=bounds)


def _trade(results: Results, task: str, covering: str, seeking: str, part: str = "") -> Iterator[Contrast]:
    yield _higher(results, task, "kl_pq", seeking, covering, part or "covering")
    yield _higher(results, task, "kl_qp", covering, seeking, part or "seeking")


def _decides(results: Results) -> Iterator[Contrast]:
    """Each architecture by forward KL against each by reverse KL: the family must not matter."""
    for task, (covering, seeking) in product(TASKS, product(POINTS, repeat=2)):
        yield from _trade(results, task, model(covering, FORWARD), model(seeking, REVERSE))


def _critic(results: Results) -> Iterator[Contrast]:
    for task, architecture in product(TASKS, POINTS):
        yield from _trade(results, task, model(architecture, FORWARD), model(architecture, CRITIC))


def _moves(results: Results) -> Iterator[Contrast]:
    """A knob at the highest setting between its ends against the lowest one."""
    for knob in KNOBS:
        low, high = (model(MOVING, objective) for objective in TURNED[knob])
        for task in TASKS:
            yield from _trade(results, task, low, high, part=knob)
    low, high = (model(OF_IMAGES, objective) for objective in TURNED["weight"])
    for metric in ("bits_per_dim", "precision"):
        yield _higher(results, IMAGES, metric, high, low, "weight")


CLAIMS = (
    Claim(
        "objective-decides",
        "The objective decides, and not the family: an explicit model covers if it is trained by forward KL, with the "
        "lower KL(p‖q), and seeks if by reverse KL, with the lower KL(q‖p), whichever of two architectures has which.",
        "the objective decides what a model covers, not its family",
        "kl_pq, kl_qp", ("forward KL", "reverse KL"), _decides, "one_architecture-ring_wide-objectives.png", NATS,
    ),
    Claim(
        "critic-seeks",
        "A critic makes an explicit model seek: trained against one it has a lower KL(q‖p) than by maximum likelihood, "
        "and a higher KL(p‖q).",
        "a critic makes an explicit model seek",
        "kl_pq, kl_qp", ("maximum likelihood", "an adversarial game"), _critic,
        "one_architecture-ring_wide-objectives.png", NATS,
    ),
    Claim(
        "knob-moves",
        "The order of a Rényi divergence and the weight of an adversarial loss move one architecture along the "
        "trade-off between covering and seeking.",
        "a knob moves one architecture from covering to seeking",
        "kl_pq, kl_qp, bits_per_dim, precision", ("a knob near covering", "the knob near seeking"), _moves,
        "one_architecture-grid_wide-objectives.png", NATS,
    ),
)  # fmt: skip
