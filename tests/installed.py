"""A package as an installer leaves it: a module and its entry points, in a folder of its own."""

from __future__ import annotations

from pathlib import Path


def install(folder: Path, name: str, source: str, **entries: str) -> Path:
    """Write module `name` and what it announces, group="name = value". Returns the module's path."""
    folder.mkdir(parents=True, exist_ok=True)
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("".join(f"[coverseek.{g}]\n{line}\n" for g, line in entries.items()))
    module = folder / f"{name}.py"
    module.write_text(source)
    return module
