"""A hash of the code that a process runs, for files that only the same code may read."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from torch import nn

from pipeline import files


def code_hash(model: nn.Module) -> str:
    """A hash of the sources of this package's modules that are loaded, and of the modules of the model's classes.

    The hash of code in plan/parameters.json leaves out comments, but is of the time of the last plan.
    """
    ours = {name for name in sys.modules if name.partition(".")[0] == "pipeline"}
    names = sorted(ours | {type(part).__module__ for part in model.modules()})
    sources = (getattr(sys.modules[name], "__file__", None) for name in names if name in sys.modules)
    hashes = (files.sha256(Path(source)) for source in sources if source and Path(source).exists())
    return hashlib.sha256("".join(hashes).encode()).hexdigest()
