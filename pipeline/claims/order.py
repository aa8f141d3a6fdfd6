"""What is said of the order of models: by likelihood it is not the one by samples.

Spearman's rank correlation over all explicit models of a task, seed by seed, of the likelihood with minus the Fréchet
distance: 1 if both order the models alike. It counts as the same order from 0.8 up, which was fixed beforehand.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.claims.claim import Claim
from pipeline.claims.contrast import Contrast
from pipeline.claims.results import EXPLICIT, Results

TASKS, SAME, FEWEST = ("ring", "ring_wide", "grid", "grid_wide"), 0.8, 5


def _apart(results: Results) -> Iterator[Contrast]:
    from scipy import stats  # WHY here: seconds to import

    for task in TASKS:
        models = results.models(task, EXPLICIT, "nats")
        pairs = [(results.seeds(task, m, "nats"), results.seeds(task, m, "frechet")) for m in models]
        shared = set.intersection(*(set(a) & set(b) for a, b in pairs)) if len(pairs) >= FEWEST else set()
        found = {
            seed: SAME - float(stats.spearmanr([a[seed] for a, _ in pairs], [-b[seed] for _, b in pairs]).statistic)
            for seed in sorted(shared)
        }
        name = f"{task}, {SAME} - rank correlation"
        yield Contrast(name, found, () if found else (f"{name}: fewer than {FEWEST} models",))


CLAIMS = (
    Claim(
        "two-orders",
        "A better likelihood does not mean a better Fréchet distance: the two order the models differently.",
        "nats, frechet", (f"a rank correlation of {SAME}", "the one measured"), _apart,
    ),
)  # fmt: skip
