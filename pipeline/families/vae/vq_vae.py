"""Vector-quantised VAE: a grid of discrete codes, and a learned prior over the grid.

    log p(x | c) >= log p(x | z(x), c) + log p(k(x) | c),    p(k | c) = prod_i p(k_i | k_<i, c)

k(x) are the indices of the codebook vectors v_k nearest to the encoder's outputs e, z(x) these vectors:

    k(e) = argmin_k |e - v_k|^2        z = v_k(e),  d z / d e = 1 (straight through)
    loss = |sg(e) - v_k|^2 + beta |e - sg(v_k)|^2        sg: stop gradient

pulls the vectors to the outputs, and the outputs to their vectors (eq. 3). A vector that has not been chosen for long
restarts at a random output of the batch, or it would never be chosen again (Dhariwal et al. 2020, arXiv:2005.00341,
section 3.1).

The posterior is a point mass, so the bound is one term of the sum over all grids: more draws do not tighten it. The
prior is trained jointly, on indices, which pass no gradient back (in the paper it is trained afterwards).

References:
    van den Oord, Vinyals & Kavukcuoglu 2017, arXiv:1711.00937.
"""

from __future__ import annotations

import math
from typing import ClassVar, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipeline.contract import Bounded, Event, Loss, Reconstructs, SinglePlayer
from pipeline.distributions.likelihood import Likelihood, draw_category

DECAY = 0.99  # of the moving average of each vector's use: about a hundred batches
IDLE = 0.03  # times a uniform share: a vector with less use restarts


class Codebook(nn.Module):
    """`size` vectors of `dims`; codes are (B, dims, ...), their indices (B, ...)."""

    use: Tensor

    def __init__(self, size: int, dims: int) -> None:
        super().__init__()
        self.vectors = nn.Parameter(torch.randn(size, dims) / dims)
        self.register_buffer("use", torch.zeros(size))  # idle at first: the first batch initialises all

    def nearest(self, codes: Tensor) -> Tensor:
        """(B, dims, ...) -> (B, ...) long."""
        flat = codes.movedim(1, -1)
        return (self.vectors.square().sum(-1) - 2 * flat @ self.vectors.T).argmin(-1)

    def look_up(self, indices: Tensor) -> Tensor:
        """(B, ...) -> (B, dims, ...)."""
        return self.vectors[indices].movedim(-1, 1)

    def straight_through(self, codes: Tensor, indices: Tensor) -> Tensor:
        """The chosen vectors; the gradient passes to the codes unchanged."""
        return codes + (self.look_up(indices) - codes).detach()

    def distances(self, codes: Tensor, indices: Tensor) -> tuple[Tensor, Tensor]:
        """Mean over the batch of |sg(e) - v|^2 and of |e - sg(v)|^2, () each."""
        chosen, count = self.look_up(indices), len(codes)
        pull = F.mse_loss(chosen, codes.detach(), reduction="sum") / count
        return pull, F.mse_loss(codes, chosen.detach(), reduction="sum") / count

    @torch.no_grad()
    def restart_idle(self, codes: Tensor) -> None:
        """Count which vectors are chosen, and restart the idle ones at codes of this batch."""
        size, flat = len(self.vectors), codes.movedim(1, -1).flatten(0, -2)
        idle = self.use < IDLE / size
        self.vectors.copy_(torch.where(idle[:, None], flat[_random_rows(idle, len(flat))], self.vectors))
        self.use.masked_fill_(idle, 1 / size)
        chosen = self.nearest(codes).flatten()
        count = torch.zeros_like(idle, dtype=torch.long).scatter_add_(0, chosen, torch.ones_like(chosen))
        self.use.lerp_(count / len(flat), 1 - DECAY)


def _random_rows(where: Tensor, count: int) -> Tensor:
    """where (K,) bool -> (K,) long: a random row 0 .. count - 1 for each place where it is true, any row elsewhere.

    On the CPU no more numbers are drawn than are used; another device would have to wait to know how many those are.
    """
    if where.device.type != "cpu":
        return torch.randint(count, where.shape, device=where.device)
    rows, places = torch.zeros(where.shape, dtype=torch.long), torch.from_numpy(where.numpy().nonzero()[0])
    rows[places] = torch.randint(count, places.shape)
    return rows


class Prior(Protocol):
    """Logits of each symbol given those before it (`networks.encoder_decoder.SymbolNetwork`)."""

    start: int
    """The symbol before the first one."""

    def __call__(self, symbols: Tensor, context: Tensor) -> Tensor:
        """(B, P) -> (B, P, K)."""
        ...

    def step(self, before: Tensor, place: int, context: Tensor, state: Tensor | None) -> tuple[Tensor, Tensor]:
        """The symbol before (B,) -> logits (B, K) at `place`, and the state for the next."""
        ...


class VQVAE(SinglePlayer, Bounded, Reconstructs):
    """`encoder`: (x, context) -> codes (B, *grid), the codebook's dims first; `decoder` back to the parameters."""

    knob: ClassVar[str | None] = "temperature"

    def __init__(
        self,
        event: Event,
        condition: nn.Module,
        encoder: nn.Module,
        decoder: nn.Module,
        prior: Prior,
        likelihood: Likelihood,
        *,
        size: int,
        grid: tuple[int, ...],
        commitment: float,
    ) -> None:
        super().__init__()
        self.condition, self.encoder, self.decoder = condition, encoder, decoder
        self.codebook, self.prior, self.likelihood = Codebook(size, grid[0]), prior, likelihood
        self.scale, self.grid, self.commitment = event.scale, grid, commitment

    def codes(self, x: Tensor, c: Tensor) -> Tensor:
        """The output of the encoder before quantisation, (B, *grid)."""
        codes: Tensor = self.encoder(x / self.scale, self.condition(c))
        return codes

    def log_likelihood(self, x: Tensor, codes: Tensor, c: Tensor) -> Tensor:
        """(B,) nats: log p(x | z, c)."""
        return self.likelihood.log_prob(x, self.decoder(codes, self.condition(c)))

    def log_prior(self, indices: Tensor, c: Tensor) -> Tensor:
        """(B,) nats: log p(k | c), in raster order."""
        symbols = indices.flatten(1)
        logits = self.prior(symbols, self.condition(c).flat())
        return -F.cross_entropy(logits.transpose(1, 2), symbols, reduction="none").sum(-1)

    def elbo(self, x: Tensor, c: Tensor) -> Tensor:
        indices = self.codebook.nearest(self.codes(x, c))
        return self.log_likelihood(x, self.codebook.look_up(indices), c) + self.log_prior(indices, c)

    def loss(self, x: Tensor, c: Tensor) -> Loss:
        codes = self.codes(x, c)
        self.codebook.restart_idle(codes)
        indices = self.codebook.nearest(codes)
        distortion = -self.log_likelihood(x, self.codebook.straight_through(codes, indices), c).mean()
        rate = -self.log_prior(indices, c).mean()
        pull, commitment = self.codebook.distances(codes, indices)
        total = distortion + rate + pull + self.commitment * commitment
        return Loss(total, {"distortion": distortion, "rate": rate, "commitment": commitment})

    def encode(self, x: Tensor, c: Tensor) -> Tensor:
        return self.codebook.look_up(self.codebook.nearest(self.codes(x, c))).flatten(1)

    def decode(self, z: Tensor, c: Tensor) -> Tensor:
        chosen = self.codebook.look_up(self.codebook.nearest(z.unflatten(1, self.grid)))
        return self.likelihood.mode(self.decoder(chosen, self.condition(c)))

    @torch.no_grad()
    def sample(self, c: Tensor) -> Tensor:
        codes = self.codebook.look_up(self.sample_indices(c))
        return self.likelihood.draw(self.decoder(codes, self.condition(c)))

    def sample_indices(self, c: Tensor) -> Tensor:
        """Indices (B, *grid[1:]) from the prior, its logits divided by the temperature."""
        context, state = self.condition(c).flat(), None
        symbol, symbols = torch.full((len(c),), self.prior.start, device=c.device), []
        for place in range(math.prod(self.grid[1:])):
            logits, state = self.prior.step(symbol, place, context, state)
            symbol = draw_category((logits / self.setting).softmax(-1))
            symbols.append(symbol)
        return torch.stack(symbols, dim=1).unflatten(1, self.grid[1:])
