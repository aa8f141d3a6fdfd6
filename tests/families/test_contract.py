"""What every model promises, over every recipe x event x condition."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from causality import awake
from torch import Tensor
from torch.nn.functional import pdist
from toys import Toy, batch, conditions, toys

from pipeline.contract import Bounded, Exact, GenerativeModel, Reconstructs, Weighted

TOYS = toys()
every = pytest.mark.parametrize("toy", TOYS, ids="-".join)
BLIND = {"oracle", "noise", "marginal", "collapsed"}  # controls whose samples need not follow the condition
MAPPED = [toy for toy in TOYS if toy.condition in ("segmentation", "grayscale") and toy.family != "control"]
PLACES = list(itertools.product((0, 1, 4, 7), repeat=2))  # of 8 x 8: neighbours that one halving joins, and the margins


@every
def test_samples_are_one_draw_per_row_on_the_events_support(toy: Toy) -> None:
    model, task = toy.calibrated(), toy.task
    x = model.sample(conditions(task, 7))
    assert x.shape == (7, *task.event.shape)
    assert x.dtype == torch.float32
    assert torch.isfinite(x).all()
    assert task.event.levels is None or torch.equal(x, task.event.quantise(x))


@every
def test_each_player_fills_its_own_gradients_and_nobody_elses(toy: Toy) -> None:
    model = toy.build().train()
    owned = [p for player in model.players() for p in player.params]
    assert len(owned) == len({id(p) for p in owned}) == len(list(model.parameters()))
    for player in model.players():
        model.zero_grad(set_to_none=True)
        player.loss(*batch(toy.task, 8)).total.backward(inputs=player.params)
        mine = {id(p) for p in player.params}
        assert all((p.grad is not None) == (id(p) in mine) for p in owned)
        assert all(torch.isfinite(p.grad).all() for p in player.params if p.grad is not None)


@every
def test_losses_have_finite_named_parts(toy: Toy) -> None:
    for player in toy.build().train().players():
        loss = player.loss(*batch(toy.task, 8))
        assert loss.total.shape == ()
        assert loss.parts
        assert all(math.isfinite(part.item()) for part in loss.parts.values())


@every
def test_bounds_are_ordered(toy: Toy) -> None:
    """ELBO <= IWAE-k on the mean, and an exact likelihood has no noise."""
    model, task = toy.calibrated(), toy.task
    x, c = batch(task, 16)
    if not isinstance(model, Bounded):
        return
    with torch.no_grad():
        assert model.elbo(x, c).shape == (16,)
        if isinstance(model, Exact):
            assert torch.equal(model.log_prob(x, c), model.log_prob(x, c))
        if isinstance(model, Weighted):
            log_w = torch.stack([model.log_weight(x, c) for _ in range(16)])
            assert log_w.mean() <= (log_w.logsumexp(0) - math.log(16)).mean() + 1e-4


@every
def test_a_model_comes_back_from_its_state(toy: Toy) -> None:
    model, again = toy.calibrated(), toy.build()
    again.load_state_dict({k: v.clone() for k, v in model.state_dict().items()}, assign=True)
    c = conditions(toy.task, 5)
    draws = []
    for one in (model, again.eval()):
        torch.manual_seed(1)
        draws.append(one.sample(c))
    assert torch.equal(*draws)


@every
def test_a_conditional_model_reacts_to_its_condition(toy: Toy) -> None:
    if toy.condition == "none" or toy.recipe in BLIND:
        return
    model, task = toy.build(), toy.task
    c, other = conditions(task, 64), conditions(task, 64)
    if not model.players():  # a memory answers with the nearest stored condition
        model.calibrate([batch(task, 64)], [batch(task, 64)])
    awake(model)  # zero-initialised layers would hide the condition
    draws = []
    for given in (c, other):
        torch.manual_seed(1)
        draws.append(model.sample(given))
    assert not torch.equal(*draws)


@pytest.mark.parametrize("toy", MAPPED, ids="-".join)
def test_no_place_of_a_map_is_blurred(toy: Toy) -> None:
    """An even map and those that differ from it at one place, by the same amount, have as many answers as they are."""
    model, (x, c) = awake(toy.build()), batch(toy.task, 16)
    maps = [torch.zeros_like(c)]
    for row, column in PLACES:
        maps.append(torch.zeros_like(c))
        maps[-1][..., row, column] = 1
    answers = torch.stack([answer(model, x, c) for c in maps])
    assert pdist(answers, p=math.inf).min() > 1e-6 * answers.abs().max()  # more than rounding


def answer(model: GenerativeModel, x: Tensor, c: Tensor) -> Tensor:
    """What the model says of x, or else what its players lose, with the same noise whatever c is.

    Not samples: on few levels two of them may be rounded to one.
    """
    torch.manual_seed(1)
    if isinstance(model, Weighted):
        return model.log_weight(x, c).detach()
    return torch.stack([player.loss(x, c).total for player in model.players()]).detach()


@every
def test_codes_decode_to_the_event(toy: Toy) -> None:
    model, task = toy.calibrated(), toy.task
    if isinstance(model, Reconstructs):
        x, c = batch(task, 6)
        z = model.encode(x, c)
        assert z.dim() == 2
        assert model.decode(z, c).shape == x.shape
