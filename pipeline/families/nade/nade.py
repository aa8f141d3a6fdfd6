"""NADE: an autoregressive model whose hidden layer of value i is that of value i - 1 and one more input.

    a_1 = b,   a_(i+1) = a_i + W_i x_i,   p(x_i | x_<i) = softmax(V_i relu(a_i) + d_i)

over the values of an image in the order of its tensor. All D hidden layers of an image are one cumulative sum. Of two
levels this is the published model; the rectified units are those of pytorch-generative, where the paper has sigmoids.

References:
    Larochelle & Murray 2011, The neural autoregressive distribution estimator, AISTATS. Uria et al. 2016,
    arXiv:1605.02226.
"""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from torch import Tensor, nn

from pipeline.contract import Event, Exact, Loss, SinglePlayer
from pipeline.distributions.likelihood import Categorical


class NADE(SinglePlayer, Exact):
    """`width` hidden units; `event` are images of few levels, whose D values have `event.grid` logits each."""

    knob: ClassVar[str | None] = "temperature"

    def __init__(self, event: Event, width: int) -> None:
        super().__init__()
        self.event, self.categorical = event, Categorical(event)
        self.inputs = nn.Parameter(torch.randn(event.dims, width) * math.sqrt(2 / event.dims))  # W
        self.start = nn.Parameter(torch.zeros(width))  # b
        self.outputs = nn.Parameter(torch.randn(event.dims, event.grid, width) / math.sqrt(width))  # V
        self.offsets = nn.Parameter(torch.zeros(event.dims, event.grid))  # d

    def log_prob(self, x: Tensor, c: Tensor) -> Tensor:
        terms = x.flatten(1)[:, :-1, None] * self.inputs[:-1]  # (B, D - 1, width)
        first = self.start.expand(len(x), 1, -1)
        before = torch.cat([first, terms], dim=1).cumsum(1)  # (B, D, width): a_i
        logits = torch.einsum("bdw,dlw->bld", before.relu(), self.outputs) + self.offsets.T
        return self.categorical.log_prob(x, logits.reshape(len(x), -1, *self.event.shape[1:]))

    def loss(self, x: Tensor, c: Tensor) -> Loss:
        nll = -self.log_prob(x, c).mean()
        return Loss(nll, {"nll": nll})

    @torch.no_grad()
    def sample(self, c: Tensor) -> Tensor:
        before = self.start.expand(len(c), -1)
        x = torch.zeros(len(c), self.event.dims, device=c.device)
        for place in range(self.event.dims):
            logits = before.relu() @ self.outputs[place].T + self.offsets[place]  # (B, L)
            x[:, place] = self.categorical.draw(logits / self.setting)[:, 0]
            before = before + x[:, place, None] * self.inputs[place]
        return x.view(-1, *self.event.shape)
