"""Values that fit MLflow's limits.

MLflow refuses or silently cuts what is longer (mlflow.utils.validation): a JSON value that is cut cannot be decoded.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
from collections.abc import Mapping
from typing import Any

TAG, PARAM, KEY = 8000, 6000, 250
"""Characters of a run's tag, of a parameter, and of a key."""
EXPERIMENT_TAG = 5000
"""Characters of a tag of an experiment or a registered model. New servers take more; old ones do not."""
PARAMS = 100
"""Parameters or tags in one request."""


def text(value: str, limit: int) -> str:
    """`value`, or its start with its length and SHA-256, so that different values stay different."""
    if len(value) <= limit:
        return value
    mark = f"... [{len(value)} characters, sha256 {_sha256(value)}]"
    return value[: limit - len(mark)] + mark


def key(name: str) -> str:
    """`name` with characters and a length that MLflow takes, and a hash where it had to be changed."""
    clean = posixpath.normpath(re.sub(r"[^\w./ :-]", "_", name)).lstrip("./")
    if clean == name and len(name) <= KEY:
        return name
    mark = f"-{_sha256(name)}"
    return clean[: KEY - len(mark)] + mark


def tags(values: Mapping[str, str], limit: int = TAG) -> dict[str, str]:
    """`values` with keys and values that fit."""
    return {key(name): text(value, limit) for name, value in values.items()}


def params(values: Mapping[str, str]) -> dict[str, str]:
    """`values` with keys and values that fit."""
    return tags(values, PARAM)


def cut(values: Mapping[str, str], limit: int) -> dict[str, str]:
    """Those of `values` that do not fit."""
    return {name: value for name, value in values.items() if key(name) != name or len(value) > limit}


def as_json(content: Mapping[str, Any], limit: int = TAG) -> str:
    """`content` as JSON that fits: long strings are shortened, the longest first, then the last entries left out."""
    fitting = dict(content)
    while len(encoded := json.dumps(fitting)) > limit:
        longest = max(fitting, key=lambda name: len(fitting[name]) if isinstance(fitting[name], str) else 0)
        value = fitting[longest]
        if isinstance(value, str) and len(value) > 2 * KEY:
            fitting[longest] = text(value, len(value) // 2)
        else:
            fitting.popitem()
    return encoded


def read_object(encoded: str) -> dict[str, Any] | None:
    """The JSON object in a tag; None where it is damaged."""
    try:
        content = json.loads(encoded)
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def _sha256(value: str) -> str:
    return hashlib.sha256(value.encode(errors="replace")).hexdigest()[:16]
