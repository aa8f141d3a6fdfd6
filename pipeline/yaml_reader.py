"""YAML that is read with limits: plain data only, of bounded size, depth and number of nodes.

The file is read event by event into dicts, lists and scalars, without recursion and before any library constructs an
object from it. Plain scalars are resolved to null, bool, int and float; everything else is a string. Not allowed:

- tags (`!!int`, `!!python/...`), since a constructor of YAML may fail on, or execute, what follows them;
- an alias within its own anchor, and aliases that expand to more nodes than a file may have;
- a key given twice (the first value would be lost), a key that is not a string, a second document.

Anchors, aliases and the merge key `<<` work as in YAML 1.1.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from pipeline.errors import LONGEST, UserError, excerpt

BOOLEANS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
NULLS = ("", "~", "null", "Null", "NULL")
INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9_]*)|0x[0-9a-fA-F][0-9a-fA-F_]*")
FLOAT = re.compile(r"(?=.*[.eE])[-+]?(?:\.[0-9]+|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?")
DIGITS = 30
"""That a number may have."""
Loader: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Limits:
    """What one file may hold. `size` in bytes; `depth` of blocks in blocks; `nodes` after the expansion of aliases."""

    size: int
    depth: int
    nodes: int


CONFIGURATION = Limits(size=2**22, depth=32, nodes=200_000)
"""Of a file that is written by hand, such as params.yaml."""
GENERATED = Limits(size=2**28, depth=32, nodes=10_000_000)
"""Of a file that a program writes, such as dvc.lock."""


class _NotAllowedError(Exception):
    def __init__(self, what: str, line: int) -> None:
        super().__init__(what)
        self.line = line


MERGE = object()
"""The key `<<`."""


@dataclass
class _Block:
    """A list or mapping that is being read. `weight`: its nodes, and `height` the blocks in it, aliases expanded."""

    line: int
    mapping: bool
    anchor: str | None
    weight: int = 1
    height: int = 1
    items: list[Any] = field(default_factory=list)
    own: dict[Any, Any] = field(default_factory=dict)
    merged: dict[Any, Any] = field(default_factory=dict)
    key: Any = None
    waits: bool = True
    """Of a mapping: for a key, not for a value."""

    def add(self, value: object, line: int) -> None:
        if not self.mapping:
            self.items.append(value)
        elif self.waits:
            self._begin(value, line)
        else:
            self._end(value, line)

    def _begin(self, key: object, line: int) -> None:
        if key is not MERGE and not isinstance(key, str):
            nested = isinstance(key, dict | list)
            what = "a list or a mapping" if nested else f"{excerpt(key)}, which is no text: quote it"
            raise _NotAllowedError(f"a key is {what}", line)
        if key is not MERGE and key in self.own:
            raise _NotAllowedError(f"{excerpt(key)} is given twice", line)
        self.key, self.waits = key, False

    def _end(self, value: object, line: int) -> None:
        if self.key is MERGE:
            sources = value if isinstance(value, list) else [value]
            for source in sources:  # the first that has a key decides
                if not isinstance(source, dict):
                    raise _NotAllowedError("<< takes a mapping or a list of mappings", line)
                for key, inherited in source.items():
                    self.merged.setdefault(key, inherited)
        else:
            self.own[self.key] = value
        self.waits = True

    @property
    def value(self) -> object:
        return {**self.merged, **self.own} if self.mapping else self.items


def load(path: Path, limits: Limits = CONFIGURATION) -> object:
    """Read a YAML file.

    Args:
        path: a file in UTF-8 with one document.
        limits: what it may hold.

    Returns:
        dict, list, str, int, float, bool or None. What an alias repeats is one shared object.

    Raises:
        UserError: the file cannot be read, is not YAML, or holds what is not allowed; one line with the line's number.
        FileNotFoundError: there is no such file.
    """
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            content = file.read(min(size, limits.size) + 1)  # `read` sets all that is asked for aside
    except FileNotFoundError:
        raise
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from None
    if len(content) > limits.size:
        raise UserError(f"{path} has more than {limits.size:,} bytes, which is the limit")
    try:
        return parse(content.decode("utf-8-sig"), limits)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise UserError(f"{path}, line {line}: not UTF-8 (byte {content[error.start]:#04x})") from None
    except _NotAllowedError as error:
        raise UserError(f"{path}, line {error.line}: {error}") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{path}, line {mark.line + 1}" if mark else str(path)
        raise UserError(f"{where}: not YAML: {' '.join(str(error.problem or error.context).split())}") from None
    except yaml.reader.ReaderError as error:
        raise UserError(f"{path}: not YAML: it holds the control character {excerpt(chr(error.character))}") from None


class _Node(NamedTuple):
    """What was read. `weight`: its nodes, and `height` its blocks in blocks, aliases expanded."""

    value: object
    weight: int = 1
    height: int = 0


def parse(text: str, limits: Limits = CONFIGURATION) -> object:
    """The one document of `text`; None of an empty one."""
    stack: list[_Block] = []
    anchors: dict[str, _Node] = {}
    documents: list[object] = []
    count = 0
    for event in _events(text):
        line = _line(event)
        if isinstance(event, yaml.CollectionStartEvent):
            _refuse_tag(event)
            anchors.pop(event.anchor or "", None)
            stack.append(_Block(line, isinstance(event, yaml.MappingStartEvent), event.anchor))
            _refuse_depth(len(stack), limits, line)
            continue
        if isinstance(event, yaml.CollectionEndEvent):
            block = stack.pop()
            node, anchor, line = _Node(block.value, block.weight, block.height), block.anchor, block.line
            count += 1
        elif isinstance(event, yaml.ScalarEvent):
            _refuse_tag(event)
            is_key = bool(stack) and stack[-1].mapping and stack[-1].waits
            node, anchor = _Node(_scalar(event, is_key)), event.anchor
            count += 1
        elif isinstance(event, yaml.AliasEvent):
            name = event.anchor or ""
            if name not in anchors:
                raise _NotAllowedError(f"*{name[:LONGEST]} has no anchor before it", line)
            node, anchor = anchors[name], None
            count += node.weight
        else:
            continue
        if count > limits.nodes:
            raise _NotAllowedError(f"more than {limits.nodes:,} values (aliases expanded), which is the limit", line)
        _refuse_depth(len(stack) + node.height, limits, line)
        if anchor and node.value is not MERGE:
            anchors[anchor] = node
        if stack:
            stack[-1].weight += node.weight
            stack[-1].height = max(stack[-1].height, 1 + node.height)
            stack[-1].add(node.value, line)
        elif documents:
            raise _NotAllowedError("a second document", line)
        else:
            documents.append(node.value)
    return documents[0] if documents else None


def _refuse_depth(depth: int, limits: Limits, line: int) -> None:
    if depth > limits.depth:
        raise _NotAllowedError(f"nested deeper than {limits.depth} blocks, which is the limit", line)


def _events(text: str) -> Iterator[yaml.Event]:
    return yaml.parse(text, Loader=Loader)


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 0


def _refuse_tag(event: yaml.NodeEvent) -> None:
    tag = getattr(event, "tag", None)
    if tag is not None:
        short = tag.replace("tag:yaml.org,2002:", "!!")
        raise _NotAllowedError(f"the tag {excerpt(short)} is not allowed: give plain values", _line(event))


def _scalar(event: yaml.ScalarEvent, is_key: bool) -> object:
    """A plain scalar resolved; a quoted one as it is."""
    text: str = event.value
    if event.style:
        return text
    if is_key and text == "<<":
        return MERGE
    if text in NULLS:
        return None
    if text.lower() in BOOLEANS and text in (text.lower(), text.upper(), text.capitalize()):
        return BOOLEANS[text.lower()]
    if INTEGER.fullmatch(text):
        return int(_short(text, event), 16 if text.startswith("0x") else 10)
    if FLOAT.fullmatch(text):
        return float(_short(text, event))
    if text.lstrip("+-").lower() == ".inf":
        return -math.inf if text.startswith("-") else math.inf
    return math.nan if text.lower() == ".nan" else text


def _short(text: str, event: yaml.ScalarEvent) -> str:
    digits = text.replace("_", "")
    if len(digits) > DIGITS:
        raise _NotAllowedError(f"{excerpt(text)}: a number has at most {DIGITS} characters", _line(event))
    return digits
