"""Counts of operations: the known work and depth of small computations, the same each time on any machine."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from pipeline.contract import Exact, GenerativeModel, Player
from pipeline.metrics.evaluation.operations import Cost, Counter, evaluation, sampling


class Perceptron(GenerativeModel, Exact):
    """Samples `steps` values one after the other by a linear layer, and scores them all at once."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.steps, self.layer = steps, nn.Linear(steps, steps, bias=False)

    def players(self) -> tuple[Player, ...]:
        return ()

    def sample(self, c: Tensor) -> Tensor:
        x = torch.zeros(len(c), self.steps)
        for place in range(self.steps):
            x[:, place] = torch.tanh(self.layer(x))[:, place]
        return x

    def log_prob(self, x: Tensor, c: Tensor) -> Tensor:
        return torch.tanh(self.layer(x)).sum(dim=1)


def test_a_matrix_product_costs_two_flops_for_each_multiply_add() -> None:
    with Counter() as counter:
        torch.zeros(3, 4) @ torch.zeros(4, 5)
    assert (counter.flops, counter.depth) == (2 * 3 * 4 * 5, 1)


def test_a_convolution_and_attention_cost_their_multiply_adds() -> None:
    image, weight = torch.zeros(1, 3, 8, 8), torch.zeros(6, 3, 3, 3)
    with Counter() as counter:
        nn.functional.conv2d(image, weight, padding=1)
    assert counter.flops == 2 * 64 * 6 * 27
    q = torch.zeros(1, 2, 7, 4)
    with Counter() as counter:
        nn.functional.scaled_dot_product_attention(q, q, q)
    assert counter.flops >= 2 * 2 * 7 * 7 * (4 + 4)


def test_the_gradient_of_a_convolution_costs_a_product_for_the_input_and_one_for_the_weight() -> None:
    x, weight = torch.randn(2, 3, 8, 8, requires_grad=True), torch.randn(5, 3, 3, 3, requires_grad=True)
    y = nn.functional.conv2d(x, weight)
    with Counter() as counter:
        torch.autograd.grad(y, (x, weight), torch.ones_like(y))
    assert counter.flops == 2 * (2 * y.numel() * 3 * 3 * 3)


def test_views_and_empty_tensors_are_free_and_a_copy_costs_what_it_copies() -> None:
    x = torch.zeros(6, 4)
    with Counter() as counter:
        x.reshape(4, 6).t()[1:3].flatten(0)
        torch.empty(9)
    assert counter.flops == 8  # rows of a transposed matrix are not adjacent: flatten copies them
    with Counter() as counter:
        x.clone()
    assert counter.flops == 24


def test_depth_is_the_longest_chain_not_the_number_of_operations() -> None:
    x = torch.ones(4)
    with Counter() as counter:
        _ = (x.exp() + x.sin()) * (x.cos() + x.tanh())
    assert counter.depth == 3
    assert counter.flops == 7 * 4


def test_what_is_written_into_a_part_deepens_all_that_reads_the_whole() -> None:
    with Counter() as counter:
        x = torch.zeros(2, 3)
        for place in range(3):
            x[:, place] = x.sum(dim=1) + 1
    assert counter.depth == 3 * 3  # sum, add, copy


@pytest.mark.parametrize("steps", [4, 8])
def test_a_loop_over_values_is_as_deep_as_it_is_long_and_one_pass_is_not(steps: int) -> None:
    model = Perceptron(steps)
    test = torch.zeros(10, steps), torch.zeros(10, 0)
    slow, fast = sampling(model, test[1]), evaluation(model, test)
    assert (slow.depth, fast.depth) == (3 * steps, 3)  # product, tanh, copy; product, tanh, sum
    assert slow.flops == steps * (2 * steps * steps + steps + 1)  # the zeros that the loop starts from are free
    assert fast.flops == 2 * steps * steps + steps + 1


def test_counts_are_the_same_each_time_and_move_no_random_number() -> None:
    model, c = Perceptron(5), torch.zeros(10, 0)
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    assert len({sampling(model, c) for _ in range(3)}) == 1
    assert torch.equal(torch.rand(4), expected)


def test_what_a_batch_shares_is_not_the_work_of_an_item() -> None:
    class Masked(Perceptron):
        def log_prob(self, x: Tensor, c: Tensor) -> Tensor:
            return (x @ (self.layer.weight * 2)).sum(dim=1)

    data = torch.zeros(10, 6), torch.zeros(10, 0)
    assert evaluation(Masked(6), data) == Cost(2 * 36 + 1, 3)
