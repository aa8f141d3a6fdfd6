"""Neural energies on a base, trained with persistent Langevin chains.

    f(x | c) = p_0(x) exp(-E(x, c)),    -dlog p/dθ = dE(x)/dθ - E_p[dE/dθ]

The gradient of the loss E_data[E] - E_chains[E] is that of the likelihood as far as the chains are at the model's
distribution (Du & Mordatch 2019, arXiv:1903.08689). A penalty α E[E(x)² + E(x')²] bounds energies, as there.

Transitions are Langevin proposals with a Metropolis-Hastings test, so that each f_k is left unchanged whatever the step
size ε is:

    points   x' ~ N(x + ε²/2 grad log f_k(x), ε² I)       (Roberts & Tweedie 1996, Bernoulli 2)
    levels   P(x'_i = l) ~ exp[ (log p_0i(l) - dE/dx_i (l - x_i)) / 2 - (l - x_i)² / (2 ε²) ]    (Zhang et al. 2022,
             arXiv:2206.09914: the discrete Langevin proposal for ordinal values, with the base itself in place of its
             first order; at a level k both terms have their exponents)

So a model of images is a mass on levels, as everywhere in this benchmark: without it one would train on
dequantised images, and P(x) would be an integral of an unnormalised density over a bin. ε follows the acceptance of its
level to 0.574 while the model trains and when it is calibrated, and stays what it was after that (Roberts & Rosenthal
1998, J. R. Statist. Soc. B 60).

Denoising score matching learns grad log p in place of E, with no chain and no Z (Vincent 2011, Neural Computation 23):
it is the objective of the diffusion family.
"""

from __future__ import annotations

import abc
import math
from collections.abc import Iterable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from pipeline.contract import Batch, Condition, Event, LogNormaliser, Loss
from pipeline.families.energy.annealed_model import AnnealedModel, Normalised, RaiseBound
from pipeline.families.energy.annealing import Level, levels
from pipeline.families.energy.bases import GaussianBase, HistogramBase, draw_levels
from pipeline.families.energy.chains import PersistentChains
from pipeline.families.energy.quadrature import quadrature

TARGET = 0.574
"""Acceptance at which Langevin proposals move fastest, in many dimensions."""
TRAINING_GAIN, CALIBRATION_GAIN = 0.05, 1.0
"""Change of log ε for each transition, per unit of acceptance above the target."""
CALIBRATION_PASSES, CALIBRATION_CHAINS = 3, 128
SMALLEST = 1e-5
"""The smallest ε, as a share of the largest."""
REACH = 5.0
"""Half the width of the square of quadrature, in standard deviations of the base: all but 1e-6 of its mass."""


class Place(NamedTuple):
    """States of chains: x (B, *event), the encoded condition h (B, V), and what the densities are at x."""

    x: Tensor
    h: Tensor
    log_base: Tensor
    """(B,): log p_0(x)."""
    energy: Tensor
    """(B,): E(x, c)."""
    slope: Tensor
    """(B, *event): dE/dx."""


class EBM(AnnealedModel[Place]):
    """The part that points and levels share.

    Args:
        event: of the task.
        condition: encoder of the condition.
        kind: of the condition.
        network: (x (B, D), h (B, V)) -> -E (B, 1).
        base: p_0.
        chains: persistent chains; None of a model that is trained without.
        moves: Langevin transitions of the chains in each training step.
        penalty: weight α of the squared energies.
        steps: levels of annealing.
        step: ε at the start.
    """

    log_step: Tensor
    """(steps + 1,): log ε of each level; that of level 0 is not used."""

    def __init__(
        self, event: Event, condition: nn.Module, kind: Condition, network: nn.Module,
        base: GaussianBase | HistogramBase, chains: PersistentChains | None, *, moves: int, penalty: float, steps: int,
        step: float,
    ) -> None:  # fmt: skip
        super().__init__(event, kind, steps)
        self.condition, self.network, self.base, self.chains = condition, network, base, chains
        self.moves, self.penalty = moves, penalty
        self.register_buffer("log_step", torch.full((steps + 1,), math.log(step)))

    @abc.abstractmethod
    def log_base(self, x: Tensor) -> Tensor:
        """x (B, *event) -> (B,) nats."""

    @abc.abstractmethod
    def draw(self, like: Tensor) -> Tensor:
        """x (B, *event): draws of the base, one for each row of `like`."""

    @abc.abstractmethod
    def propose(self, place: Place, level: Level, step: Tensor) -> tuple[Place, Tensor]:
        """A proposal, and log q(x | x') - log q(x' | x), (B,)."""

    def energy(self, x: Tensor, h: Tensor) -> Tensor:
        """E(x, c), (B,)."""
        out: Tensor = self.network(x.flatten(1), h)
        return -out[:, 0]

    def loss(self, x: Tensor, c: Tensor) -> Loss:
        assert self.chains is not None
        h = self.condition(c).flat()
        negative, age, accepted = self._negative_phase(h, c)
        data, model = self.energy(x, h), self.energy(negative, h[: len(negative)])
        gap = data.mean() - model.mean()
        size = data.square().mean() + model.square().mean()
        return Loss(gap + self.penalty * size, {"energy_gap": gap, "chain_age": age, "acceptance": accepted})

    @torch.no_grad()
    def _negative_phase(self, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """States x (N, *event) of persistent chains, their mean age () and acceptance ()."""
        assert self.chains is not None
        chosen = self.chains.choose(self.label(c))
        chosen = self.chains.renew(chosen, self.draw(chosen.x))
        place, level = self.place(chosen.x, h[: len(chosen.x)]), levels(self.steps)[-1]
        total = torch.zeros((), device=c.device)
        for _ in range(self.moves):
            place, accepted = self.move(place, level)
            total = total + accepted / self.moves
            if self.training:
                self._adapt(slice(None), TRAINING_GAIN, accepted)
        age = self.chains.put(chosen._replace(x=place.x), self.moves)
        return place.x, age, total

    def _adapt(self, which: int | slice, gain: float, accepted: Tensor) -> None:
        step = self.log_step[which] + gain * (accepted - TARGET)
        largest = math.log(self.base.spread)
        self.log_step[which] = step.clamp(largest + math.log(SMALLEST), largest)

    @torch.no_grad()
    def calibrate(self, train: Iterable[Batch], validation: Iterable[Batch]) -> None:
        """Set ε of each level: passes along the path and back, on which ε follows the acceptance."""
        c = next(iter(train))[1]
        c = c[torch.arange(CALIBRATION_CHAINS, device=c.device) % len(c)]
        place, path = self.draw_base(c), levels(self.steps)[1:]
        step = self.log_step[1].clone()
        for number in range(CALIBRATION_PASSES):
            for level in path if number % 2 == 0 else reversed(path):
                self.log_step[level.number] = step
                place, accepted = self.move(place, level)
                self._adapt(level.number, CALIBRATION_GAIN, accepted)
                step = self.log_step[level.number].clone()

    def state(self, x: Tensor, c: Tensor) -> Place:
        return self.place(x, self.condition(c).flat())

    def place(self, x: Tensor, h: Tensor) -> Place:
        """The state at x (B, *event) given the encoded condition h (B, V), without a graph."""
        with torch.enable_grad():
            at = x.detach().requires_grad_()
            energy = self.energy(at, h)
            (slope,) = torch.autograd.grad(energy.sum(), at)
        return Place(x, h, self.log_base(x), energy.detach(), slope)

    def draw_base(self, c: Tensor) -> Place:
        return self.state(self.draw(c), c)

    def items(self, state: Place) -> Tensor:
        return state.x

    def log_unnormalised(self, x: Tensor, c: Tensor) -> Tensor:
        return self.log_base(x) - self.energy(x, self.condition(c).flat())

    def log_density(self, state: Place, level: Level) -> Tensor:
        return (level.base + level.model) * state.log_base - level.model * state.energy

    def move(self, state: Place, level: Level) -> tuple[Place, Tensor]:
        new, log_ratio = self.propose(state, level, self.log_step[level.number].exp())
        log_ratio = log_ratio + self.log_density(new, level) - self.log_density(state, level)
        log_ratio = log_ratio.nan_to_num(nan=-torch.inf)  # a proposal where the energy overflows
        accepted = torch.rand_like(log_ratio).log() < log_ratio

        def pick(new: Tensor, old: Tensor) -> Tensor:
            return torch.where(accepted.view(-1, *[1] * (new.dim() - 1)), new, old)

        chosen = Place(
            pick(new.x, state.x), state.h, pick(new.log_base, state.log_base), pick(new.energy, state.energy),
            pick(new.slope, state.slope),
        )  # fmt: skip
        return chosen, log_ratio.clamp(max=0).exp().mean()


class PointEBM(EBM):
    """An energy on R^D, on a Gaussian base."""

    base: GaussianBase

    def log_base(self, x: Tensor) -> Tensor:
        return self.base.log_prob(x)

    def draw(self, like: Tensor) -> Tensor:
        return self.base.draw(like)

    def propose(self, place: Place, level: Level, step: Tensor) -> tuple[Place, Tensor]:
        x = self._drifted(place, level, step) + step * torch.randn_like(place.x)
        new = self.place(x, place.h)
        there = (x - self._drifted(place, level, step)).square().sum(-1)
        back = (place.x - self._drifted(new, level, step)).square().sum(-1)
        return new, (there - back) / (2 * step.square())

    def _drifted(self, place: Place, level: Level, step: Tensor) -> Tensor:
        slope = (level.base + level.model) * self.base.slope(place.x) - level.model * place.slope
        return place.x + step.square() / 2 * slope


class QuadratureEBM(PointEBM, Normalised[Place]):
    """An energy in one or two dimensions, of which log Z is found by quadrature with `nodes` on each axis."""

    likelihood_kind = "quadrature"

    def __init__(self, *arguments: Any, nodes: int, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self.nodes = nodes

    @torch.no_grad()
    def log_normaliser(self, c: Tensor) -> LogNormaliser:
        found = [self._integral(one) for one in self.each_label(1, c).split(1)]
        log_z, error = (torch.stack(parts)[self.label(c)] for parts in zip(*found, strict=True))
        return LogNormaliser(log_z, error, "quadrature")

    def _integral(self, c: Tensor) -> tuple[Tensor, Tensor]:
        h = self.condition(c).flat()

        def log_f(x: Tensor) -> Tensor:
            return self.log_base(x) - self.energy(x, h.expand(len(x), -1))

        return quadrature(log_f, self.event.dims, REACH * self.base.sigma, self.nodes, h.device)


class AnnealedPointEBM(PointEBM, RaiseBound[Place]):
    """An energy in more dimensions: log Z by AIS, the likelihood by RAISE."""


class LevelEBM(EBM, RaiseBound[Place]):
    """An energy on images: log Z by AIS, the likelihood by RAISE."""

    base: HistogramBase

    def loss(self, x: Tensor, c: Tensor) -> Loss:
        if self.training:
            self.base.count(x)
        return super().loss(x, c)

    def log_base(self, x: Tensor) -> Tensor:
        return self.base.log_prob(self.event.index(x).flatten(1))

    def draw(self, like: Tensor) -> Tensor:
        return self._image(self.base.draw(len(like)))

    def propose(self, place: Place, level: Level, step: Tensor) -> tuple[Place, Tensor]:
        log_q = self._log_proposal(place, level, step)
        index = draw_levels(log_q)
        new = self.place(self._image(index), place.h)
        back = self._log_proposal(new, level, step)
        before = self.event.index(place.x).flatten(1)
        return new, _log_mass(back, before) - _log_mass(log_q, index)

    def _log_proposal(self, place: Place, level: Level, step: Tensor) -> Tensor:
        """(B, D, L) nats: log q of each level of each value."""
        values = self.event.value(torch.arange(self.event.grid, device=place.x.device))
        move = values - place.x.flatten(1)[..., None]  # (B, D, L)
        own = (level.base + level.model) * self.base.log_table()
        slope = level.model * place.slope.flatten(1)[..., None]
        logits = (own - slope * move) / 2 - move.square() / (2 * step.square())
        return logits.log_softmax(-1)

    def _image(self, index: Tensor) -> Tensor:
        return self.event.value(index).view(-1, *self.event.shape)


def _log_mass(log_q: Tensor, index: Tensor) -> Tensor:
    """log q (B, D, L) of levels (B, D), summed over the values: (B,)."""
    return log_q.gather(2, index[..., None])[..., 0].sum(-1)
