"""Records of made-up cells of one task, published one commit after another."""

from __future__ import annotations

from pipeline.history.record import Number, Origin, Record, Turn
from pipeline.results.protocol import Protocol

FIRST = Protocol("nats", "exact", "test n=64", "data", 1)


def origin(age: int) -> Origin:
    return Origin(1000 * age, f"commit {age}", f"lock {age}")


def cell(
    model: str,
    nats: float | None,
    age: int = 0,
    *,
    seed: int = 0,
    protocol: Protocol = FIRST,
    status: str = "ok",
    family: str = "vae",
    gone: int | None = None,
    better: str = "higher",
    width: int = 8,
) -> Record:
    """A cell that was published at `age`, and is history since `gone`."""
    numbers = {} if nats is None else {"nats": Number(nats, better, protocol)}  # type: ignore[arg-type]
    turns = (Turn(origin(age), True), *([] if gone is None else [Turn(origin(gone), False)]))
    return Record("toy", model, family, seed, status, numbers, {"hyper.width": str(width), "seed": str(seed)}, turns)
