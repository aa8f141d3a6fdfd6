"""Items that are larger than memory as float32: held in few bytes, converted a batch at a time.

Code that reads items in batches takes either kind, a tensor or `CompactItems`: it uses `len`, `shape`, `[rows]` and
`split(size)` alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast, overload

from torch import Tensor

LARGE = 2**26
"""Bytes of an array, 64 MiB, from which it lies in a file of its own and is read a batch at a time."""


class CompactItems:
    """N items in the type in which they are stored. What is read of them is a tensor of another type.

    Args:
        stored: (N, ...), as a rule levels of images, uint8; it may be mapped from a file, so that only what is read of
            it is in memory.
        convert: the stored values of some items -> their values, same shape.
    """

    def __init__(self, stored: Tensor, convert: Callable[[Tensor], Tensor]) -> None:
        self.stored, self.convert = stored, convert

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.stored.shape)

    @property
    def ndim(self) -> int:
        return self.stored.ndim

    def __len__(self) -> int:
        return len(self.stored)

    def __getitem__(self, rows: Tensor | slice | int) -> Tensor:
        """The items of `rows`, converted."""
        return self.convert(self.stored[rows])

    def split(self, size: int) -> ChunkedItems:
        """All items in order, `size` at a time, as `Tensor.split`; each chunk is converted when it is read."""
        return ChunkedItems(self, size)


def head(items: Tensor, count: int) -> Tensor:
    """The first `count` items (N, ...), or all of them; of `CompactItems` as `CompactItems`, not converted."""
    if isinstance(items, CompactItems):
        return cast(Tensor, CompactItems(items.stored[:count], items.convert))
    return items[:count]


class ChunkedItems(Sequence[Tensor]):
    """The chunks of some items: ceil(N / size) of them, one empty chunk where N is 0."""

    def __init__(self, items: CompactItems, size: int) -> None:
        self._items, self._size = items, size

    def __len__(self) -> int:
        return max(1, -(-len(self._items) // self._size))

    @overload
    def __getitem__(self, index: int) -> Tensor: ...
    @overload
    def __getitem__(self, index: slice) -> list[Tensor]: ...
    def __getitem__(self, index: int | slice) -> Tensor | list[Tensor]:
        if isinstance(index, slice):
            return [self[one] for one in range(len(self))[index]]
        start = range(len(self))[index] * self._size
        return self._items[start : start + self._size]
