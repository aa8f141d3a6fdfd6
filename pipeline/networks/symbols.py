"""A recurrent network over a sequence of symbols."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class SymbolNetwork(nn.Module):
    """Symbols (B, P) long of 0 .. K-1 and a context (B, V) -> logits (B, P, K) of each given those before it.

    A gated recurrent unit (Cho et al. 2014, arXiv:1406.1078) that is told the place and the symbol before it.
    """

    def __init__(self, symbols: int, places: int, context: int, width: int, dropout: float) -> None:
        super().__init__()
        self.start = symbols  # a symbol of its own: nothing has been said
        self.places = nn.Parameter(torch.zeros(places, width))
        self.embed = nn.Embedding(symbols + 1, width)
        self.recur = nn.GRU(width + context, width, batch_first=True)
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(width, symbols))

    def forward(self, symbols: Tensor, context: Tensor) -> Tensor:
        before = torch.cat([torch.full_like(symbols[:, :1], self.start), symbols[:, :-1]], dim=1)
        spread = context[:, None].expand(-1, symbols.shape[1], -1)
        h, _ = self.recur(torch.cat([self.embed(before) + self.places, spread], dim=-1))
        logits: Tensor = self.head(h)
        return logits

    def step(self, before: Tensor, place: int, context: Tensor, state: Tensor | None) -> tuple[Tensor, Tensor]:
        """The symbol before (B,) -> logits (B, K) at `place`, and the state for the next."""
        given = torch.cat([self.embed(before) + self.places[place], context], dim=-1)
        h, state = self.recur(given[:, None], state)
        return self.head(h[:, 0]), state
