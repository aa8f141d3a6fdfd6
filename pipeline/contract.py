"""The interfaces of the benchmark: events, conditions, tasks, models. Read this file first.

All data are two tensors:

    x : (B, *event) float32     points (B, D), real; images (B, C, H, W) on the L-level grid of [-1, 1];
                                sequences (B, C, T), either of the two
    c : (B, *condition)         none (B, 0), class (B,) long, box (B, 4), segmentation (B, H, W) long,
                                grayscale (B, 1, H, W)

`c` always exists and has the batch dimension, so `sample(c)` needs no count: 500 unconditional draws are
`sample(torch.empty(500, 0))`. x, c and a model's parameters are on one device, where the model makes its own tensors
(`device=c.device`), noise among them; decisions are drawn on the host (`distributions/host_draws.py`).

A model is a *sampler*. It is trained by its *players*: one for most families, two for an adversarial game, none for a
control. Its likelihood, if any, is one of three kinds, each a special case of the one before:

    Bounded    one unbiased draw of a lower bound on log p(x | c)            diffusion
    Weighted   log w with E[w] = p(x | c): the ELBO, and IWAE-k <= log p     VAE, dequantised flow
    Exact      log p(x | c) itself, without sampling noise                   autoregressive, flow on points, oracle

and a fourth stands beside them:

    Unnormalised   log f(x | c), where p = f / Z(c), and an estimate of log Z(c)      energy-based

Such a model is `Exact` as well where it can sum or integrate f, and `Bounded` where it bounds the likelihood of what it
samples. A metric declares the weakest of these that it needs and does not depend on a family.
Every log-quantity is in nats, (B,), and higher is better; `loss` and `nll` are lower for better models.
"""

from __future__ import annotations

import abc
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import ClassVar, Literal, NamedTuple

import torch
from torch import Tensor, nn

from pipeline.processes import Process

EventKind = Literal["points", "images", "sequences"]
ConditionKind = Literal["none", "class", "box", "segmentation", "grayscale"]

Batch = tuple[Tensor, Tensor]
"""(x, c): x (B, *event), c (B, *condition)."""

LUMA = (299, 587, 114)
"""Luma is 0.299 R + 0.587 G + 0.114 B of the levels, rounded to a level (ITU-R Recommendation BT.601, 1982).

In thousandths: in whole numbers the weights add up to 1 exactly, and a grey pixel's luma is the pixel."""


@dataclass(frozen=True)
class Event:
    """The space of one x. `levels=None`: a density on R^D. `levels=L`: a probability mass on L levels per value.

    The number of axes of its shape is its kind: points (D,), sequences (C, T), images (C, H, W).
    """

    shape: tuple[int, ...]
    levels: int | None = None
    scale: float = 1.0
    """The largest magnitude in the training split: used to initialise networks, never in a score."""

    rate: int | None = None
    """Values of each channel per second of sound, where a sequence is sound; its levels are then mu-law."""

    @property
    def kind(self) -> EventKind:
        kinds: tuple[EventKind, ...] = ("points", "sequences", "images")
        return kinds[len(self.shape) - 1]

    @property
    def dims(self) -> int:
        return math.prod(self.shape)

    @property
    def grid(self) -> int:
        """L of a discrete event.

        Raises:
            ValueError: the event is continuous.
        """
        if self.levels is None:
            raise ValueError(f"an event of shape {self.shape} is continuous: it has no levels")
        return self.levels

    def index(self, x: Tensor) -> Tensor:
        """Values on the grid of [-1, 1] -> their level 0 .. L-1, long, same shape."""
        return ((x + 1) * (self.grid - 1) / 2).round().long().clamp(0, self.grid - 1)

    def value(self, index: Tensor) -> Tensor:
        """Level 0 .. L-1 -> float32 value on the grid of [-1, 1], same shape."""
        return index.to(torch.float32) * (2 / (self.grid - 1)) - 1

    def quantise(self, x: Tensor) -> Tensor:
        """Real values -> the nearest value on the grid of [-1, 1]."""
        return self.value(self.index(x))


@dataclass(frozen=True)
class Condition:
    """The space of one c. `size`: the number of classes or labels, 0 if the kind has none."""

    kind: ConditionKind = "none"
    shape: tuple[int, ...] = (0,)
    size: int = 0


@dataclass(frozen=True)
class Mixture:
    """The true distribution of a synthetic dataset: an isotropic Gaussian mixture, sum_k w_k N(mu_k, sigma^2 I)."""

    means: tuple[tuple[float, ...], ...]
    sigma: float
    weights: tuple[float, ...]


@dataclass(frozen=True)
class Factor:
    """A discrete factor of variation of synthetic images; `weights` are the probabilities of its values.

    Factors are independent; a mode is a combination of their values.
    """

    name: str
    weights: tuple[float, ...]
    channel: int | None = None
    """The one channel that depends on it; None if the whole image does."""


@dataclass(frozen=True)
class Task:
    """A modelling problem: p(x | c) for an event and a condition, with the true distribution if it is known."""

    name: str
    event: Event
    condition: Condition = field(default_factory=Condition)
    truth: Mixture | Process | None = None
    factors: tuple[Factor, ...] = ()


class Loss(NamedTuple):
    """A loss to minimise, and its terms for the log."""

    total: Tensor
    """(): the value that is differentiated."""
    parts: dict[str, Tensor]
    """() each: unweighted terms, for the log only."""


@dataclass(frozen=True)
class Player:
    """A player of a training game: the parameters that it updates and the loss that it minimises."""

    name: str
    params: tuple[nn.Parameter, ...]
    loss: Callable[[Tensor, Tensor], Loss]
    steps_per_round: int = 1
    """Optimiser steps in each round of the game (n_critic), each on a batch of its own."""


class GenerativeModel(nn.Module, abc.ABC):
    """A trainable sampler of p(x | c)."""

    knob: ClassVar[str | None] = None
    """What trades diversity for fidelity of samples: temperature, truncation, guidance; None if the model has none."""
    setting: float = 1.0
    """The value of the knob. 1 is the model as trained, at which every score is measured."""
    independent_samples: ClassVar[bool] = True
    """Whether samples of separate calls are independent. Stored items drawn without replacement are not: they are all
    drawn in one call."""

    @abc.abstractmethod
    def players(self) -> tuple[Player, ...]:
        """The players in order; () for a control."""

    @abc.abstractmethod
    def sample(self, c: Tensor) -> Tensor:
        """c (B, *condition) -> x (B, *event): one draw for each row of c, images on the level grid."""

    def calibrate(self, train: Iterable[Batch], validation: Iterable[Batch]) -> None:
        """Fit after training what gradients do not: the density of an autoencoder's codes, the items of a control."""

    def replicates(self, c: Tensor) -> bool:
        """Whether another training seed gives other samples for c (N, *condition): else seeds are no replications."""
        return True


class SinglePlayer(GenerativeModel):
    """A model with one loss."""

    @abc.abstractmethod
    def loss(self, x: Tensor, c: Tensor) -> Loss: ...

    def players(self) -> tuple[Player, ...]:
        return (Player("model", tuple(self.parameters()), self.loss),)


class Bounded(abc.ABC):
    """A model with a lower bound on its likelihood."""

    bound: str = "elbo"
    """The name of the bound of `elbo` in the validation curve: `elbo`, or `iwae_k` of k draws."""

    @property
    def validated_by_bound(self) -> bool:
        """Whether the bound of validation items tells when training has converged: not where another objective does."""
        return True

    @abc.abstractmethod
    def elbo(self, x: Tensor, c: Tensor) -> Tensor:
        """(B,) nats: one unbiased draw of a lower bound on log p(x | c)."""


class Weighted(Bounded):
    """A model with importance weights: more draws tighten the bound (Burda et al. 2015, arXiv:1509.00519)."""

    @abc.abstractmethod
    def log_weight(self, x: Tensor, c: Tensor) -> Tensor:
        """(B,) nats: log w with E[w] = p(x | c)."""

    def elbo(self, x: Tensor, c: Tensor) -> Tensor:
        return self.log_weight(x, c)


class Exact(Weighted):
    """A model with an exact likelihood."""

    likelihood_kind: ClassVar[str] = "exact"
    """What tables call it: `exact`, or `quadrature` where the likelihood is computed by numerical integration."""

    @abc.abstractmethod
    def log_prob(self, x: Tensor, c: Tensor) -> Tensor:
        """(B,) nats: log p(x | c)."""

    def log_weight(self, x: Tensor, c: Tensor) -> Tensor:
        return self.log_prob(x, c)


class LogNormaliser(NamedTuple):
    """log Z(c) in nats for each row of c, and how it was found."""

    log_z: Tensor
    """(B,). The estimate of `AIS` is one of Z without bias, hence E[log_z] <= log Z by Jensen's inequality."""
    error: Tensor
    """(B,), from 0. Of `AIS` the standard error; of `quadrature` the difference from twice the spacing; `exact`: 0."""
    kind: Literal["exact", "quadrature", "AIS"]


class Unnormalised(abc.ABC):
    """A model whose likelihood is known up to its normalising constant: p(x | c) = f(x | c) / Z(c)."""

    @abc.abstractmethod
    def log_unnormalised(self, x: Tensor, c: Tensor) -> Tensor:
        """(B,) nats: log f(x | c), without sampling noise."""

    @abc.abstractmethod
    def log_normaliser(self, c: Tensor) -> LogNormaliser:
        """An estimate of log Z(c), the logarithm of the sum or the integral of f over x, for each row of c (B, ...)."""


class ChainDiagnostics(NamedTuple):
    """How well the Markov chains that draw samples have mixed."""

    acceptance: Tensor
    """(): mean probability that a proposal is accepted, in [0, 1]; 1 for Gibbs sampling."""
    effective: Tensor
    """(): effective sample size of the annealing weights as a share of the chains, (mean w)^2 / mean w^2, in (0, 1]."""
    length: int
    """Transitions of the chain that gives one sample."""


class SamplesByMarkovChain(abc.ABC):
    """A model whose samples are the last states of Markov chains."""

    @abc.abstractmethod
    def diagnostics(self, c: Tensor) -> ChainDiagnostics:
        """Of one chain for each row of c (B, *condition), at the knob's `setting`."""


class SupportsUnconditional(abc.ABC):
    """A model of p(x) as well as p(x | c), trained with condition dropout (classifier-free guidance)."""

    @abc.abstractmethod
    def unconditional(self) -> GenerativeModel:
        """The model of p(x): a view that shares the weights and ignores c."""


class Reconstructs(abc.ABC):
    """A model with an encoder and a decoder."""

    @abc.abstractmethod
    def encode(self, x: Tensor, c: Tensor) -> Tensor:
        """x (B, *event), c -> z (B, latent)."""

    @abc.abstractmethod
    def decode(self, z: Tensor, c: Tensor) -> Tensor:
        """z (B, latent), c -> the mode or mean of x, (B, *event)."""
