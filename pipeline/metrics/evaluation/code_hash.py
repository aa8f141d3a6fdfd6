"""One hash for each metric of the code that its number depends on: an edit of one metric leaves the others as they are.

A metric depends on its module and on every module of `pipeline` that this imports, at any depth
(`pipeline.import_closure`); on how a cell is opened and contexts and entries are made; and on the locked versions of
the libraries that compute. Docstrings and comments do not count. Samples depend on the code that draws them: that of
the model's family, of its checkpoints, and of the extractors.

Reading all sources takes about a second: the hashes are stored together with the size and the time of change of each
source file, and computed again when one of these differs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from pipeline import files, paths
from pipeline.errors import UserError
from pipeline.import_closure import ROOT, Sources
from pipeline.metrics import registry

MEASURING = ("pipeline.metrics.evaluation.context", "pipeline.metrics.evaluation.measure")
SAMPLING = (
    "pipeline.data.prepared", "pipeline.metrics.evaluation.draws", "pipeline.metrics.extractors.reference",
    "pipeline.training.checkpoint",
)  # fmt: skip
STEP = (
    "pipeline.hardware", "pipeline.stages.evaluate", "pipeline.stages.trained", "pipeline.training.reproducible",
)  # fmt: skip
"""They seed, open the cell and size the batches. Each counts alone: what the step imports is every metric."""
FILE = Path("artifacts/memo/code.json")


def metric_hashes() -> dict[str, str]:
    """Name of each metric, as it is declared -> the hash of its code."""
    return {name: found for name, found in _hashes().items() if "/" not in name}


def sampling_hash(family: str) -> str | None:
    """The hash of the code that draws samples of a family's models; None if the family is not in this package."""
    return _hashes().get(f"sampling/{family}")


def computed(sources: Sources) -> dict[str, str]:
    """The hashes of the metrics by name, and those of sampling by `sampling/FAMILY`."""
    found = {
        metric.name: sources.hash(sources.closure(module, *MEASURING).union(STEP))
        for module, metrics in registry.declared().items()
        for metric in metrics
        if isinstance(metric, registry.Metric)
    }
    families = (module for module in sources.graph.modules if module.endswith(".recipe"))
    return found | {
        f"sampling/{recipe.split('.')[2]}": sources.hash(sources.closure(recipe, *SAMPLING).union(STEP))
        for recipe in families
    }


def _hashes() -> Mapping[str, str]:
    stamp = _stamp()
    try:
        stored = files.read_json(FILE, "coverseek evaluate")
    except UserError:
        stored = {}
    if stored.get("stamp") != stamp:
        stored = {"stamp": stamp, "hashes": _computed(stamp)}
        with suppress(OSError):  # another evaluation writes the same
            files.write_json(FILE, stored)
    hashes: dict[str, str] = stored["hashes"]
    return hashes


@lru_cache(maxsize=1)
def _computed(stamp: str) -> dict[str, str]:
    return computed(Sources())


def _stamp() -> str:
    """Of the sources as they are on disk: it changes when one is edited, added or removed."""
    sources = sorted([*ROOT.rglob("*.py"), *(path for path in (paths.REQUIREMENTS,) if path.exists())])
    stats = ((path, path.stat()) for path in sources)
    lines = "\n".join(f"{path} {stat.st_size} {stat.st_mtime_ns}" for path, stat in stats)
    return hashlib.sha256(lines.encode()).hexdigest()
