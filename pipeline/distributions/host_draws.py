"""Random numbers that the program itself branches on, drawn on the CPU and returned as Python numbers.

The policy for random numbers on every device:

    noise        tensors that enter the arithmetic: by the global generator of the device that x and c are on, as
                 `torch.randn(..., device=c.device)` or `torch.randn_like(x)`
    decisions    numbers that choose what is computed, such as whether a step has a penalty or which order of the pixels
                 it trains: by the functions below, from the global generator of the CPU on every device
    own streams  `torch.Generator()` and what it draws stay on the CPU, and the results are moved

Reading a number that lies on a device waits for all work queued there; these numbers never were there. On the CPU all
three are one stream. `torch.manual_seed` seeds the generators of all devices.
"""

from __future__ import annotations

import torch


def uniform() -> float:
    """A number from U[0, 1)."""
    return float(torch.rand(()).numpy())


def integer(high: int) -> int:
    """An integer 0 .. high - 1, each equally likely; `high` from 1."""
    return int(torch.randint(high, ()).numpy())


def integers(high: int, count: int) -> list[int]:
    """`count` independent integers 0 .. high - 1, each equally likely; `high` from 1, `count` from 0."""
    numbers: list[int] = torch.randint(high, (count,)).numpy().tolist()
    return numbers
