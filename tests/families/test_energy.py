"""Energy-based models: their normalising constants, their gradients and their samplers, against closed forms."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from scipy.stats import chisquare
from torch import Tensor, nn
from toys import build

from pipeline.contract import Condition, Event, Exact, Task
from pipeline.errors import UserError
from pipeline.families.energy.annealed_model import AnnealedModel, RaiseBound
from pipeline.families.energy.annealing import anneal, effective_share, levels, log_mean_weight, raise_log_weight
from pipeline.families.energy.bases import GaussianBase, HistogramBase
from pipeline.families.energy.chains import PersistentChains
from pipeline.families.energy.ebm import LevelEBM, PointEBM, QuadratureEBM
from pipeline.families.energy.nce import NoiseContrastiveEBM
from pipeline.families.energy.quadrature import quadrature
from pipeline.families.energy.rbm import RBM, AnnealedRBM, ExactRBM
from pipeline.training.resume import model_state

BINARY, TERNARY = Event((1, 2, 2), levels=2), Event((1, 1, 3), levels=3)
PLANE, LINE = Event((2,), scale=1.5), Event((1,), scale=1.5)
NOTHING = Condition()


def none(count: int) -> Tensor:
    return torch.empty(count, 0)


def images(event: Event) -> Tensor:
    """Every image of an event."""
    index = torch.tensor(list(itertools.product(range(event.grid), repeat=event.dims)))
    return event.value(index).view(-1, *event.shape)


def spread(model: nn.Module, width: float = 0.7) -> None:
    """Replace all weights by N(0, width²)."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=width)


def machine(event: Event, **keywords: int) -> RBM:
    """A machine with random weights and a base that is not uniform."""
    made = build("energy", "rbm", Task("toy", event), **{"width": 3, "steps": 30, **keywords})
    assert isinstance(made, RBM)
    spread(made)
    made.base.counts.uniform_(1, 5)
    return made.eval()


def level_energy(event: Event, steps: int = 60) -> LevelEBM:
    made = build("energy", "ebm", Task("toy", event), width=8, steps=steps)
    assert isinstance(made, LevelEBM)
    spread(made, 0.5)
    made.base.counts.uniform_(1, 5)
    made.eval().calibrate([(images(event), none(len(images(event))))], [])
    return made


class Linear(nn.Module):
    """-E(x) = θ x, so that N(0, s² I) exp(-E) is N(s² θ, s² I) times exp(s² θ² / 2)."""

    def __init__(self, theta: list[float]) -> None:
        super().__init__()
        self.theta = nn.Parameter(torch.tensor(theta))

    def forward(self, x: Tensor, h: Tensor) -> Tensor:
        return (x @ self.theta)[:, None]


def linear_gaussian(start: Tensor | None = None, nodes: int = 200, steps: int = 40) -> QuadratureEBM:
    """The energy of `Linear`; with `start` its chains begin there."""
    found = build("energy", "ebm", Task("toy", PLANE), nodes=nodes, steps=steps, penalty=0.0)
    assert isinstance(found, QuadratureEBM)
    found.network = Linear([0.8, -0.4])
    if start is not None:
        found.chains = PersistentChains(start, labels=1, restart=0.0)
    return found


# The normalising constant


@pytest.mark.parametrize(("event", "width"), [(BINARY, 3), (BINARY, 6), (TERNARY, 3), (TERNARY, 7)])
def test_the_masses_of_a_small_machine_sum_to_one(event: Event, width: int) -> None:
    """The sum over hidden states, and that over visible ones where they are fewer."""
    made = machine(event, width=width)
    assert isinstance(made, ExactRBM)
    x = images(event)
    assert made.log_prob(x, none(len(x))).exp().sum().item() == pytest.approx(1, abs=1e-4)


def test_the_mass_of_a_machine_is_the_sum_over_its_hidden_states() -> None:
    made, x = machine(TERNARY, width=2), images(TERNARY)
    v = TERNARY.index(x).flatten(1)
    u, table = v.double() / (TERNARY.grid - 1), made.base.log_table().double()
    b, a = (bias[0].double() for bias in made.biases(none(1)))
    own = table[torch.arange(TERNARY.dims), v].sum(1) + u @ b
    total = torch.zeros(len(x), dtype=torch.float64)
    for h in torch.tensor(list(itertools.product((0.0, 1.0), repeat=2)), dtype=torch.float64):
        total += (own + h @ a + u @ made.weight.double() @ h).exp()
    assert torch.allclose(made.log_unnormalised(x, none(len(x))).double(), total.log(), atol=1e-4)


@pytest.mark.parametrize("make", [lambda: machine(TERNARY), lambda: level_energy(TERNARY), linear_gaussian])
def test_ais_is_within_three_standard_errors_in_95_percent_of_runs(make: object) -> None:
    assert callable(make)
    model: AnnealedModel[object] = make()
    runs, chains = 40, 100
    with torch.no_grad():
        found = log_mean_weight(anneal(model, none(runs * chains), levels(model.steps)).log_weight.view(runs, chains))
        if isinstance(model, Exact):
            truth = model.log_normaliser(none(1)).log_z
        else:
            x = images(TERNARY)
            truth = model.log_unnormalised(x, none(len(x))).logsumexp(0)
    assert ((found.log_mean - truth).abs() <= 3 * found.error).float().mean() >= 0.95


@pytest.mark.parametrize("make", [lambda: machine(TERNARY, exact=0), lambda: level_energy(TERNARY)])
def test_weights_of_raise_are_those_of_a_distribution_that_ais_bounds_from_above(make: object) -> None:
    """E[v] sums to one over all images, though few levels are far from equilibrium."""
    assert callable(make)
    model = make()
    assert isinstance(model, RaiseBound)
    x, draws = images(TERNARY), 200
    steps = levels(3)
    with torch.no_grad():
        log_v = raise_log_weight(model, x.repeat(draws, 1, 1, 1), none(draws * len(x)), steps).view(draws, len(x))
        log_w = anneal(model, none(4000), steps).log_weight
    sums = log_v.exp().sum(1)
    assert sums.mean().item() == pytest.approx(1, abs=4 * sums.std().item() / math.sqrt(draws))
    truth = model.log_unnormalised(x, none(len(x))).logsumexp(0)
    assert log_w.mean() < truth


def test_quadrature_of_a_gaussian_is_its_constant() -> None:
    model = linear_gaussian()
    sigma, theta = model.base.sigma, model.network.theta.detach()
    found = model.log_normaliser(none(3))
    assert found.kind == "quadrature"
    assert torch.allclose(found.log_z, (sigma * theta).square().sum() / 2 * torch.ones(3), atol=1e-4)
    assert (found.error < 1e-3).all()


def test_quadrature_states_an_error_where_its_grid_is_too_coarse() -> None:
    sigma = 0.01
    log_f = lambda x: -((x - 0.02).square().sum(-1)) / (2 * sigma**2)  # noqa: E731
    value, error = quadrature(log_f, 1, 1.0, 20, torch.device("cpu"))
    truth = math.log(sigma * math.sqrt(2 * math.pi))
    assert error >= 0.1
    assert abs(float(value) - truth) > 0.1


@pytest.mark.parametrize(
    ("keywords", "kind"),
    [({"width": 3}, ExactRBM), ({"width": 3, "exact": 2}, AnnealedRBM), ({"exact": 0}, AnnealedRBM)],
)
def test_a_machine_with_too_many_units_is_estimated(keywords: dict[str, int], kind: type) -> None:
    made = machine(BINARY, **keywords)
    assert type(made) is kind
    assert made.log_normaliser(none(1)).kind == ("exact" if kind is ExactRBM else "AIS")


def test_each_label_has_its_own_constant() -> None:
    task = Task("toy", BINARY, Condition("class", (), 3))
    made = build("energy", "rbm", task, width=3)
    spread(made)
    assert isinstance(made, ExactRBM)
    x = images(BINARY)
    for label in range(3):
        c = torch.full((len(x),), label)
        assert made.log_prob(x, c).exp().sum().item() == pytest.approx(1, abs=1e-4)
    assert made.log_normaliser(torch.arange(3)).log_z.unique().numel() == 3


@pytest.mark.parametrize("recipe", ["rbm", "ebm"])
def test_a_condition_with_countless_constants_is_refused(recipe: str) -> None:
    with pytest.raises(UserError, match="no condition or a class"):
        build("energy", recipe, Task("toy", BINARY, Condition("box", (4,))))


# Gradients


def test_the_gradient_of_persistent_chains_is_that_of_the_likelihood() -> None:
    """Of a linear-Gaussian model, with chains at its distribution: s² θ - mean of the data."""
    count = 20_000
    sigma, theta = PLANE.scale / 2, torch.tensor([0.8, -0.4])
    model = linear_gaussian(sigma**2 * theta + sigma * torch.randn(count, 2)).train()
    x = torch.randn(count, 2)
    model.loss(x, none(count)).total.backward()
    assert isinstance(model.network, Linear)
    assert model.network.theta.grad is not None
    assert torch.allclose(model.network.theta.grad, sigma**2 * theta - x.mean(0), atol=4 * sigma / math.sqrt(count))


def test_the_gradient_of_contrastive_divergence_is_its_expectation_over_one_gibbs_step() -> None:
    """E[v'] - E[v] for the visible biases, the first by summing over all h and v'."""
    model = machine(BINARY, width=2, chains=0)
    assert model.chains is None
    x = images(BINARY)[[3, 6, 12]]
    v, count = BINARY.index(x).flatten(1).float(), 20_000
    hidden = torch.tensor(list(itertools.product((0.0, 1.0), repeat=2)))
    with torch.no_grad():
        b, a = (bias[0] for bias in model.biases(none(1)))
        on = (a + v @ model.weight).sigmoid()  # (3, 2)
        share = torch.where(hidden > 0, on[:, None], 1 - on[:, None]).prod(-1)  # (3, 4) of h given v
        table = model.base.log_table()
        next_v = share @ (table[:, 1] - table[:, 0] + b + hidden @ model.weight.T).sigmoid()  # (3, D)
    model.loss(x.repeat(count, 1, 1, 1), none(3 * count)).total.backward()
    assert model.visible_bias.grad is not None
    expected = next_v.mean(0) - v.mean(0)
    assert torch.allclose(model.visible_bias.grad, expected, atol=4 * 0.5 / math.sqrt(3 * count))


def test_contrastive_divergence_learns_what_independent_values_cannot_have() -> None:
    """Two images of four binary values: log 2 nats each, 4 log 2 for independent values."""
    made = build("energy", "rbm", Task("toy", BINARY), width=4, chains=0).train()
    assert isinstance(made, ExactRBM)
    x = BINARY.value(torch.tensor([[1, 1, 0, 0], [0, 0, 1, 1]])).view(2, 1, 2, 2)
    optimiser = torch.optim.Adam(made.parameters(), 0.05)
    for _ in range(300):
        optimiser.zero_grad()
        made.loss(x.repeat(32, 1, 1, 1), none(64)).total.backward()
        optimiser.step()
    assert made.log_prob(x, none(2)).mean() > -1.2


def test_noise_contrastive_estimation_pulls_its_constant_to_the_true_one() -> None:
    """With a zero energy f is the base, so that log Z = 0: the gradient is 0 there and points to it elsewhere."""
    model = build("energy", "nce_ebm", Task("toy", PLANE), nodes=40)
    assert isinstance(model, NoiseContrastiveEBM)
    count = 5000
    x, gradients = model.base.draw(torch.empty(count, 2)), []
    for zeta in (-1.0, 0.0, 1.0):
        model.learned_log_z.data.fill_(zeta)
        model.zero_grad()
        model.loss(x, none(count)).total.backward()
        assert model.learned_log_z.grad is not None
        gradients.append(model.learned_log_z.grad.item())
    below, at, above = gradients
    assert below < -0.05
    assert above > 0.05
    assert abs(at) < 4 / math.sqrt(count)


# Samplers


def chi_square(counts: Tensor, share: Tensor) -> float:
    """p-value of counts (K,) under probabilities (K,)."""
    expected = share.double() / share.double().sum() * counts.sum()
    return float(chisquare(counts.double().numpy(), expected.numpy()).pvalue)


def place(event: Event, x: Tensor) -> Tensor:
    """The number of each image, as `images` lists them."""
    index = event.index(x).flatten(1)
    return (index * event.grid ** torch.arange(event.dims - 1, -1, -1)).sum(1)


@pytest.mark.parametrize("temperature", [1.0, 0.5])
def test_gibbs_samples_have_the_masses_of_the_machine(temperature: float) -> None:
    """At a temperature T, those of f(v, h)^(1 / T)."""
    model, x = machine(TERNARY, steps=60), images(TERNARY)
    model.setting = temperature
    with torch.no_grad():
        log_f = model.log_density(model.state(x, none(len(x))), levels(1, temperature)[-1])
        drawn = place(TERNARY, model.sample(none(4000)))
    assert chi_square(drawn.bincount(minlength=len(x)), log_f.softmax(0)) > 1e-3


@pytest.mark.parametrize("step", [0.5, 1.0, 2.0])
def test_a_discrete_langevin_transition_leaves_the_masses_unchanged_at_any_step_size(step: float) -> None:
    model, x, count = level_energy(TERNARY), images(TERNARY), 10_000
    model.log_step.fill_(math.log(step))
    with torch.no_grad():
        mass = model.log_unnormalised(x, none(len(x))).softmax(0)
        state = model.state(x[torch.multinomial(mass, count, replacement=True)], none(count))
        for _ in range(3):
            state, _ = model.move(state, levels(1)[-1])
    assert chi_square(place(TERNARY, state.x).bincount(minlength=len(x)), mass) > 1e-3


@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_discrete_langevin_samples_have_the_masses_of_the_energy(temperature: float) -> None:
    model, x = level_energy(TERNARY, steps=200), images(TERNARY)
    model.setting = temperature
    with torch.no_grad():
        log_f = model.log_unnormalised(x, none(len(x))) / temperature
        drawn = place(TERNARY, model.sample(none(2000)))
    assert chi_square(drawn.bincount(minlength=len(x)), log_f.softmax(0)) > 1e-3


def test_langevin_samples_have_the_density_of_the_energy() -> None:
    model = build("energy", "ebm", Task("toy", LINE), nodes=200, steps=60, width=8)
    assert isinstance(model, QuadratureEBM)
    spread(model, 0.5)
    model.eval().calibrate([(torch.zeros(2, 1), none(2))], [])
    x = torch.linspace(-4, 4, 4001)[:, None]
    with torch.no_grad():
        density = model.log_prob(x, none(len(x))).exp()
        drawn = model.sample(none(4000))[:, 0]
    cumulative = density.cumsum(0) / density.sum()
    edges = x[:, 0][torch.searchsorted(cumulative, torch.arange(1, 10) / 10)]
    assert chi_square(torch.bucketize(drawn, edges).bincount(minlength=10), torch.full((10,), 0.1)) > 1e-3


def test_a_transition_leaves_the_density_unchanged_at_any_step_size() -> None:
    """The Metropolis-Hastings test corrects steps that are far too long."""
    sigma, theta, count = PLANE.scale / 2, torch.tensor([0.8, -0.4]), 20_000
    model = linear_gaussian()
    x, last = sigma**2 * theta + sigma * torch.randn(count, 2), levels(model.steps)[-1]
    for step in (0.1, 1.0, 3.0):
        model.log_step.fill_(math.log(step * sigma))
        moved, _ = model.move(model.state(x, none(count)), last)
        assert torch.allclose(moved.x.mean(0), sigma**2 * theta, atol=5 * sigma / math.sqrt(count))
        assert torch.allclose(moved.x.var(0), sigma**2 * torch.ones(2), rtol=0.06)


def test_step_sizes_follow_the_acceptance() -> None:
    model = linear_gaussian(steps=40)
    model.log_step.fill_(math.log(1e-3))
    model.eval().calibrate([(torch.zeros(2, 2), none(2))], [])
    assert 0.35 < model.diagnostics(none(500)).acceptance < 0.85


def test_chains_of_equal_weight_are_all_effective_and_one_heavy_chain_counts_alone() -> None:
    label = torch.tensor([0, 0, 1, 1])
    assert effective_share(torch.tensor([3.0, 3.0, -9.0, -9.0]), label, 2).item() == pytest.approx(1)
    heavy = torch.tensor([100.0, 0.0, 0.0, 0.0])
    assert effective_share(heavy, torch.zeros(4, dtype=torch.long), 1).item() == pytest.approx(1 / 4)


# Persistent chains


def test_chains_are_chosen_once_each_and_grow_older() -> None:
    chains = PersistentChains(torch.arange(12.0)[:, None], labels=2, restart=0.0)
    label = torch.tensor([0, 1, 0, 1, 1])
    chosen = chains.choose(label)
    assert chosen.place.unique().numel() == 5
    assert torch.equal(chosen.place // 6, label)
    assert torch.equal(chosen.x[:, 0], chosen.place.float())
    assert chains.put(chosen._replace(x=chosen.x + 100), moves=3) == 3
    assert torch.equal(chains.states[chosen.place], chosen.x + 100)
    assert chains.ages.sum() == 15


def test_a_chain_that_restarts_is_young_and_at_the_base() -> None:
    chains = PersistentChains(torch.zeros(5, 1), labels=1, restart=1.0)
    chosen = chains.choose(torch.zeros(9, dtype=torch.long))
    assert len(chosen.place) == 5
    renewed = chains.renew(chosen._replace(age=chosen.age + 7), torch.ones(5, 1))
    assert torch.equal(renewed.x, torch.ones(5, 1))
    assert torch.equal(renewed.age, torch.zeros(5))


def test_chains_are_in_resume_points_and_in_no_checkpoint() -> None:
    model = machine(BINARY)
    assert not [name for name in model.state_dict() if name.startswith("chains")]
    assert "buffer:chains.states" in model_state(model).tensors


# Bases


def test_the_histogram_base_is_the_share_of_each_level() -> None:
    base, event = HistogramBase(TERNARY), TERNARY
    x = event.value(torch.tensor([[0, 1, 2], [0, 1, 1], [0, 2, 1]])).view(3, 1, 1, 3)
    base.count(x.repeat(100, 1, 1, 1))
    table = base.log_table().exp()
    assert torch.allclose(table.sum(-1), torch.ones(3))
    assert torch.allclose(table, torch.tensor([[1, 0, 0], [0, 2 / 3, 1 / 3], [0, 2 / 3, 1 / 3]]), atol=0.005)
    assert torch.allclose(base.draw(20_000).float().mean(0), torch.tensor([0, 4 / 3, 4 / 3]), atol=0.03)


def test_the_slope_of_the_gaussian_base_is_the_gradient_of_its_density() -> None:
    base, x = GaussianBase(PLANE), torch.randn(5, 2, requires_grad=True)
    (gradient,) = torch.autograd.grad(base.log_prob(x).sum(), x)
    assert torch.allclose(base.slope(x), gradient)


@pytest.mark.parametrize("event", [Event((3,), scale=1.5), PLANE])
def test_an_energy_in_more_than_two_dimensions_is_bounded(event: Event) -> None:
    made = build("energy", "ebm", Task("toy", event), nodes=40)
    assert isinstance(made, PointEBM)
    assert isinstance(made, RaiseBound if event.dims > 2 else Exact)
