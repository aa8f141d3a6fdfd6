"""The cost of a step is what arithmetic says of it."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from toys import COLOUR, GREY, build

from pipeline.contract import Event, Task
from pipeline.training import cost

B = 16
"""Items of a batch."""


def test_a_linear_autoencoder_costs_five_products() -> None:
    """Two forward, a gradient of both weights, and one of the code: each is 2 B D L operations."""
    task, latent = Task("toy", GREY), 3
    found = cost.step_cost(partial(build, "autoencoder", "dense_autoencoder", task, latent=latent), task, B)
    assert found.operations == 5 * 2 * B * GREY.dims * latent
    assert found.parameters == 2 * GREY.dims * latent + GREY.dims + latent
    assert found.state_bytes == 20 * found.parameters


def test_operations_and_activations_grow_with_the_batch() -> None:
    task = Task("toy", COLOUR)
    one, four = (cost.step_cost(partial(build, "vae", "conv_vae", task), task, n) for n in (1, 4))
    assert four.operations == 4 * one.operations
    assert 3.5 * one.activation_bytes < four.activation_bytes <= 4 * one.activation_bytes
    assert four.state_bytes == one.state_bytes


def test_each_step_of_a_round_counts() -> None:
    """A model whose loss reads a value is counted on the CPU, and scaled to the batch."""
    task = Task("toy", Event((3, 8, 8), levels=4))
    one, three = (
        cost.step_cost(partial(build, "gan", "wgan_gp", task, steps_per_round=n), task, B).operations for n in (1, 3)
    )
    assert one < three < 3 * one


def test_a_control_costs_nothing() -> None:
    task = Task("toy", GREY)
    assert cost.step_cost(partial(build, "control", "noise", task), task, B).operations == 0


def test_the_rate_of_this_machine_says_where_it_is_from() -> None:
    found = cost.rate()
    assert found.per_second > 0
    assert "timed" in found.source


@pytest.mark.parametrize("name", cost.PEAKS)
def test_a_known_gpu_has_the_peak_of_its_maker(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: f"NVIDIA {name} 80GB HBM3")
    assert cost.rate("cuda") == cost.Rate(cost.PEAKS[name], f"NVIDIA {name} 80GB HBM3: its maker's float32 peak")
