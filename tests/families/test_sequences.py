"""Autoregressive models of sequences: what a value depends on, and what the sampler's cache answers."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from toys import build

from pipeline.conformance.subject import randomize
from pipeline.contract import Condition, Event, Task
from pipeline.families.autoregressive.networks.sequence_network import SequenceNetwork
from pipeline.families.autoregressive.networks.wavenet import WaveNet
from pipeline.families.autoregressive.sequences import AutoregressiveSequences

RECIPES = ("lstm", "transformer", "wavenet")
EVENTS = {"series": Event((1, 12), scale=2.0), "symbols": Event((1, 12), levels=5), "stereo": Event((2, 6), levels=4)}
each_recipe = pytest.mark.parametrize("recipe", RECIPES)
each_event = pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS)


def made(recipe: str, event: Event, **changes: int) -> AutoregressiveSequences:
    task = Task("t", event, Condition("class", (), 3))
    model = build("autoregressive", recipe, task, **changes)
    assert isinstance(model, AutoregressiveSequences)
    return randomize(model)


def example(event: Event, count: int = 3) -> tuple[Tensor, Tensor]:
    x = torch.randn(count, event.dims)
    return x if event.levels is None else event.value(torch.randint(event.levels, x.shape)), torch.arange(count) % 3


@each_event
@each_recipe
def test_a_value_depends_on_all_earlier_values_and_no_later_one(recipe: str, event: Event) -> None:
    model = made(recipe, event)
    (x, c), place = example(event), 7
    before = model.network(x, model.context(c))
    for changed in range(event.dims):
        other = x.clone()
        other[:, changed] = -other[:, changed] if event.levels is None else event.value(
            (event.index(other[:, changed]) + 1) % event.levels
        )  # fmt: skip
        after = model.network(other, model.context(c))
        assert torch.equal(before[:, place], after[:, place]) == (changed >= place)


@each_event
@each_recipe
@torch.no_grad()
def test_the_cache_gives_the_parameters_of_a_whole_pass(recipe: str, event: Event) -> None:
    model = made(recipe, event)
    x, c = example(event)
    network, context = model.network, model.context(c)
    cache, previous, found = network.start(context), torch.zeros(len(x)), list[Tensor]()
    for place in range(event.dims):
        found.append(network.step(cache, previous, place))
        previous = x[:, place]
    assert torch.allclose(torch.stack(found, dim=1), network(x, context), rtol=1e-3, atol=1e-4)


def test_a_wavenet_keeps_as_many_inputs_of_a_layer_as_its_dilation() -> None:
    network = made("wavenet", EVENTS["series"], layers=4, blocks=2).network
    assert isinstance(network, WaveNet)
    cache = network.start(torch.zeros(3, 16, 12))
    assert [len(ring) for ring in cache.rings] == [1, 2, 4, 8, 1, 2, 4, 8]


@torch.no_grad()
def test_a_wavenet_sees_as_far_back_as_its_dilations_reach() -> None:
    event = Event((1, 12), levels=5)
    model = made("wavenet", event, layers=2, blocks=1)
    x, c = example(event)
    assert isinstance(model.network, SequenceNetwork)
    reach, place = 4, 11  # 1 + 2 steps of the layers and the input's shift by one
    before = model.network(x, model.context(c))
    for changed, depends in ((place - reach, True), (place - reach - 1, False)):
        other = x.clone()
        other[:, changed] = event.value((event.index(other[:, changed]) + 1) % 5)
        assert torch.equal(before[:, place], model.network(other, model.context(c))[:, place]) != depends


@each_recipe
def test_samples_are_colder_at_a_lower_temperature(recipe: str) -> None:
    model, c = made(recipe, EVENTS["series"]), torch.zeros(64, dtype=torch.long)
    spread = []
    for model.setting in (0.1, 1.0):
        torch.manual_seed(0)
        spread.append(float(model.sample(c)[:, 0, 0].var()))
    assert spread[0] < spread[1]
