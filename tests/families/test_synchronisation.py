"""Training reads no value of a tensor: on a GPU each such read makes the host wait for all work queued before it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest
import torch
from small_models import Case, cases
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from pipeline.distributions import host_draws
from pipeline.distributions.likelihood import draw_category
from pipeline.networks.layers import one_hot

ROUNDS = 10
aten = torch.ops.aten
READING = {
    aten._local_scalar_dense,
    aten._unique2,
    aten.bincount,
    aten.equal,
    aten.masked_select,
    aten.multinomial,
    aten.nonzero,
    aten.unique_dim,
}
"""Operations whose result's shape or host value depends on a tensor's values."""
INDEXING = {aten.index, aten.index_put, aten.index_put_, aten._index_put_impl_}
"""The same where an index is a mask."""


class Reads(TorchDispatchMode):
    """Counts the operations that read values."""

    def __init__(self) -> None:
        super().__init__()
        self.found: Counter[str] = Counter()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        name = func.overloadpacket
        if name in READING or (name in INDEXING and any(_is_mask(index) for index in args[1])):
            self.found[str(name)] += 1
        return func(*args, **(kwargs or {}))


def _is_mask(index: Tensor | None) -> bool:
    return index is not None and index.dtype in (torch.bool, torch.uint8)


TRAINED = [pytest.param(case, id=case.name) for case in cases() if case.subject.learns]


@pytest.mark.parametrize("case", TRAINED)
def test_rounds_of_training_read_no_value(case: Case) -> None:
    subject = case.subject
    model, (x, c), reads = subject.build().train(), subject.batch(4), Reads()
    with reads:
        for _ in range(ROUNDS):
            for player in model.players():
                player.loss(x, c).total.backward(inputs=player.params)
    assert not reads.found


def test_reads_are_counted() -> None:
    x, reads = torch.rand(5), Reads()
    with reads:
        float(x.sum()), x[x > 0.5], x.nonzero(), x.multinomial(1)
        x[x > 0.5] = 0
    assert sum(reads.found.values()) == 5


def test_a_one_hot_code_is_torchs() -> None:
    index = torch.randint(4, (3, 5))
    assert torch.equal(one_hot(index, 4), torch.nn.functional.one_hot(index, 4).float())


def test_a_category_is_drawn_as_multinomial_draws_one() -> None:
    probabilities = torch.rand(50, 7).softmax(-1)
    torch.manual_seed(3)
    expected = torch.multinomial(probabilities, 1)[:, 0]
    torch.manual_seed(3)
    assert torch.equal(draw_category(probabilities), expected)


def test_host_draws_are_those_of_the_global_generator() -> None:
    torch.manual_seed(3)
    expected = torch.rand(()).item(), int(torch.randint(9, ())), torch.randint(9, (6,)).tolist()
    torch.manual_seed(3)
    assert (host_draws.uniform(), host_draws.integer(9), host_draws.integers(9, 6)) == expected
