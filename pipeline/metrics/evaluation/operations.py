"""Count what a computation costs, in numbers that do not depend on the machine: its work and its depth.

    work     FLOPs: 2 for each multiply-add of matrix products, convolutions and attention; 1 for each number that any
             other operation computes or copies
    depth    operations of the longest chain in which each needs the result of the one before: with unlimited
             parallelism the time is proportional to it. A loop over pixels or diffusion steps has a depth proportional
             to its length, whatever the batch; one pass through a network has that of its layers

Views, index arithmetic and new tensors that are empty or of one value count neither way. Work is that of one more item,
(F(2n) - F(n)) / n, so that what a batch shares, as masked weights, does not count.

References:
    Blumofe, Leiserson 1999, Scheduling multithreaded computations by work stealing, J. ACM 46 (work and span).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from pipeline.contract import Batch, Bounded, GenerativeModel
from pipeline.device import preserved_random_states
from pipeline.metrics.evaluation.placement import device_of

WORK, DEPTH = "2 FLOPs for a multiply-add, 1 for any other number", "longest chain of dependent operations"
TRAINING = (
    "2 FLOPs for a multiply-add of matrix products, convolutions and attention, forward and backward, in all steps"
)
"""As `pipeline.training.cost` counts."""
ITEMS = 2
"""The smaller of the two batches; no model samples fewer at a time than a pack of two."""
SEED = 0

aten = torch.ops.aten
FREE = frozenset({
    aten.empty, aten.empty_like, aten.empty_strided, aten.new_empty, aten.new_empty_strided, aten.zeros,
    aten.zeros_like, aten.new_zeros, aten.ones, aten.ones_like, aten.new_ones, aten.full, aten.full_like,
    aten.new_full, aten.arange, aten.lift_fresh, aten.scalar_tensor, aten._local_scalar_dense, aten.is_nonzero,
})  # fmt: skip
"""Operations that make a tensor without computing, or read one number of it."""


class Cost(NamedTuple):
    """`flops`: of one more item. `depth`: operations, of the whole batch."""

    flops: float
    depth: int


class Counter(TorchDispatchMode):
    """Count the work and the depth of the operations that run inside it.

    The depth of a result is one more than the largest depth among its inputs. It belongs to the storage: a view has the
    depth of what it shows, and what is written into a part of a tensor makes all of it as deep.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.flops, self.depth = 0, 0
        self._depths: dict[int, tuple[StorageWeakRef, int]] = {}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        kind = _kind(func)
        inputs, outputs = [*_tensors((*args, *kwargs.values()))], [*_tensors((result,))]
        if kind.free:
            self._set(outputs, 0)
            return result
        known = {_key(tensor) for tensor in inputs}
        written = [*_tensors(args[place] for place in kind.written if place < len(args))]
        new = outputs if kind.written else [tensor for tensor in outputs if _key(tensor) not in known]
        if new or written:
            work = _work(func.overloadpacket, args, kwargs, result, new or written)
            self.flops += work
            self._set((*new, *written), max(map(self._of, inputs), default=0) + bool(work))
        return result

    def _of(self, tensor: Tensor) -> int:
        found = self._depths.get(_key(tensor))
        return found[1] if found else 0

    def _set(self, tensors: Iterable[Tensor], depth: int) -> None:
        for tensor in tensors:  # a weak reference reserves the address, so that no later storage has the same key
            self._depths[_key(tensor)] = StorageWeakRef(tensor.untyped_storage()), depth
        self.depth = max(self.depth, depth)


class Kind(NamedTuple):
    """`written`: the places of the arguments that an operation writes into."""

    free: bool
    written: tuple[int, ...]


@cache
def _kind(func: Any) -> Kind:
    arguments = enumerate(func._schema.arguments)
    written = tuple(place for place, one in arguments if one.alias_info and one.alias_info.is_write)
    return Kind(func.overloadpacket in FREE, written)


def _work(packet: Any, args: Sequence[Any], kwargs: Mapping[str, Any], result: Any, new: Iterable[Tensor]) -> int:
    if packet in flop_registry:
        return int(flop_registry[packet](*args, **kwargs, out_val=result))
    if packet is aten._scaled_dot_product_flash_attention_for_cpu:
        q, k, v = args[:3]
        return 2 * math.prod(q.shape[:-1]) * k.shape[-2] * (q.shape[-1] + v.shape[-1])
    if packet in (aten.mv, aten.addmv, aten.dot):
        return 2 * max(tensor.numel() for tensor in _tensors(args))
    if packet is aten.mkldnn_rnn_layer:
        x, *weights = args[:3]
        return 2 * math.prod(x.shape[:-1]) * sum(weight.numel() for weight in weights)
    return sum(tensor.numel() for tensor in new if tensor.is_floating_point())


def _tensors(values: Iterable[Any]) -> Iterator[Tensor]:
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from _tensors(value)


def _key(tensor: Tensor) -> int:
    return int(tensor.untyped_storage()._cdata)


def sampling(model: GenerativeModel, c: Tensor) -> Cost:
    """Of one sample under conditions like the first rows of c (N, *condition), which are cycled."""
    return _cost(model, model.sample, c)


def evaluation(model: Bounded, data: Batch) -> Cost:
    """Of one log p, or one draw of its bound, of items like the first of x (N, *event), c (N, *condition)."""
    return _cost(model, model.elbo, *data)


def _cycled(x: Tensor, count: int) -> Tensor:
    return x[torch.arange(count) % len(x)]


@torch.no_grad()
def _cost(model: object, run: Callable[..., object], *items: Tensor) -> Cost:
    found, device = [], device_of(model)
    with preserved_random_states(device):
        for n in (ITEMS, 2 * ITEMS):
            torch.manual_seed(SEED)
            batch = [_cycled(tensor, n).to(device) for tensor in items]
            with Counter() as counter:
                run(*batch)
            found.append(counter)
    few, more = found
    return Cost(max(0.0, (more.flops - few.flops) / ITEMS), few.depth)
