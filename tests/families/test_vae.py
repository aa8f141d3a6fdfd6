"""Laws of the VAEs, against closed forms and against sums over everything."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch import Tensor, nn
from torch.distributions import Independent, MultivariateNormal, Normal, kl_divergence
from toys import GREY, build

from pipeline.contract import Event, Task
from pipeline.distributions.gaussian import Normals
from pipeline.distributions.likelihood import Gaussian
from pipeline.families.vae.vae import IWAE, VAE
from pipeline.families.vae.vq_vae import Codebook
from pipeline.networks.condition import Context, encoder

TINY = Event((1, 2, 2), levels=2)
WEIGHTED = ("vae", "beta_vae", "iwae", "conv_vae", "hierarchical_vae")


def normals(*shape: int) -> Normals:
    return Normals(torch.randn(shape, dtype=torch.double), torch.randn(shape, dtype=torch.double))


def every_image(event: Event) -> Tensor:
    """(L^D, *event)."""
    levels = itertools.product(range(event.grid), repeat=event.dims)
    return event.value(torch.tensor(list(levels))).unflatten(1, event.shape)


def stirred(recipe: str, event: Event, std: float = 0.1, **changes: float) -> nn.Module:
    """A model whose parameters are all random: a fresh one's posterior is close to its prior."""
    model = build("vae", recipe, Task("t", event), **changes).eval()
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=std)
    return model


def blunt(model: nn.Module) -> None:
    """Widen a hierarchical VAE's evidence: a posterior much narrower than its prior has weights without variance."""
    with torch.no_grad():
        for layer in getattr(getattr(model, "networks", None), "layers", ()):
            layer.observe[1].bias[layer.shape[0] :] += 2


def test_divergence_is_the_kl_of_torch() -> None:
    q, p = normals(5, 3), normals(5, 3)
    expected = kl_divergence(*(Independent(Normal(n.mean, n.log_sigma.exp()), 1) for n in (q, p)))
    assert torch.allclose(q.divergence(p).sum(-1), expected)


def test_a_product_of_gaussians_is_proportional_to_the_product_of_their_densities() -> None:
    a, b = normals(1, 3), normals(1, 3)
    z = torch.randn(7, 3, dtype=torch.double)
    odds = a.log_prob(z) + b.log_prob(z) - a.times(b).log_prob(z)
    assert torch.allclose(odds, odds[0].expand(7))


@pytest.mark.parametrize("recipe", ["vae", "conv_vae", "hierarchical_vae"])
def test_the_weights_mean_is_the_loss(recipe: str) -> None:
    """The sampled ELBO and the loss with its closed-form rate agree on average."""
    model = build("vae", recipe, Task("t", GREY), free=0.0).eval()
    x, c = GREY.value(torch.randint(5, (64, 1, 8, 8))), torch.empty(64, 0)
    with torch.no_grad():
        loss = torch.stack([model.loss(x, c).total for _ in range(20)]).mean()
        elbo = torch.stack([model.elbo(x, c).mean() for _ in range(20)]).mean()
    assert -elbo.item() == pytest.approx(loss.item(), rel=3e-3)


@pytest.mark.parametrize("recipe", WEIGHTED)
def test_weights_of_all_tiny_images_sum_to_one(recipe: str) -> None:
    model = stirred(recipe, TINY, halvings=1)
    blunt(model)
    x, c = every_image(TINY).repeat(2000, 1, 1, 1), torch.empty(16 * 2000, 0)
    with torch.no_grad():
        mass = model.log_weight(x, c).exp().view(2000, 16).sum(1)
    assert mass.mean().item() == pytest.approx(1, abs=4 * mass.std().item() / math.sqrt(2000))
    assert mass.std().item() < 1  # else the line above says little


@pytest.mark.parametrize("recipe", ["beta_vae", "vae", "hierarchical_vae"])
def test_what_training_is_charged_never_enters_a_score(recipe: str) -> None:
    model = stirred(recipe, GREY)
    x, c = GREY.value(torch.randint(5, (8, 1, 8, 8))), torch.empty(8, 0)
    scores, losses = [], []
    for price in (0.0, 9.0):
        model.beta = model.free = price
        torch.manual_seed(1)
        scores.append(model.log_weight(x, c))
        torch.manual_seed(1)
        losses.append(model.loss(x, c).total)
    assert torch.equal(*scores)
    assert not torch.equal(*losses)


@pytest.mark.parametrize(("recipe", "count"), [("vae", 3), ("hierarchical_vae", 3 * 3)])
def test_free_bits_cost_what_they_allow_and_pull_at_nothing(recipe: str, count: int) -> None:
    """`count` latents or features of a layer, each far below what is free."""
    model = stirred(recipe, GREY, free=1e4)
    loss = model.loss(GREY.value(torch.randint(5, (8, 1, 8, 8))), torch.empty(8, 0))
    assert (loss.total - loss.parts["distortion"]).item() == pytest.approx(1e4 * count)


@pytest.mark.parametrize("recipe", [*WEIGHTED, "vq_vae"])
def test_temperature_narrows_the_samples_and_leaves_the_scores(recipe: str) -> None:
    model = stirred(recipe, GREY)
    x, c = GREY.value(torch.randint(5, (8, 1, 8, 8))), torch.empty(8, 0)
    seen = []
    model.likelihood.draw = lambda parameters: seen.append(parameters.std(0).sum().item())
    scores = []
    for model.setting in (1e-6, 1.0):
        torch.manual_seed(1)
        scores.append(model.elbo(x, c))
        model.sample(c)
    assert torch.equal(*scores)
    assert seen[0] == pytest.approx(0, abs=1e-4)
    assert seen[1] > 1e-3


class Affine(nn.Module):
    """A linear-Gaussian VAE's networks: (value, context) -> (value W, log sigma)."""

    def __init__(self, weight: Tensor, log_sigma: float) -> None:
        super().__init__()
        self.weight, self.log_sigma = (
            nn.Parameter(weight.clone()),
            nn.Parameter(torch.tensor(log_sigma, dtype=weight.dtype)),
        )

    def forward(self, value: Tensor, context: Context) -> Tensor:
        mean = value @ self.weight
        return torch.cat([mean, self.log_sigma.expand_as(mean)], dim=1)


def linear_gaussian(kind: type[VAE], dtype: torch.dtype, **options: int) -> tuple[VAE, MultivariateNormal]:
    """x = z W + s e with s^2 = 1/e, and log p(x) = log N(x; 0, W^T W + s^2 I); the encoder is deliberately off."""
    event, weight = Event((2,)), torch.tensor([[0.9, 0.3], [-0.2, 0.7]], dtype=dtype)
    decoder = Affine(weight, math.log(8) - 0.5)  # deviations start at scale / 8
    condition = encoder(Task("t", event).condition, event)
    model = kind(event, condition, Affine(0.8 * weight.T.contiguous(), -0.7), decoder, Gaussian(event), 2, **options)
    covariance = weight.T @ weight + math.exp(-1) * torch.eye(2, dtype=dtype)
    return model, MultivariateNormal(torch.zeros(2, dtype=dtype), covariance)


def test_iwae_rises_to_the_closed_form_of_a_linear_gaussian_vae() -> None:
    model, truth = linear_gaussian(VAE, torch.float32)
    x, c = truth.sample((256,)), torch.empty(256, 0)
    with torch.no_grad():
        log_w = torch.stack([model.log_weight(x, c) for _ in range(4096)])
    log_p = truth.log_prob(x).mean().item()
    bounds = [(log_w[:k].logsumexp(0) - math.log(k)).mean().item() for k in (1, 8, 64, 4096)]
    assert bounds == sorted(bounds)
    assert bounds[0] < log_p - 0.01
    assert bounds[-1] == pytest.approx(log_p, abs=0.01)


def test_iwae_descends_the_bound_of_its_draws() -> None:
    """The doubly reparametrised gradient is, on average, autograd's of the bound, with less noise for the encoder."""
    model, truth = linear_gaussian(IWAE, torch.double, draws=8)
    x, c = truth.sample((1,)).expand(4_000, 2), torch.empty(4_000, 0)
    parameters = list(model.parameters())
    plain, doubly = [], []
    for _ in range(10):
        bound = torch.stack([model.log_weight(x, c) for _ in range(8)]).logsumexp(0) - math.log(8)
        plain.append(nn.utils.parameters_to_vector(torch.autograd.grad(-bound.mean(), parameters)))
        doubly.append(nn.utils.parameters_to_vector(torch.autograd.grad(model.loss(x, c).total, parameters)))
    ours, theirs = torch.stack(doubly), torch.stack(plain)
    error = (ours.var(0) / 10 + theirs.var(0) / 10).sqrt()
    assert ((ours.mean(0) - theirs.mean(0)).abs() < 5 * error).all()
    encoder_part = slice(0, sum(p.numel() for p in model.encoder.parameters()))
    assert ours[:, encoder_part].var(0).sum() < theirs[:, encoder_part].var(0).sum()


def test_the_gradient_passes_straight_through_the_codebook() -> None:
    book, codes = Codebook(5, 3), torch.randn(4, 3, 2, 2, requires_grad=True)
    indices, weight = book.nearest(codes), torch.randn(4, 3, 2, 2)
    chosen = book.straight_through(codes, indices)
    assert torch.allclose(chosen, book.look_up(indices), atol=1e-6)
    (slope,) = torch.autograd.grad((chosen * weight).sum(), codes)
    assert torch.equal(slope, weight)


def test_each_code_gets_its_nearest_vector() -> None:
    book, codes = Codebook(5, 3), torch.randn(4, 3, 2, 2)
    distances = (codes[:, None] - book.vectors[:, :, None, None]).square().sum(2)  # (B, K, 2, 2)
    assert torch.equal(book.nearest(codes), distances.argmin(1))


def test_idle_vectors_restart_at_codes_and_busy_ones_stay() -> None:
    book, codes = Codebook(4, 3), torch.randn(16, 3, 2, 2) + 50
    book.use.copy_(torch.tensor([0.0, 0.25, 0.0, 0.25]))
    before = book.vectors.detach().clone()
    book.restart_idle(codes)
    flat = codes.movedim(1, -1).flatten(0, -2)
    assert torch.equal(book.vectors[1::2], before[1::2])
    assert all((flat == vector).all(-1).any() for vector in book.vectors[::2])


def test_the_vq_bound_is_one_term_of_a_mass_that_sums_to_one() -> None:
    """Over all 256 images and all 9 grids of codes."""
    event = Event((1, 4, 2), levels=2)
    model = stirred("vq_vae", event, std=0.3, codes=3, halvings=1)
    grids = torch.tensor(list(itertools.product(range(3), repeat=2))).view(9, 2, 1)
    x, c = every_image(event), torch.empty(256, 0)
    with torch.no_grad():
        joint = [
            model.log_likelihood(x, model.codebook.look_up(k.expand(256, 2, 1)), c) + model.log_prior(k[None], c[:1])
            for k in grids
        ]
        log_p, bound = torch.stack(joint).logsumexp(0), model.elbo(x, c)
    assert log_p.exp().sum().item() == pytest.approx(1, abs=1e-4)
    assert (bound <= log_p + 1e-5).all()
    assert bound.mean() < log_p.mean() - 0.1


def test_the_prior_draws_from_what_it_scores() -> None:
    model = stirred("vq_vae", GREY)
    symbols, context, state = torch.randint(32, (6, 16)), torch.empty(6, 0), None
    logits, before = model.prior(symbols, context), torch.full((6,), model.prior.start)
    for place in range(16):
        step, state = model.prior.step(before, place, context, state)
        assert torch.allclose(step, logits[:, place], atol=1e-5)
        before = symbols[:, place]


@pytest.mark.slow
@pytest.mark.parametrize("recipe", [*WEIGHTED, "vq_vae"])
def test_a_learned_mass_sums_to_one(recipe: str) -> None:
    """After learning, where codes matter; a vq_vae's bound holds a part of the mass."""
    event = Event((1, 2, 2), levels=3)
    images, model = every_image(event), build("vae", recipe, Task("t", event), halvings=1)
    seen, optimiser = images[images.std((1, 2, 3)) < 0.6], torch.optim.Adam(model.parameters(), 0.005)
    for _ in range(300):
        x = seen[torch.randint(len(seen), (64,))]
        optimiser.zero_grad()
        model.train().loss(x, torch.empty(64, 0)).total.backward()
        optimiser.step()
    score = model.elbo if recipe == "vq_vae" else model.log_weight
    blunt(model.eval())
    with torch.no_grad():
        many, c = images.repeat(100, 1, 1, 1), torch.empty(8100, 0)
        weights = torch.stack([score(many, c).exp() for _ in range(80)])  # 8,000 draws: their tails are heavy
    mass = 81 * weights.mean().item()
    assert mass < 1 if recipe == "vq_vae" else mass == pytest.approx(1, abs=0.05)
