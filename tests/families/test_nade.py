"""Laws of NADE."""

from __future__ import annotations

import itertools

import pytest
import torch
from toys import condition

from pipeline.contract import Event, Task
from pipeline.errors import UserError
from pipeline.families.nade.nade import NADE
from pipeline.families.nade.recipe import nade_images

BINARY, COLOUR = Event((1, 2, 3), levels=2), Event((3, 1, 1), levels=3)


def model(event: Event) -> NADE:
    """With weights that no initialisation hides."""
    made = NADE(event, 5)
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter)
    return made


@pytest.mark.parametrize("event", [BINARY, COLOUR], ids=["binary", "colour"])
def test_probabilities_of_all_images_sum_to_one(event: Event) -> None:
    levels = event.value(torch.arange(event.grid)).tolist()
    x = torch.tensor(list(itertools.product(levels, repeat=event.dims))).view(-1, *event.shape)
    with torch.no_grad():
        assert model(event).log_prob(x, torch.empty(len(x), 0)).exp().sum().item() == pytest.approx(1, abs=1e-4)


def test_a_hidden_layer_has_the_values_before_it() -> None:
    made, x = model(BINARY), BINARY.value(torch.tensor([[[[0, 1, 1], [0, 0, 1]]]]))
    values, total = x.flatten(), torch.tensor(0.0)
    for place in range(BINARY.dims):
        hidden = (made.start + values[:place] @ made.inputs[:place]).relu()
        logits = made.outputs[place] @ hidden + made.offsets[place]
        total = total + logits.log_softmax(0)[BINARY.index(values[place])]
    assert made.log_prob(x, torch.empty(1, 0)).item() == pytest.approx(total.item(), abs=1e-4)


def test_samples_have_the_frequencies_of_the_likelihood() -> None:
    event = Event((1, 1, 2), levels=2)
    made, count = model(event), 20_000
    with torch.no_grad():
        drawn = event.index(made.sample(torch.empty(count, 0))).flatten(1) @ torch.tensor([2, 1])
        x = event.value(torch.tensor(list(itertools.product([0, 1], repeat=2)))).view(-1, 1, 1, 2)
        p = made.log_prob(x, torch.empty(4, 0)).exp()
    found = torch.bincount(drawn, minlength=4) / count
    assert torch.allclose(found, p, atol=5 * (0.25 / count) ** 0.5)


def test_a_condition_is_refused() -> None:
    with pytest.raises(UserError, match="no model of condition class; allowed: none"):
        nade_images(Task("t", BINARY, condition("class", BINARY)))
