"""The devices of this machine: which there are, their names, their memory and the states of their random numbers.

Weights are initialised and the order of the data is drawn on the CPU, so that both are the same for every device. What
a model draws while it trains comes from the generator of the device that it is on.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from pipeline.errors import UserError

CPU = torch.device("cpu")


def available() -> list[str]:
    """The names of the devices of this machine, the CPU last."""
    gpus = [f"cuda:{index}" for index in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    return [*gpus, *(["mps"] if torch.backends.mps.is_available() else []), "cpu"]


def find(setting: str) -> str:
    """The name, one of `available()`, of the device that a setting names.

    Args:
        setting: `cpu`, `cuda` (the first GPU), `cuda:N`, `mps`, or `auto`: a GPU if there is one, else the CPU.

    Raises:
        UserError: this machine does not have it.
    """
    there = available()
    name = there[0] if setting == "auto" else "cuda:0" if setting == "cuda" else setting
    if name not in there:
        raise UserError(f"device {setting} is not on this machine; there is: {', '.join(there)}")
    return name


def resolve(setting: str) -> torch.device:
    """The device that a setting names, as in `find`; a GPU becomes the current one."""
    device = torch.device(find(setting))
    if device.type == "cuda":
        torch.cuda.set_device(device)
    return device


def name(device: torch.device) -> str | None:
    """What a GPU calls itself; None for the CPU, which `hardware.describe` names."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return None if device.type == "cpu" else device.type


def synchronize(device: torch.device) -> None:
    """Wait for all work on a device, so that a clock read next has seen it."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def free_memory(device: torch.device) -> int | None:
    """Bytes that are free on a GPU; None for the CPU, and where there is no GPU (fake tensors)."""
    if device.type == "cuda" and torch.cuda.is_available():
        return torch.cuda.mem_get_info(device)[0]
    if device.type == "mps":
        return torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()
    return None


def peak_memory(device: torch.device) -> int | None:
    """Bytes of a CUDA device that tensors have needed at most so far; None for other devices."""
    return torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None


def random_states(device: torch.device) -> dict[str, Tensor]:
    """The states of torch's global generators, of the CPU and of `device`, uint8."""
    states = {"cpu": torch.get_rng_state()}
    if device.type == "cuda" and torch.cuda.is_available():
        states["device"] = torch.cuda.get_rng_state(device)
    elif device.type == "mps":
        states["device"] = torch.mps.get_rng_state()
    return states


def set_random_states(states: dict[str, Tensor], device: torch.device) -> None:
    """Go back to what `random_states` returned."""
    torch.set_rng_state(states["cpu"])
    if "device" in states:
        (torch.mps if device.type == "mps" else torch.cuda).set_rng_state(states["device"])


@contextmanager
def preserved_random_states(device: torch.device) -> Iterator[None]:
    """Draws within the block, on the CPU or on `device`, do not move the streams of random numbers after it."""
    states = random_states(device)
    try:
        yield
    finally:
        set_random_states(states, device)
