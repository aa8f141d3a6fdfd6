"""What a training costs before it runs: parameters, memory, and floating-point operations of a step.

Each player's loss and gradient are computed once on the `meta` device, where tensors have shapes and no values:

    weights, gradients      4 bytes for each parameter
    optimiser, average      8 bytes, two moments of AdamW; 4 bytes, the moving average
    activations             the tensors that autograd stores for the backward pass: an estimate, since the working
                            memory of single operations comes on top and some devices store less
    operations              of convolutions, matrix products and attention, forward and backward, by the formulas of
                            torch.utils.flop_counter; a multiplication and an addition count as two

Models that read a value to decide what to compute cannot run there; they run on the CPU with a batch of `FEW` items,
and activations and operations are scaled to the batch. Data, validation and evaluation are not counted.

References:
    Peak rates: makers' data sheets, dense float32 without tensor cores.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from pipeline.contract import Batch, GenerativeModel, Player, Task

BYTES = 4
"""Of a float32."""
FEW = 2
"""Items of a batch on the CPU."""
SIDE, REPEATS = 1024, 5
"""Of the matrices whose product is timed; the fastest of these runs counts."""
PEAKS = {"A100": 19.5e12, "H100": 67e12, "H200": 67e12}
"""NVIDIA's SXM modules: float32 operations in a second."""


class StepCost(NamedTuple):
    """One round of training: every step of every player.

    Attributes:
        parameters: of all players.
        state_bytes: weights, gradients, optimiser and moving average.
        activation_bytes: stored for the backward pass; of the player that stores most.
        operations: floating-point operations.
        batch_size: items of each step.
    """

    parameters: int
    state_bytes: int
    activation_bytes: int
    operations: int
    batch_size: int


class Rate(NamedTuple):
    """Floating-point operations in a second, and where the number is from."""

    per_second: float
    source: str


def step_cost(build: Callable[[], GenerativeModel], task: Task, batch_size: int) -> StepCost:
    """The cost of one round.

    Args:
        build: makes the model; called once or twice.
        task: whose batches the model takes.
        batch_size: items of each step, from 1.
    """
    try:
        with torch.device("meta"):
            model, batch = build().eval(), _batch(task, batch_size)
        return _count(model, batch, batch_size)
    except (NotImplementedError, RuntimeError):  # a value was asked for
        few = min(FEW, batch_size)
        cost = _count(build().eval(), _batch(task, few), few)
        scale = batch_size / few
        return cost._replace(
            activation_bytes=round(cost.activation_bytes * scale),
            operations=round(cost.operations * scale),
            batch_size=batch_size,
        )


def _batch(task: Task, count: int) -> Batch:
    """Items of zeros."""
    labels = task.condition.kind in ("class", "segmentation")
    c = torch.zeros(count, *task.condition.shape, dtype=torch.long if labels else torch.float32)
    return torch.zeros(count, *task.event.shape), c


def _count(model: GenerativeModel, batch: Batch, batch_size: int) -> StepCost:
    parameters = sum(p.numel() for p in model.parameters())
    counted = [_count_player(model, player, batch) for player in model.players()]
    return StepCost(
        parameters,
        parameters * 5 * BYTES if counted else parameters * BYTES,
        max((stored for stored, _ in counted), default=0),
        sum(operations for _, operations in counted),
        batch_size,
    )


def _count_player(model: GenerativeModel, player: Player, batch: Batch) -> tuple[int, int]:
    """Bytes that one step stores for its backward pass, and operations of all steps of a round."""
    own = {tensor.untyped_storage()._cdata for tensor in (*model.parameters(), *model.buffers())}
    stored: dict[int, tuple[int, Tensor]] = {}  # the tensors are held, or another would get the address of a freed one

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage._cdata not in own:
            stored[storage._cdata] = storage.nbytes(), tensor
        return tensor

    counter = OperationCounter()  # type: ignore[no-untyped-call]  # of torch
    with counter, torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
        loss = player.loss(*batch).total
        torch.autograd.grad(loss, player.params, allow_unused=True)
    return sum(size for size, _ in stored.values()), counter.total * player.steps_per_round


class OperationCounter(TorchDispatchMode):
    """Adds up the operations of what runs within it.

    `FlopCounterMode` counts by module as well, with hooks that refuse `torch.autograd.grad`, which a gradient penalty
    calls.
    """

    total = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        count = flop_registry.get(func._overloadpacket)
        if count is not None:
            self.total += count(*args, **(kwargs or {}), out_val=out)
        return out


def rate(device: str = "cpu") -> Rate:
    """The operations in a second of a device: its maker's peak where the name is known, else of a timed product."""
    where = torch.device(device)
    name = torch.cuda.get_device_name(where) if where.type == "cuda" else "CPU"
    known = next((peak for word, peak in PEAKS.items() if word in name), None)
    if known:
        return Rate(known, f"{name}: its maker's float32 peak")
    a = torch.ones(SIDE, SIDE, device=where)
    seconds = min(_timed(a) for _ in range(REPEATS))
    return Rate(2 * SIDE**3 / seconds, f"this {name}: a float32 product of {SIDE} x {SIDE} matrices, timed")


def _timed(a: Tensor) -> float:
    start = time.perf_counter()
    (a @ a)[0, 0].item()  # waits for the device
    return time.perf_counter() - start
