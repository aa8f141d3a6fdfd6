"""Laws of MADE: causal in any order, and a probability in each and in their mixture."""

from __future__ import annotations

import itertools
from typing import Literal

import pytest
import torch
from causality import awake, example, field, replay
from toys import COLOUR, GREY, POINTS, build, condition, conditions

from pipeline.contract import Event, Task
from pipeline.families.autoregressive.image import OrderEnsemble
from pipeline.families.autoregressive.networks.made import AnyOrderMADE, OrderedMADE, places

Order = Literal["raster", "column", "random"]
ORDERS: tuple[Order, ...] = ("raster", "column", "random")
BINARY = Event((1, 2, 2), levels=2)
EVERY = torch.tensor(list(itertools.product((-1.0, 1.0), repeat=4))).view(16, 1, 2, 2)


def made(event: Event, order: Order, visits: int, width: int = 400, context: int = 0) -> OrderedMADE:
    """With units of every degree, unless `width` is small."""
    parameters = event.grid * event.shape[0]
    network = AnyOrderMADE(event, context, parameters, visits, [places(event, order)], width, layers=2, dropout=0.5)
    return awake(network.under(0))


def test_orders_are_what_they_are_called() -> None:
    event = Event((1, 2, 3), levels=2)
    assert made(event, "raster", 1).order() == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]
    assert made(event, "column", 1).order() == [(0, 0), (1, 0), (0, 1), (1, 1), (0, 2), (1, 2)]
    drawn = [places(GREY, "random", seed).tolist() for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert sorted(drawn[2]) == list(range(64))


@pytest.mark.parametrize("event", [GREY, COLOUR], ids=["grey", "colour"])
@pytest.mark.parametrize("order", ORDERS)
def test_each_order_is_causal_by_gradient(order: Order, event: Event) -> None:
    """A sub-pixel depends on all that comes before it in the order, and on nothing else."""
    channels, _, width = event.shape
    network = made(event, order, visits=channels).double()
    x, context = example(event, 0)
    rank = torch.tensor(network.places).argsort().view(event.shape[1:])
    number = rank * channels + torch.arange(channels)[:, None, None]  # (C, H, W)
    for place, channel in itertools.product(network.places[::13], range(channels)):
        row, column = divmod(place, width)
        seen = field(network, x.double(), context.double(), row, column, channel)
        assert torch.equal(seen, number < number[channel, row, column])


@pytest.mark.parametrize("width", [7, 400], ids=["fewer units than places", "more"])
@pytest.mark.parametrize(("event", "visits"), [(GREY, 1), (COLOUR, 3), (COLOUR, 1)], ids=["grey", "rgb", "pixels"])
@pytest.mark.parametrize("order", ORDERS)
def test_the_cache_answers_what_a_full_pass_does(order: Order, event: Event, visits: int, width: int) -> None:
    network = made(event, order, visits, width, context=2).double()
    x, context = (part.double() for part in example(event, 2))
    assert torch.allclose(replay(network, x, context), network(x, context), atol=1e-8)


@pytest.mark.parametrize("order", ORDERS)
def test_the_mass_of_each_order_is_one(order: Order) -> None:
    model = build("autoregressive", "made", Task("t", BINARY), order=order).eval()
    awake(model.network)
    with torch.no_grad():
        assert model.log_prob(EVERY, torch.empty(16, 0)).exp().sum().item() == pytest.approx(1, abs=1e-5)


def ensemble(event: Event) -> OrderEnsemble:
    model = build("autoregressive", "made_ensemble", Task("t", event), orders=5)
    assert isinstance(model, OrderEnsemble)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.7)
    return model.eval()


def test_the_ensemble_is_the_mean_of_its_orders() -> None:
    model, c = ensemble(BINARY), torch.empty(16, 0)
    with torch.no_grad():
        p = model.log_prob(EVERY, c).exp()
        each = torch.stack([model.member(o).log_prob(EVERY, c).exp() for o in range(5)])
    assert p.sum().item() == pytest.approx(1, abs=1e-5)
    assert torch.allclose(p, each.mean(0))
    assert each.std(0).max() > 1e-3  # the orders do differ


def test_the_ensembles_setting_reaches_its_members() -> None:
    model = ensemble(GREY)
    model.setting = 1e-4
    many = model.sample(torch.empty(40, 0))
    assert len(many.unique(dim=0)) <= 5  # cold, each order has but one image


def test_the_ensemble_trains_on_one_order_at_a_time() -> None:
    model = ensemble(BINARY)
    c = torch.empty(16, 0)
    each = {round(model.member(o).loss(EVERY, c).total.item(), 5) for o in range(5)}
    drawn = {round(model.loss(EVERY, c).total.item(), 5) for _ in range(60)}
    assert drawn == each
    assert len(each) > 1


def test_made_on_points_is_causal_and_integrates_to_one() -> None:
    model = build("autoregressive", "made", Task("t", POINTS)).eval()
    x, h = torch.randn(4, 2, requires_grad=True), torch.empty(4, 0)
    for i in range(2):
        (slope,) = torch.autograd.grad(model.network(x, h)[:, i].square().sum(), x)
        assert (slope[:, i:] == 0).all()
        assert (slope[:, :i] != 0).all()
    line = torch.linspace(-8, 8, 641)
    plane = torch.cartesian_prod(line, line)
    with torch.no_grad():
        mass = model.log_prob(plane, torch.empty(len(plane), 0)).exp().sum() * (line[1] - line[0]) ** 2
    assert mass.item() == pytest.approx(1, abs=1e-3)


def test_a_condition_reaches_every_factor_on_points() -> None:
    task = Task("t", POINTS, condition("class", POINTS))
    model = build("autoregressive", "made", task).eval()
    h = model.condition(conditions(task, 4)).flat().detach().requires_grad_()
    for i in range(2):
        (slope,) = torch.autograd.grad(model.network(torch.randn(4, 2), h)[:, i].square().sum(), h)
        assert (slope != 0).any(1).all()
