"""A recurrent network of sequences: long short-term memory (Hochreiter & Schmidhuber 1997,
doi:10.1162/neco.1997.9.8.1735).

The state after place t depends on values before t alone. While sampling the state is the cache.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from pipeline.contract import Event
from pipeline.families.autoregressive.networks.sequence_network import SequenceNetwork, StepEncoder


@dataclass
class LSTMCache:
    """The state of a batch while it is sampled."""

    conditions: Tensor
    """(B, N, width): the term of the context at each place."""
    state: tuple[Tensor, Tensor] | None = None
    """Hidden and cell state, (layers, B, width) each; None before the first place, which is zeros."""


class SequenceLSTM(SequenceNetwork):
    """x (B, N), context (B, M, N) -> (B, N, n_out), by `layers` of `width` units, dropout between them."""

    def __init__(self, event: Event, context: int, n_out: int, width: int, layers: int, dropout: float) -> None:
        super().__init__()
        self.enter = StepEncoder(event, context, width)
        self.recurrent = nn.LSTM(width, width, layers, batch_first=True, dropout=dropout if layers > 1 else 0.0)
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(width, n_out))

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        h, _ = self.recurrent(self.enter(x, context))
        return self.head(h)

    def start(self, context: Tensor) -> LSTMCache:
        return LSTMCache(self.enter.conditions(context))

    def step(self, cache: LSTMCache, previous: Tensor, place: int) -> Tensor:
        entered = self.enter.at(previous, place, cache.conditions)
        h, cache.state = self.recurrent(entered[:, None], cache.state)
        return self.head(h[:, 0])
