"""Values that are not finite (NaN, infinity) are refused before a metric is computed from them.

A NaN is otherwise silent: a comparison with it is false, so that max(0, nan) is 0, a perfect distance; and some LAPACK
routines end the process on it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def check_finite(values: Tensor, what: str, first: int = 0) -> Tensor:
    """Return `values` if each of them is finite.

    Args:
        values: (N, ...) of any dtype, one row for each item. `CompactItems` are not looked at: levels are finite.
        what: Noun of a row, to which the index of the first bad one is added, as in "sample".
        first: Index of the first row.

    Returns:
        `values` itself, so that the check can stand where they are used.

    Raises:
        FloatingPointError: Some are not; the message has the index and the number of such items.
    """
    from pipeline.items import CompactItems

    if isinstance(values, CompactItems) or values.isfinite().all():
        return values
    wrong = ~values.isfinite().reshape(len(values), -1)
    items = wrong.any(dim=1).nonzero()[:, 0]
    row, bad = values[items[0]].reshape(-1), wrong[items[0]]
    where = f" in place {int(bad.nonzero()[0, 0])} of {len(row)}" if len(row) > 1 else ""
    more = f"; {len(items)} of {len(values)} are not" if len(items) > 1 else ""
    raise FloatingPointError(f"{what} {first + int(items[0])} is not finite: {float(row[bad][0])}{where}{more}")


def check_features(real: Tensor, fake: Tensor) -> None:
    """Refuse features that are not finite, or that do not have the same number of columns.

    Args:
        real: (N, D) features of real items.
        fake: (M, D) features of samples.

    Raises:
        FloatingPointError: A row is not finite; the message has its side and its index.
        ValueError: The numbers of columns differ.
    """
    if real.shape[1:] != fake.shape[1:]:
        raise ValueError(f"real features have shape {tuple(real.shape)}, fake ones {tuple(fake.shape)}: D must agree")
    for side, features in (("real", real), ("fake", fake)):
        check_finite(features, f"the feature vector of {side} item")
