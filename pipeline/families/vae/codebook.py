"""Vector quantisation: each code becomes the nearest of K learned vectors.

    k(e) = argmin_k |e - v_k|^2        z = v_k(e),  d z / d e = 1 (straight through)
    loss = |sg(e) - v_k|^2 + beta |e - sg(v_k)|^2        sg: a constant to the gradient

pulls the vectors to the codes, and the codes to their vectors (van den Oord, Vinyals & Kavukcuoglu 2017,
arXiv:1711.00937, eq. 3). A vector that nothing has chosen for long restarts at a random code of the batch, or it would
never be chosen again (Dhariwal et al. 2020, arXiv:2005.00341, section 3.1).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

MEMORY = 0.99  # of the running use of each vector: about a hundred batches
IDLE = 0.03  # times its fair share: less use than that is none


class Codebook(nn.Module):
    """`size` vectors of `dims`; codes are (B, dims, ...), their indices (B, ...)."""

    use: Tensor

    def __init__(self, size: int, dims: int) -> None:
        super().__init__()
        self.vectors = nn.Parameter(torch.randn(size, dims) / dims)
        self.register_buffer("use", torch.zeros(size))  # idle from the start: the first batch places them all

    def nearest(self, codes: Tensor) -> Tensor:
        """(B, dims, ...) -> (B, ...) long."""
        flat = codes.movedim(1, -1)
        return (self.vectors.square().sum(-1) - 2 * flat @ self.vectors.T).argmin(-1)

    def look_up(self, indices: Tensor) -> Tensor:
        """(B, ...) -> (B, dims, ...)."""
        return self.vectors[indices].movedim(-1, 1)

    def straight_through(self, codes: Tensor, indices: Tensor) -> Tensor:
        """The chosen vectors, whose gradient goes to the codes as they are."""
        return codes + (self.look_up(indices) - codes).detach()

    def distances(self, codes: Tensor, indices: Tensor) -> tuple[Tensor, Tensor]:
        """Mean over the batch of |sg(e) - v|^2 and of |e - sg(v)|^2, () each."""
        chosen, count = self.look_up(indices), len(codes)
        pull = F.mse_loss(chosen, codes.detach(), reduction="sum") / count
        return pull, F.mse_loss(codes, chosen.detach(), reduction="sum") / count

    @torch.no_grad()
    def revive(self, codes: Tensor) -> None:
        """Count which vectors are chosen, and restart the idle ones at codes of this batch."""
        size, flat = len(self.vectors), codes.movedim(1, -1).flatten(0, -2)
        idle = self.use < IDLE / size
        self.vectors[idle] = flat[torch.randint(len(flat), (int(idle.sum()),))]
        self.use[idle] = 1 / size
        share = torch.bincount(self.nearest(codes).flatten(), minlength=size) / len(flat)
        self.use.lerp_(share, 1 - MEMORY)
