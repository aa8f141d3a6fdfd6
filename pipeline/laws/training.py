"""Laws of those that learn: players, their parameters and their losses."""

from __future__ import annotations

import torch

from pipeline.contract import Loss, Player
from pipeline.laws.law import law, require
from pipeline.laws.subject import Subject


@law()
def each_parameter_has_one_player(subject: Subject) -> None:
    """Each parameter of the model belongs to one player."""
    model = subject.build()
    owned = [id(parameter) for player in model.players() for parameter in player.params]
    require(len(owned) == len(set(owned)), "two players own the same parameter")
    names = [name for name, parameter in model.named_parameters() if id(parameter) not in owned]
    require(not names, f"no player owns {', '.join(names[:3])}{' and others' * (len(names) > 3)}, so it never learns")
    require(len(owned) == len(list(model.parameters())), "a player owns a parameter that is not the model's")


@law(lambda subject: subject.learns)
def each_player_reaches_all_its_parameters(subject: Subject) -> None:
    """A player's loss gives a finite gradient to each of its own parameters."""
    model = subject.build().train()
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    for player in model.players():
        model.zero_grad(set_to_none=True)
        player.loss(*subject.batch(8)).total.backward(inputs=player.params)
        for parameter in player.params:
            name, gradient = names.get(id(parameter), "that is not the model's"), parameter.grad
            require(gradient is not None, f"the loss of player {player.name} does not reach its parameter {name}")
            require(gradient is None or gradient.isfinite().all(), f"the gradient of {name} is not finite")


@law(lambda subject: subject.learns)
def losses_have_finite_named_parts(subject: Subject) -> None:
    """A player's loss is one number, with finite named parts for the log."""
    for player in subject.build().train().players():
        loss = player.loss(*subject.batch(8))
        _is_loss(player, loss)
        wrong = [name for name, part in loss.parts.items() if not torch.isfinite(part).all() or part.dim()]
        require(not wrong, f"part {', '.join(wrong)} of the loss of player {player.name} is no finite number")


def _is_loss(player: Player, loss: Loss) -> None:
    require(isinstance(loss, Loss), f"player {player.name} returns a {type(loss).__name__}; it must be a contract.Loss")
    shape = tuple(loss.total.shape)
    require(shape == (), f"the total of player {player.name} has the shape {shape}; it must be one number, ()")
    require(loss.parts, f"the loss of player {player.name} has no parts: name at least one for the log")
