"""Hierarchical VAE: several layers of latents, each drawn given those above it.

    p(x, z | c) = p(x | z_1..L, c) prod_l p(z_l | z_>l, c)        q(z | x, c) = prod_l q(z_l | z_>l, x, c)

Inference goes top-down as generation does: at each layer the prior p(z_l | z_>l) is multiplied by a Gaussian in z_l
from a bottom-up pass over x, and the precisions add (ladder VAE: Sonderby et al. 2016, arXiv:1602.02282, eqs. 17 to
19). The bound and its weights are those of a VAE, with the sum of the layers' rates; `free` nats of the rate of each
latent feature have no cost (free bits: Kingma et al. 2016, arXiv:1606.04934, section C.8).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar, NamedTuple, Protocol

import torch
from torch import Tensor, nn

from pipeline.contract import Event, Loss, Reconstructs, SinglePlayer, Weighted
from pipeline.distributions.gaussian import Normals
from pipeline.distributions.likelihood import Likelihood


class LatentLayer(Protocol):
    """The networks of one layer (`networks.top_down.TopDownBlock`)."""

    shape: tuple[int, ...]
    """Shape of z without the batch."""

    def prior(self, h: Tensor) -> tuple[Tensor, Tensor]:
        """Top-down features (B, ...) -> parameters of p(z | z above), (B, 2 n, ...), and features for `combine`."""
        ...

    def likelihood(self, seen: Tensor, h: Tensor) -> Tensor:
        """Bottom-up and top-down features (B, ...) -> parameters of a Gaussian in z, (B, 2 n, ...)."""
        ...

    def combine(self, h: Tensor, z: Tensor) -> Tensor:
        """Top-down features of the next layer, given z."""
        ...


class TopDownNetwork(Protocol):
    """The networks of all layers, the topmost first."""

    @property
    def layers(self) -> Iterable[Any]:
        """Each a `LatentLayer`."""
        ...

    def bottom_up(self, x: Tensor, context: Any) -> list[Tensor]:
        """Features of x for each layer."""
        ...

    def top(self, context: Any) -> Tensor:
        """The first top-down features."""
        ...

    def output(self, h: Tensor, context: Any) -> Tensor:
        """The last top-down features -> parameters of the likelihood of x."""
        ...


class LayerInference(NamedTuple):
    """One layer of the inference of z."""

    z: Tensor
    prior: Normals
    posterior: Normals


class HierarchicalVAE(SinglePlayer, Weighted, Reconstructs):
    """`encode` returns the z of every layer, flattened and concatenated, the topmost first."""

    knob: ClassVar[str | None] = "temperature"

    def __init__(
        self, event: Event, condition: nn.Module, networks: TopDownNetwork, likelihood: Likelihood, free: float
    ) -> None:
        super().__init__()
        self.condition, self.networks, self.scale = condition, networks, event.scale
        self.likelihood, self.free = likelihood, free

    def infer(self, x: Tensor, c: Tensor, choose: Callable[[Normals], Tensor]) -> tuple[list[LayerInference], Tensor]:
        """Each layer, its z chosen from its posterior, and the likelihood's parameters."""
        context = self.condition(c)
        h, layers = self.networks.top(context), []
        for block, seen in zip(self.networks.layers, self.networks.bottom_up(x / self.scale, context), strict=True):
            parameters, following = block.prior(h)
            prior = Normals.of(parameters)
            posterior = prior.times(Normals.of(block.likelihood(seen, h)))
            layers.append(LayerInference(choose(posterior), prior, posterior))
            h = block.combine(following, layers[-1].z)
        return layers, self.networks.output(h, context)

    def generate(self, c: Tensor, choose: Callable[[Normals], Tensor]) -> Tensor:
        """The likelihood's parameters, each layer's z chosen from its prior."""
        context = self.condition(c)
        h = self.networks.top(context)
        for block in self.networks.layers:
            parameters, following = block.prior(h)
            h = block.combine(following, choose(Normals.of(parameters)))
        return self.networks.output(h, context)

    def log_weight(self, x: Tensor, c: Tensor) -> Tensor:
        layers, parameters = self.infer(x, c, Normals.draw)
        odds = [layer.prior.log_prob(layer.z) - layer.posterior.log_prob(layer.z) for layer in layers]
        return self.likelihood.log_prob(x, parameters) + torch.stack(odds).sum(0)

    def loss(self, x: Tensor, c: Tensor) -> Loss:
        layers, parameters = self.infer(x, c, Normals.draw)
        distortion = -self.likelihood.log_prob(x, parameters).mean()
        divergences = [layer.posterior.divergence(layer.prior).mean(0) for layer in layers]  # (n, ...) each
        rates = [divergence.view(len(divergence), -1).sum(-1) for divergence in divergences]  # (n,) each
        counted = torch.cat(rates).clamp(min=self.free).sum()
        parts = {f"rate_{len(rates) - i}": rate.sum() for i, rate in enumerate(rates)}
        return Loss(distortion + counted, {"distortion": distortion} | parts)

    def encode(self, x: Tensor, c: Tensor) -> Tensor:
        layers, _ = self.infer(x, c, lambda q: q.mean)
        return torch.cat([layer.z.flatten(1) for layer in layers], dim=1)

    def decode(self, z: Tensor, c: Tensor) -> Tensor:
        shapes = [block.shape for block in self.networks.layers]
        sizes = [torch.Size(shape).numel() for shape in shapes]
        codes = iter([part.unflatten(1, shape) for part, shape in zip(z.split(sizes, 1), shapes, strict=True)])
        return self.likelihood.mode(self.generate(c, lambda _: next(codes)))

    @torch.no_grad()
    def sample(self, c: Tensor) -> Tensor:
        return self.likelihood.draw(self.generate(c, lambda prior: prior.draw(self.setting)))
