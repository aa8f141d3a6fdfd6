"""Laws of objectives: one changes what is minimised and nothing else; the divergences are those of the theory."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from toys import GREY, POINTS, batch, build, condition

from pipeline.conformance.toy_tasks import TRUTH
from pipeline.contract import Event, Mixture, Task
from pipeline.distributions.dequantisation import requantise
from pipeline.distributions.likelihood import normal_log_prob
from pipeline.errors import UserError
from pipeline.families.autoregressive.points import AutoregressivePoints, Gaussians
from pipeline.families.flow.recipe import realnvp_by_objective_images
from pipeline.networks.condition import encoder
from pipeline.objectives.divergences import MixtureDensity, renyi
from pipeline.objectives.explicit import ExplicitModel
from pipeline.params import bind, load
from pipeline.results import objective_series

POINT, IMAGE = Task("points", POINTS, truth=TRUTH), Task("images", GREY)
NARROW = Task("one", Event((2,)), truth=Mixture(((0.0, 0.0),), 1.0, (1.0,)))
FAMILIES = {"realnvp": "flow", "spline_flow": "flow", "ar_mixture": "autoregressive"}
SETTINGS: dict[str, dict[str, Any]] = {
    "forward_kl": {},
    "reverse_kl": {"objective": "reverse_kl"},
    "renyi": {"objective": "renyi", "order": 0.3},
    "adversarial": {"objective": "adversarial"},
    "wasserstein": {"objective": "adversarial", "game": "wasserstein", "penalty": 0.1, "steps_per_round": 2},
    "hybrid": {"objective": "hybrid", "weight": 0.5},
}
ON_IMAGES = ("forward_kl", "adversarial", "wasserstein", "hybrid")
CASES = [(one, POINT, name) for one in FAMILIES for name in SETTINGS] + [("realnvp", IMAGE, n) for n in ON_IMAGES]
ORDERS = (0.1, 0.5, 0.8)


def model(architecture: str, task: Task = POINT, **keywords: Any) -> Any:
    torch.manual_seed(3)
    return build(FAMILIES[architecture], f"{architecture}_by_objective", task, **keywords)


def gradients(made: ExplicitModel, x: Tensor, c: Tensor) -> list[Tensor]:
    """Of the model's own player."""
    player = made.players()[0]
    return list(torch.autograd.grad(player.loss(x, c).total, player.params))


@pytest.mark.parametrize(("architecture", "task", "name"), CASES)
def test_every_objective_trains_the_same_weights_from_the_same_start(architecture: str, task: Task, name: str) -> None:
    torch.manual_seed(3)
    plain = build(FAMILIES[architecture], architecture, task)
    after = torch.rand(4)
    made = model(architecture, task, **SETTINGS[name])
    assert torch.equal(torch.rand(4), after)  # the batches and draws that follow are the same too
    own = made.own_parameters()
    assert all(torch.equal(a, b) for a, b in zip(plain.parameters(), own, strict=True))
    assert [player.name for player in made.players()] == ["model", "critic"][: 1 + (name in ON_IMAGES[1:])]
    assert {id(p) for p in made.players()[0].params} == {id(p) for p in own}
    assert made.validated_by_bound == (name == "forward_kl")


@pytest.mark.parametrize(("architecture", "task"), [("realnvp", POINT), ("ar_mixture", POINT), ("realnvp", IMAGE)])
def test_forward_kl_is_the_loss_of_the_plain_model_to_the_bit(architecture: str, task: Task) -> None:
    plain, made = build(FAMILIES[architecture], architecture, task), model(architecture, task)
    plain.load_state_dict(made.state_dict())
    x, c = batch(task, 16)
    losses = []
    for one in (plain, made):
        torch.manual_seed(1)
        (player,) = one.train().players()
        losses.append(player.loss(x, c).total)
    assert torch.equal(*losses)


@pytest.mark.parametrize(("architecture", "task", "name"), CASES)
def test_an_objective_changes_no_likelihood_and_no_sample(architecture: str, task: Task, name: str) -> None:
    plain = model(architecture, task).eval()
    made = model(architecture, task, **SETTINGS[name]).eval()
    x, c = batch(task, 8)
    for method in (lambda one: one.log_weight(x, c), lambda one: one.sample(c)):
        values = []
        for one in (plain, made):
            torch.manual_seed(1)
            values.append(method(one))
        assert torch.equal(*values)


@pytest.mark.parametrize("architecture", FAMILIES)
def test_differentiable_samples_are_the_samples(architecture: str) -> None:
    made = model(architecture).eval()
    c = torch.empty(64, 0)
    draws = []
    for draw in (made.sample, made.rsample):
        torch.manual_seed(1)
        draws.append(draw(c).detach())
    assert torch.allclose(*draws, atol=1e-6)


def test_data_and_samples_of_an_image_flow_are_in_one_space_that_quantises_to_them() -> None:
    made = model("realnvp", IMAGE).eval()
    x, c = batch(IMAGE, 8)
    y = made.continuous(x, c)
    assert ((y > -1) & (y < 1)).all()
    assert (requantise(((y + 1) / 2).logit(), GREY) == x).float().mean() > 0.98  # but for rounding
    torch.manual_seed(1)
    sample = made.sample(c)
    torch.manual_seed(1)
    assert (requantise(((made.rsample(c) + 1) / 2).logit(), GREY) == sample).float().mean() > 0.98


@pytest.mark.parametrize("objective", ["reverse_kl", "renyi"])
@pytest.mark.parametrize("known", [True, False])
def test_a_density_of_the_data_that_is_not_known_is_refused(objective: str, known: bool) -> None:
    """Of a mixture under a condition the density given the condition is not known."""
    task = Task("u", POINTS, condition("class", POINTS), TRUTH) if known else Task("u", POINTS)
    with pytest.raises(UserError, match=r"needs the density of the data.*choose forward_kl, adversarial or hybrid"):
        model("realnvp", task, objective=objective)
    with pytest.raises(UserError, match=r"models\.images\.flow\.objective"):
        bind(realnvp_by_objective_images, {"objective": objective}, "models.images.flow")


def test_the_density_of_a_mixture_is_that_of_its_components() -> None:
    x = torch.randn(50, 2, dtype=torch.float64)
    components = [
        math.log(w)
        + normal_log_prob(x, torch.tensor(m, dtype=torch.float64), torch.tensor(math.log(TRUTH.sigma))).sum(-1)
        for m, w in zip(TRUTH.means, TRUTH.weights, strict=True)
    ]
    assert torch.allclose(MixtureDensity(TRUTH).double().log_prob(x), torch.stack(components).logsumexp(0))


# Against closed forms: q = N(m, s²), p = N(0, 1)


def closed_renyi(m: Tensor, log_s: Tensor, order: float) -> Tensor:
    """log I_a / (a (a - 1)); the product of two Gaussians is one whose precision is the weighted sum of theirs."""
    variance = (2 * log_s).exp()
    precision = order / variance + 1 - order
    distance = order * (1 - order) * m**2 / (2 * (order + (1 - order) * variance))
    return (-order * log_s - precision.log() / 2 - distance) / (order * (order - 1))


def kl(m: Tensor, log_s: Tensor) -> Tensor:
    """KL(q || p)"""
    return ((2 * log_s).exp() + m**2 - 1) / 2 - log_s


def kl_of_p(m: Tensor, log_s: Tensor) -> Tensor:
    """KL(p || q)"""
    return (1 + m**2) / 2 * (-2 * log_s).exp() - 0.5 + log_s


def estimated(m: Tensor, log_s: Tensor, order: float, count: int = 400_000) -> Tensor:
    def log_ratio(x: Tensor) -> Tensor:
        return normal_log_prob(x, m, log_s) - normal_log_prob(x, torch.zeros_like(m), torch.zeros_like(m))

    z = torch.randn(count, dtype=torch.float64)
    return renyi(log_ratio(torch.randn(count, dtype=torch.float64)), log_ratio(m + log_s.exp() * z), order)


def with_gradient(function: Callable[[Tensor, Tensor], Tensor], m: float = 0.7, log_s: float = -0.3) -> Tensor:
    """(value, derivatives by m and log s)."""
    at = [torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in (m, log_s)]
    value = function(*at)
    return torch.stack([value.detach(), *torch.autograd.grad(value, at)])


@pytest.mark.parametrize("order", ORDERS)
def test_the_renyi_divergence_and_its_gradient_are_those_of_gaussians(order: float) -> None:
    found = with_gradient(lambda m, log_s: estimated(m, log_s, order))
    expected = with_gradient(lambda m, log_s: closed_renyi(m, log_s, order))
    assert torch.allclose(found, expected, atol=0.02)


@pytest.mark.parametrize(("order", "limit"), [(1 - 1e-4, kl), (1e-4, kl_of_p)])
def test_at_the_ends_of_its_order_it_is_the_kl_divergence(order: float, limit: Callable[..., Tensor]) -> None:
    found = with_gradient(lambda m, log_s: estimated(m, log_s, order))
    assert torch.allclose(found, with_gradient(limit), atol=0.03)
    assert torch.allclose(with_gradient(lambda m, s: closed_renyi(m, s, order)), with_gradient(limit), atol=1e-3)


@pytest.mark.parametrize("order", ORDERS)
def test_it_is_never_negative_and_zero_without_noise_where_both_are_equal(order: float) -> None:
    for _ in range(20):
        r = 3 * torch.randn(2, 7, dtype=torch.float64)
        assert renyi(*r, order) >= 0
    same = torch.zeros(2, 7, dtype=torch.float64, requires_grad=True)
    value = renyi(*same, order)
    (slope,) = torch.autograd.grad(value, same)
    assert value.abs() < 1e-12
    assert slope.abs().max() < 1e-12


@pytest.mark.parametrize("order", ORDERS)
def test_far_from_the_density_it_is_finite_and_keeps_a_gradient(order: float) -> None:
    r = torch.tensor([[-1e4, -2e4], [2e4, 1e4]], requires_grad=True)
    value = renyi(*r, order)
    (slope,) = torch.autograd.grad(value, r)
    assert value.isfinite()
    assert slope.isfinite().all()
    assert slope.abs().max() > 0.1


# Where the model is the truth: a flow starts as the identity, which is N(0, I)


@pytest.mark.parametrize("name", SETTINGS)
def test_the_truth_is_a_stationary_point(name: str) -> None:
    """The mean gradient over batches is 0 within its noise; of a game, against the critic that is 0 everywhere."""
    made = model("realnvp", NARROW, **SETTINGS[name])
    if made.objective is not None and hasattr(made.objective, "critic"):
        for parameter in made.objective.critic.parameters():
            parameter.data.zero_()
    runs = []
    for _ in range(40):
        x = torch.randn(128, 2)
        runs.append(torch.cat([g.flatten() for g in gradients(made, x, torch.empty(128, 0))]))
    each = torch.stack(runs)
    error = each.std(0) / math.sqrt(len(each))
    assert ((each.mean(0).abs() <= 5 * error + 1e-6).float().mean()) > 0.99
    if name == "renyi":
        assert each.abs().max() < 1e-4  # rounding


# Implicit reparametrisation


@pytest.mark.parametrize("moment", [1, 2])
def test_implicit_gradients_of_a_mixture_are_those_of_its_moments(moment: int) -> None:
    """E x = sum pi mu, E x² = sum pi (mu² + sigma²), by all parameters; the modes overlap."""
    torch.manual_seed(0)
    parameters = torch.tensor(
        [0.3, -0.2, 0.1, -1.0, 0.2, 1.1, -0.3, -0.1, 0.0], dtype=torch.float64, requires_grad=True
    )

    def mean(mixture: Gaussians) -> Tensor:
        second = mixture.mean.square() + (2 * mixture.log_sigma).exp()
        return (mixture.log_pi.exp() * (mixture.mean if moment == 1 else second)).sum()

    (expected,) = torch.autograd.grad(mean(Gaussians.of(parameters)), parameters)
    x = Gaussians.of(parameters.expand(400_000, -1)).rdraw()
    (found,) = torch.autograd.grad((x**moment).mean(), parameters)
    assert torch.allclose(found, expected, atol=0.02)


def test_implicit_gradients_reach_through_earlier_coordinates() -> None:
    """E x_1 x_2 of x_1 ~ N(m, 1), x_2 ~ N(w x_1, 1) is w (m² + 1)."""

    class Chain(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.m, self.w = (torch.nn.Parameter(torch.tensor(value)) for value in (0.5, 0.8))

        def forward(self, x: Tensor, h: Tensor) -> Tensor:
            means = torch.stack([self.m.expand(len(x)), self.w * x[:, 0]], dim=1)[..., None]
            zero = torch.zeros_like(means)
            return torch.cat([zero, means, zero], dim=-1)

    network = Chain()
    made = AutoregressivePoints(encoder(POINT.condition, POINTS), network, 2)
    x = made.rsample(torch.empty(200_000, 0))
    found = torch.autograd.grad(x.prod(1).mean(), [network.m, network.w])
    assert [g.item() for g in found] == pytest.approx([2 * 0.8 * 0.5, 1.25], abs=0.03)


# The suite


def test_the_suite_trains_what_the_report_and_the_claims_read() -> None:
    settings = load()
    suite = settings.suites[objective_series.SUITE]
    assert not suite.default
    for grid in suite.grids:
        names = objective_series.models().intersection(grid.models)
        trainings = [settings.train(grid.events, name) for name in names]
        assert all(training == trainings[0] for training in trainings)
        for training in trainings:
            assert training.keep == "last"  # whatever their likelihood
            assert training.patience is None
        for one in objective_series.series(names):
            for setting, name in one.models:
                spec = settings.model(grid.events, name)
                assert spec.family == objective_series.ARCHITECTURES[one.architecture]
                assert spec.recipe == f"{one.architecture}_by_objective"
                if 0 < setting < math.inf and one.knob in spec.keywords:
                    assert spec.keywords[one.knob] == setting


def fitted(architecture: str, steps: int, **keywords: Any) -> Any:
    """Trained on two far modes of unequal weight."""
    task = Task("two", Event((2,), scale=3.0), truth=Mixture(((-2.0, 0.0), (2.0, 0.0)), 0.5, (0.7, 0.3)))
    made, truth = model(architecture, task, **keywords), task.truth
    assert truth is not None
    players = made.train().players()
    optimisers = [torch.optim.Adam(player.params, 0.01) for player in players]
    for _ in range(steps):
        mode = torch.multinomial(torch.tensor(truth.weights), 128, replacement=True)
        x = torch.tensor(truth.means)[mode] + truth.sigma * torch.randn(128, 2)
        for player, optimiser in zip(players, optimisers, strict=True):
            optimiser.zero_grad()
            player.loss(x, torch.empty(128, 0)).total.backward(inputs=player.params)
            torch.nn.utils.clip_grad_norm_(player.params, 1.0)
            optimiser.step()
    return made.eval()


@pytest.mark.slow
def test_reverse_kl_keeps_one_of_two_far_modes_and_forward_kl_both() -> None:
    shares = {}
    for name in ("forward_kl", "reverse_kl"):
        made = fitted("ar_mixture", 300, mixtures=1, **SETTINGS[name])  # one Gaussian for each coordinate: too few
        x = made.sample(torch.empty(2000, 0))[:, 0]
        shares[name] = {side: (x.sign() == side).float().mean().item() for side in (-1, 1)}
    assert min(shares["forward_kl"].values()) > 0.1
    assert min(shares["reverse_kl"].values()) < 0.02
