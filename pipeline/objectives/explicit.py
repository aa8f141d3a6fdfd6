"""Explicit models whose objective can be chosen, and the objectives that need no density of the data.

    maximum likelihood    min  -E_p log q(x)                                        forward KL, up to a constant
    adversarial           min over q, max over D of a game on (x, g(z))             `adversarial`
    hybrid                min  -E_p log q(x) + λ (the generator's loss)             Flow-GAN

p are the data, q is the model and x = g(z) its sample, differentiable in the weights. An objective decides what the
players minimise and nothing else: the weights, their initial values, the likelihood and the sampler are those of the
model. Of every objective the likelihood of the batch is logged, where it is not trained without a gradient. The model
plays before the critic: its first batch initialises what depends on data (ActNorm), as in maximum likelihood.

References:
    Grover, Dhar & Ermon 2018, Flow-GAN: Combining Maximum Likelihood and Adversarial Learning in Generative Models,
    arXiv:1705.08868.
"""

from __future__ import annotations

import abc
from functools import partial

import torch
from torch import Tensor, nn

from pipeline.contract import Loss, Player, SinglePlayer, Weighted
from pipeline.objectives.adversarial import Conditioned, Game


class ExplicitModel(SinglePlayer, Weighted):
    """A model with a likelihood, or importance weights for one, and samples that are differentiable in its weights.

    `loss` is that of maximum likelihood, by which it is trained unless `objective` is set.
    """

    def __init__(self) -> None:
        super().__init__()
        self.objective: Objective | None = None

    @abc.abstractmethod
    def rsample(self, c: Tensor) -> Tensor:
        """c (B, *condition) -> a draw (B, *event) at setting 1, in the space of `continuous`, with gradients."""

    def continuous(self, x: Tensor, c: Tensor) -> Tensor:
        """Data x (B, *event) as the real values that the density is on: points are these themselves."""
        return x

    @property
    def validated_by_bound(self) -> bool:
        return self.objective is None

    def players(self) -> tuple[Player, ...]:
        return self.objective.players(self) if self.objective else super().players()

    def own_parameters(self) -> tuple[nn.Parameter, ...]:
        """Its parameters without those of its objective, such as a critic's."""
        others = {id(parameter) for parameter in self.objective.parameters()} if self.objective else set()
        return tuple(parameter for parameter in self.parameters() if id(parameter) not in others)


class Objective(nn.Module, abc.ABC):
    """What the players of an explicit model minimise, with the parameters that only training needs."""

    @abc.abstractmethod
    def players(self, model: ExplicitModel) -> tuple[Player, ...]:
        """The players in order; the first one updates the model's own parameters."""


@torch.no_grad()
def logged_likelihood(model: ExplicitModel, x: Tensor, c: Tensor) -> Tensor:
    """() nats, without a gradient."""
    return model.loss(x, c).total


class Adversarial(Objective):
    """A game against a critic, alone or as a term in addition to maximum likelihood.

    The critic scores data and samples divided by `scale`, the data's.

    Args:
        game: the losses of both players.
        critic: (x (B, *event) / s, c) -> scores (B, 1).
        scale: s, above 0.
        weight: λ of the generator's loss, in addition to the negative log-likelihood; None of the game alone.
    """

    def __init__(self, game: Game, critic: Conditioned, scale: float, weight: float | None = None) -> None:
        super().__init__()
        self.game, self.critic, self.scale, self.weight = game, critic, scale, weight

    def players(self, model: ExplicitModel) -> tuple[Player, ...]:
        return (
            Player("model", model.own_parameters(), partial(self.model_loss, model)),
            Player(
                "critic", tuple(self.critic.parameters()), partial(self.critic_loss, model), self.game.steps_per_round
            ),
        )

    def model_loss(self, model: ExplicitModel, x: Tensor, c: Tensor) -> Loss:
        nll = logged_likelihood(model, x, c) if self.weight is None else model.loss(x, c).total
        game = self.game.generator_loss(self.critic, model.rsample(c) / self.scale, c).total
        total = game if self.weight is None else nll + self.weight * game
        return Loss(total, {"nll": nll, "game": game})

    def critic_loss(self, model: ExplicitModel, x: Tensor, c: Tensor) -> Loss:
        with torch.no_grad():
            real, fake = (items / self.scale for items in (model.continuous(x, c), model.rsample(c)))
        return self.game.critic_loss(self.critic, real, fake, c)
