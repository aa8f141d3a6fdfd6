"""Laws of what is measured under a condition: obedience, variety, precision and recall within a class, modes."""

from __future__ import annotations

import math

import pytest
import torch

from pipeline.contract import Factor
from pipeline.metrics.classwise import classwise
from pipeline.metrics.condition_adherence import shuffled
from pipeline.metrics.diversity import diversity, sharing, spread
from pipeline.metrics.judges.judge import box_iou, luma_error, mean_iou, pixels, right
from pipeline.metrics.modes import combination, factor_histogram, probabilities, tail, visits

FACTORS = (Factor("class", (0.5, 0.3, 0.2)), Factor("colour", (0.5, 0.5)))


def test_what_was_asked_for_is_the_best_answer() -> None:
    label, box = torch.randint(5, (40,)), torch.rand(40, 2).sort(0).values
    box = torch.cat([box, box + 0.1], dim=1)
    labels, grey = torch.randint(3, (6, 4, 4)), torch.rand(6, 1, 4, 4) * 2 - 1
    assert right(label, label).mean() == 1 == mean_iou(pixels(labels, labels, 3).mean(dim=0))
    assert box_iou(box, box).mean().item() == pytest.approx(1)
    assert luma_error(grey, grey).mean() == 0


def test_an_item_is_right_only_if_every_label_of_it_is() -> None:
    assert right(torch.tensor([[0, 1], [0, 1]]), torch.tensor([[0, 1], [0, 0]])).tolist() == [1, 0]


@pytest.mark.parametrize(
    ("other", "iou"),
    [
        ([0.0, 0.0, 0.5, 1.0], 0.5),
        ([0.5, 0.5, 1.5, 1.5], 0.25 / 1.75),
        ([2.0, 2.0, 3.0, 3.0], 0.0),
        ([1.0, 0.0, 0.0, 1.0], 0.0),  # inside out
    ],
)
def test_the_iou_of_two_boxes(other: list[float], iou: float) -> None:
    assert box_iou(torch.tensor([other]), torch.tensor([[0.0, 0.0, 1.0, 1.0]])).tolist() == pytest.approx([iou])


def test_miou_by_hand() -> None:
    """Label 0: 1 of 3 pixels, label 1: 1 of 3, label 3: neither asked for nor answered, label 2: 0 of 1."""
    answer, c = torch.tensor([[[0, 0], [1, 2]]]), torch.tensor([[[0, 1], [1, 0]]])
    assert mean_iou(pixels(answer, c, 4).mean(dim=0)).item() == pytest.approx((1 / 3 + 1 / 2 + 0) / 3)


def test_miou_counts_the_pixels_of_all_items_together() -> None:
    answer, c = torch.randint(3, (20, 4, 4)), torch.randint(3, (20, 4, 4))
    once = pixels(answer.reshape(1, 80, 4), c.reshape(1, 80, 4), 3)[0]
    assert torch.allclose(mean_iou(pixels(answer, c, 3).mean(dim=0)), mean_iou(once))


def test_a_luma_error_counts_eight_bit_levels() -> None:
    c = torch.tensor([0.0, 10.0, 250.0]).view(3, 1, 1, 1)
    assert luma_error((c + 5) / 255 * 2 - 1, c / 255 * 2 - 1).tolist() == pytest.approx([5, 5, 5], abs=1e-4)


def test_shuffling_gives_each_item_the_condition_of_another() -> None:
    c = torch.arange(50)
    assert not (shuffled(c) == c).any()
    assert torch.equal(shuffled(c).sort().values, c)
    assert torch.equal(shuffled(c), shuffled(c))


def test_copies_have_no_variety_and_a_blind_model_has_that_of_the_data() -> None:
    real = torch.randn(400, 3)
    assert diversity(real=real, groups=[real[:1].expand(8, -1)] * 3).tolist() == pytest.approx([0, 0, 0], abs=1e-3)
    assert diversity(real=real, groups=list(torch.randn(200, 8, 3))).mean().item() == pytest.approx(1, abs=0.05)


def test_spread_is_the_mean_distance_of_pairs() -> None:
    x = torch.randn(20, 3).double()
    assert spread(x.float()).item() == pytest.approx(torch.pdist(x).mean().item(), rel=1e-4)


def test_only_a_class_of_two_or_more_is_shared() -> None:
    groups = sharing(torch.arange(5.0)[:, None], torch.tensor([2, 0, 2, 1, 2]))
    assert [group.flatten().tolist() for group in groups] == [[0.0, 2.0, 4.0]]


def test_the_right_images_under_the_wrong_classes_are_not_precise() -> None:
    c = torch.arange(2).repeat_interleave(50)
    real, fake = (torch.randn(100, 2) + 20 * c[:, None] for _ in range(2))
    right = classwise(real=real, real_c=c, fake=fake, fake_c=c, neighbours=3)
    wrong = classwise(real=real, real_c=c, fake=fake, fake_c=1 - c, neighbours=3)
    assert min(right.precision, right.recall) > 0.7
    assert (wrong.precision, wrong.recall, wrong.classes, wrong.of) == (0, 0, 2, 2)


def test_a_class_without_neighbours_is_left_out() -> None:
    c = torch.tensor([0] * 20 + [1] * 3)
    found = classwise(real=torch.randn(23, 2), real_c=c, fake=torch.randn(23, 2), fake_c=c, neighbours=3)
    assert (found.classes, found.of) == (1, 2)


def test_modes_are_the_combinations_of_the_factors() -> None:
    p = probabilities(FACTORS)
    values = torch.cartesian_prod(torch.arange(3), torch.arange(2))
    assert torch.equal(combination(FACTORS, values), torch.arange(6))
    assert p.tolist() == pytest.approx([0.25, 0.25, 0.15, 0.15, 0.1, 0.1])
    assert tail(p).tolist() == [False] * 4 + [True] * 2


def test_a_sample_with_the_right_shares_loses_nothing_and_one_mode_loses_the_tail() -> None:
    values = torch.cartesian_prod(torch.arange(3), torch.arange(2))
    shares = torch.tensor([25, 25, 15, 15, 10, 10])
    right = visits(factor_histogram(FACTORS, values.repeat_interleave(shares * 100, 0)))
    assert (right.hit, right.tail_recall) == (6, 1.0)
    assert max(right.kl_pq, right.kl_qp) < 1e-5
    one = visits(factor_histogram(FACTORS, values[:1].expand(10_000, -1)))
    assert (one.hit, one.tail_recall) == (1, 0.0)
    assert one.kl_qp.item() == pytest.approx(math.log(4), abs=0.01)
