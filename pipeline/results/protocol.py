"""What defines a number, and a short name for it: two numbers are compared only where all of it is equal.

    id = first 8 hexadecimal digits of SHA-256(metric, kind, protocol in words, split, version)

The words hold counts, draws and the hash of the extractor's weights; the split is a hash of the prepared data, so that
another draw of the same size is another protocol; the version is declared with the metric.
"""

from __future__ import annotations

import hashlib
import json
from typing import NamedTuple

from pipeline import files, paths
from pipeline.data import manifest

DIGITS = 8


class Protocol(NamedTuple):
    """`protocol`: in words. A field that is None is unknown: it was not yet written down when the number was made."""

    metric: str
    kind: str
    protocol: str
    split: str | None
    version: int | None

    @property
    def id(self) -> str:
        return _digest(self)

    def differing(self, other: Protocol) -> tuple[str, ...]:
        """The fields that both know, and that are not equal."""
        sides = zip(self._fields, self, other, strict=True)
        return tuple(field for field, a, b in sides if a != b and None not in (a, b))


def split(task: str) -> str:
    """A short hash of a task's prepared data: its events and conditions, what is known of their truth, every split.

    Raises:
        UserError: the task's manifest is missing or damaged.
    """
    path = paths.prepared(task) / "manifest.json"
    content = files.read_json(path, manifest.command(task), "splits", schema=manifest.Manifest)
    return _digest({key: value for key, value in content.items() if key not in ("task", "dataset")})


def _digest(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:DIGITS]
