"""dvc.lock as a run writes it: atomically, with its stages in the order of dvc.yaml.

DVC's own writer truncates the file and then fills it, and appends each new stage at the end. The bytes of an entry are
those that DVC writes, because DVC's serializer makes them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pipeline import files, paths
from pipeline.doctor import lock_recovery
from pipeline.run.dvc_repository import DvcStage, lock_text, read_lock

NAME = re.compile(r"^  ([^\s-].*):$", re.MULTILINE)
"""The first line of an entry: quick to find, while parsing the file takes seconds."""


def update(stages: Sequence[DvcStage], order: Sequence[str]) -> None:
    """Replace the entries of `stages` in dvc.lock and sort its entries; the caller holds DVC's lock.

    Nothing is written where the content stays the same.

    Args:
        stages: DVC's stages, as saved.
        order: the names of all stages of dvc.yaml. Entries of other cells and tasks come last, in the order that they
            have; those of kinds of stages that dvc.yaml lacks are dropped.
    """
    text = paths.LOCK.read_text(encoding="utf-8") if paths.LOCK.exists() else ""
    names = NAME.findall(text)
    if not stages and names == _sorted(names, order):
        return
    content = read_lock(text)
    entries = dict(content.get("stages", {}))
    for stage in stages:
        entries |= stage.lock_entry()
    entries = {name: entries[name] for name in _sorted(list(entries), order)}
    updated = lock_text({"schema": "2.0", **content, "stages": entries})
    if updated != text:
        with files.atomic_write(paths.LOCK) as draft:
            draft.write_text(updated, encoding="utf-8")
        lock_recovery.save_copy()


def _sorted(names: Sequence[str], order: Sequence[str]) -> list[str]:
    found, kinds = set(names), {_kind(name) for name in order}
    others = (name for name in names if _kind(name) in kinds)
    return list(dict.fromkeys([*(name for name in order if name in found), *others]))


def _kind(name: str) -> str:
    """train@ring-vae-0 -> train"""
    return name.partition("@")[0]
