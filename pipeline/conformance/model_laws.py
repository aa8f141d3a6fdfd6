"""Laws of models: sampling, training, likelihood and conditioning; `LAWS` also has those of normalization_laws."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import get_args

import torch
from safetensors.torch import load, save
from torch import Tensor
from torch.nn.functional import pdist

from pipeline.conformance.law import Law, LawError, law, require
from pipeline.conformance.normalization_laws import a_density_integrates_to_one, masses_of_all_images_sum_to_one
from pipeline.conformance.subject import Subject
from pipeline.conformance.toy_tasks import PROBLEMS, Problem, conditions
from pipeline.contract import (
    Bounded,
    EventKind,
    Exact,
    GenerativeModel,
    Loss,
    Player,
    Reconstructs,
    Unnormalised,
    Weighted,
)

# Sampling


@law()
def samples_are_one_draw_per_row_on_the_events_support(subject: Subject) -> None:
    """`sample(c)` is one draw for each row of c: finite float32, images on the level grid."""
    event = subject.task.event
    x = subject.calibrated().sample(conditions(subject.task, 7))
    expected = (7, *event.shape)
    require(tuple(x.shape) == expected, f"7 rows of c gave samples of shape {tuple(x.shape)}; it must be {expected}")
    require(x.dtype == torch.float32, f"samples are {x.dtype}; they must be torch.float32")
    require(torch.isfinite(x).all(), "some samples are not finite")
    on_grid = event.levels is None or torch.equal(x, event.quantise(x))
    require(on_grid, f"samples are not on the {event.levels} levels of [-1, 1]; round them with task.event.quantise")


@law()
def a_model_comes_back_from_its_state(subject: Subject) -> None:
    """A model restored from its saved `state_dict` draws the same samples from the same seed."""
    model, restored = subject.calibrated(), subject.build()
    restored.load_state_dict(load(_saved(model)), assign=True)
    c = conditions(subject.task, 5)
    draws = []
    for one in (model, restored.eval()):
        torch.manual_seed(1)
        draws.append(one.sample(c))
    require(
        torch.equal(*draws),
        "the restored model draws other samples: `sample` must depend on parameters and buffers alone, and use torch's "
        "global generator",
    )


def _saved(model: GenerativeModel) -> bytes:
    """In the format of a checkpoint."""
    try:
        return save({name: value.contiguous() for name, value in model.state_dict().items()})
    except (RuntimeError, ValueError, AttributeError) as error:
        raise LawError(f"its state_dict cannot be saved as safetensors: {error}") from None


@law(lambda subject: isinstance(subject.model, Reconstructs))
def codes_decode_to_the_event(subject: Subject) -> None:
    """`encode` gives one flat code for each x, and `decode` maps it to the shape of x."""
    model = subject.calibrated()
    assert isinstance(model, Reconstructs)
    x, c = subject.batch(6)
    z = model.encode(x, c)
    require(z.dim() == 2 and len(z) == 6, f"6 items gave codes of shape {tuple(z.shape)}; it must be (6, latent)")
    decoded = model.decode(z, c)
    require(decoded.shape == x.shape, f"codes decode to {tuple(decoded.shape)}; it must be {tuple(x.shape)}")


# Training


@law()
def each_parameter_has_one_player(subject: Subject) -> None:
    """Each parameter of the model belongs to one player."""
    model = subject.build()
    owned = [id(parameter) for player in model.players() for parameter in player.params]
    require(len(owned) == len(set(owned)), "two players own the same parameter")
    names = [name for name, parameter in model.named_parameters() if id(parameter) not in owned]
    require(
        not names,
        f"no player owns {', '.join(names[:3])}{' and others' * (len(names) > 3)}, so it is not trained",
    )
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
        require(not wrong, f"part {', '.join(wrong)} of the loss of player {player.name} is not a finite number")


def _is_loss(player: Player, loss: Loss) -> None:
    require(isinstance(loss, Loss), f"player {player.name} returns a {type(loss).__name__}; it must be a contract.Loss")
    shape = tuple(loss.total.shape)
    require(shape == (), f"the total of player {player.name} has the shape {shape}; it must be a scalar, ()")
    require(loss.parts, f"the loss of player {player.name} has no parts: name at least one for the log")


# Likelihoods, in nats

ITEMS = 16


@law(lambda subject: isinstance(subject.model, Bounded))
def a_bound_is_one_number_for_each_item(subject: Subject) -> None:
    """`elbo(x, c)`, and `log_weight` and `log_prob` where there are any, give one number below infinity for each x."""
    model = subject.calibrated()
    x, c = subject.batch(ITEMS)
    for kind, name in ((Bounded, "elbo"), (Weighted, "log_weight"), (Exact, "log_prob")):
        if isinstance(model, kind):
            with torch.no_grad():
                _require_one_each(name, getattr(model, name)(x, c))


def _require_one_each(name: str, nats: Tensor) -> None:
    require(nats.shape == (ITEMS,), f"{name} of {ITEMS} items has shape {tuple(nats.shape)}; it must be ({ITEMS},)")
    require(not nats.isnan().any() and not nats.isposinf().any(), f"{name} is NaN or +infinity")


@law(lambda subject: isinstance(subject.model, Exact))
def an_exact_likelihood_has_no_noise(subject: Subject) -> None:
    """`log_prob` of an `Exact` model is deterministic."""
    model = subject.calibrated()
    assert isinstance(model, Exact)
    x, c = subject.batch(ITEMS)
    with torch.no_grad():
        first, second = model.log_prob(x, c), model.log_prob(x, c)
    require(
        torch.equal(first, second),
        "log_prob gave two values for the same x and c: a likelihood estimated by sampling is Weighted, not Exact",
    )


@law(lambda subject: isinstance(subject.model, Exact))
def an_exact_model_has_one_likelihood(subject: Subject) -> None:
    """`log_weight` and `elbo` of an `Exact` model equal its `log_prob`."""
    model = subject.calibrated()
    assert isinstance(model, Exact)
    x, c = subject.batch(ITEMS)
    with torch.no_grad():
        log_p = model.log_prob(x, c)
        for name in ("log_weight", "elbo"):
            same = torch.allclose(getattr(model, name)(x, c), log_p)
            require(same, f"{name} is not log_prob: do not override what contract.Exact defines")


@law(lambda subject: isinstance(subject.model, Unnormalised))
def a_likelihood_up_to_a_constant_has_an_estimate_of_it(subject: Subject) -> None:
    """`log_unnormalised` has one number without noise for each x, `log_normaliser` log Z and its error for each c."""
    model = subject.calibrated()
    assert isinstance(model, Unnormalised)
    x, c = subject.batch(ITEMS)
    with torch.no_grad():
        log_f, again, found = model.log_unnormalised(x, c), model.log_unnormalised(x, c), model.log_normaliser(c)
        _require_one_each("log_unnormalised", log_f)
        require(torch.equal(log_f, again), "log_unnormalised gave two values for the same x and c")
        _require_one_each("log_z", found.log_z)
        _require_one_each("the error of log_z", found.error)
        require((found.error >= 0).all(), "the error of log_z is below 0")
        if isinstance(model, Exact):
            require(found.kind != "AIS", "an estimate of log Z by AIS makes no exact likelihood: the model is Bounded")
            same = torch.allclose(model.log_prob(x, c), log_f - found.log_z, atol=1e-4)
            require(same, "log_prob is not log_unnormalised - log_z")


# Conditions

PLACES = list(itertools.product((0, 1, 4, 7), repeat=2))
"""Positions in an 8 x 8 map: corners, edges, and neighbours that one downsampling by two merges."""
NOT_FINITE = "not finite with random weights: bound what grows without limit, such as the argument of an exponential"


@law(lambda subject: subject.problem.condition != "none" and not subject.unconditional)
def a_conditional_model_reacts_to_its_condition(subject: Subject) -> None:
    """With the same seed, other conditions give other samples."""
    model = subject.randomized()
    draws = []
    for c in (conditions(subject.task, 64), conditions(subject.task, 64)):
        torch.manual_seed(1)
        draws.append(model.sample(c))
        require(draws[-1].isfinite().all(), f"samples are {NOT_FINITE}")
    require(not torch.equal(*draws), "samples do not depend on the condition: the model ignores it")


@law(lambda subject: subject.problem.condition in ("segmentation", "grayscale") and subject.learns)
def no_place_of_a_map_is_blurred(subject: Subject) -> None:
    """Maps that differ from a constant one at a single position all give different likelihoods or losses."""
    model = subject.randomized()
    x, c = subject.batch(16)
    maps = [torch.zeros_like(c)]
    for row, column in PLACES:
        maps.append(torch.zeros_like(c))
        maps[-1][..., row, column] = 1
    values = torch.stack([_likelihood_or_loss(model, x, c) for c in maps])
    require(values.isfinite().all(), f"likelihoods or losses are {NOT_FINITE}")
    distinct = pdist(values, p=math.inf).min() > 1e-6 * values.abs().max()  # by more than rounding
    require(distinct, "two maps that differ at one position give the same value: the condition is pooled or blurred")


def _likelihood_or_loss(model: GenerativeModel, x: Tensor, c: Tensor) -> Tensor:
    """`log_weight`, or else the losses of the players, with the same noise for each c.

    Not samples: with few levels, different samples may be rounded to the same one.
    """
    torch.manual_seed(1)
    if isinstance(model, Weighted):
        return model.log_weight(x, c).detach()
    halves = list(zip(x.chunk(2), c.chunk(2), strict=True))  # a single mean may coincide for two maps
    return torch.stack([player.loss(*half).total for player in model.players() for half in halves]).detach()


LAWS: tuple[Law[Subject], ...] = (
    samples_are_one_draw_per_row_on_the_events_support,
    a_model_comes_back_from_its_state,
    each_parameter_has_one_player,
    each_player_reaches_all_its_parameters,
    losses_have_finite_named_parts,
    a_bound_is_one_number_for_each_item,
    an_exact_likelihood_has_no_noise,
    an_exact_model_has_one_likelihood,
    a_likelihood_up_to_a_constant_has_an_estimate_of_it,
    a_density_integrates_to_one,
    masses_of_all_images_sum_to_one,
    a_conditional_model_reacts_to_its_condition,
    no_place_of_a_map_is_blurred,
    codes_decode_to_the_event,
)


UNCONDITIONAL_CONTROLS = frozenset({"oracle", "noise", "marginal", "collapsed"})
"""Controls whose samples need not depend on the condition."""


def problems(recipe: str) -> Iterator[Problem]:
    """Problems that a recipe of this name may support: the suffix of a kind of event excludes the others."""
    named = next((kind for kind in get_args(EventKind) if recipe.endswith(f"_{kind}")), None)
    for problem in PROBLEMS:
        if named in (None, problem.task.event.kind):
            yield problem
