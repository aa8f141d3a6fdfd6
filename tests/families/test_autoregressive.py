"""Laws of autoregressive models: the first part over every recipe that there is."""

from __future__ import annotations

import itertools

import pytest
import torch
import torch.nn.functional as F
from causality import awake, before, example, field
from toys import COLOUR, GREY, POINTS, batch, build, condition, conditions, recipes

from pipeline.contract import Event, Exact, GenerativeModel, Task
from pipeline.families.autoregressive.image import AutoregressiveImages, naive
from pipeline.families.autoregressive.networks.gated_pixelcnn import GatedPixelCNN
from pipeline.families.autoregressive.networks.masked_layers import MaskedConv2d
from pipeline.families.autoregressive.networks.pixelcnn import PixelCNN
from pipeline.families.autoregressive.networks.pixelcnn_pp import PixelCNNPlusPlus
from pipeline.families.autoregressive.pixels import LogisticMixture

RECIPES = [recipe for family, recipe in recipes("images") if family == "autoregressive"]
RECIPES.append("gated_pixelcnn, mixtures")
every = pytest.mark.parametrize("recipe", RECIPES)
events = pytest.mark.parametrize("event", [GREY, COLOUR], ids=["grey", "colour"])
SMALL = [Event((1, 4, 6), levels=5), Event((3, 4, 4), levels=4)]
TINY = [Event((1, 2, 2), levels=2), Event((3, 1, 2), levels=2)]


def model(recipe: str, event: Event, kind: str = "none") -> GenerativeModel:
    """With weights that no initialisation hides; after a comma, what is optional."""
    recipe, *optional = recipe.split(", ")
    changes = dict.fromkeys(optional, 4)
    made = build("autoregressive", recipe, Task("t", event, condition(kind, event)), **changes).eval()
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return made


def in_one_order(made: GenerativeModel) -> AutoregressiveImages:
    """The model itself, or a member of an ensemble of orders."""
    return made if isinstance(made, AutoregressiveImages) else made.member(1)


def all_images(event: Event) -> torch.Tensor:
    levels = event.value(torch.arange(event.grid)).tolist()
    return torch.tensor(list(itertools.product(levels, repeat=event.dims))).view(-1, *event.shape)


def mass(made: Exact, x: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return made.log_prob(x, torch.empty(len(x), 0)).exp()


@every
@pytest.mark.parametrize("event", SMALL, ids=["grey", "colour"])
def test_the_parameters_of_a_sub_pixel_depend_on_its_past_alone(recipe: str, event: Event) -> None:
    made = in_one_order(model(recipe, event).double())
    visits, order = made.network.visits, list(made.network.order())
    places = list(itertools.product(*map(range, event.shape[1:])))
    assert sorted(order) == places
    x = batch(Task("t", event), 1)[0].double().requires_grad_()
    parameters = made.parameters_of(x, torch.empty(1, 0)).unflatten(1, (-1, visits))
    rank = torch.tensor([order.index(place) for place in places]).view(event.shape[1:])
    step = event.shape[0] // visits
    time = rank * visits + torch.arange(event.shape[0])[:, None, None] // step  # (C, H, W): the visit that draws it
    for (row, column), visit in itertools.product((order[0], order[9], order[-1]), range(visits)):
        asked = parameters[:, :, visit, row, column].square().sum()
        (slope,) = torch.autograd.grad(asked, x, retain_graph=True, allow_unused=True)
        now = rank[row, column] * visits + visit
        slope = torch.zeros_like(x) if slope is None else slope
        assert (slope[0][time >= now] == 0).all()
        assert (row, column) == order[0] or (slope[0][time < now] != 0).any()


@every
@pytest.mark.parametrize("event", SMALL, ids=["grey", "colour"])
def test_the_cached_sampler_draws_what_the_naive_one_draws(recipe: str, event: Event) -> None:
    made, c = in_one_order(model(recipe, event, "box")), conditions(Task("t", event, condition("box", event)), 3)
    draws = []
    for sampler in (made.sample, lambda c: naive(made, c)):
        torch.manual_seed(1)
        draws.append(sampler(c))
    assert torch.equal(*draws)


@every
@pytest.mark.parametrize("event", TINY, ids=["grey", "colour"])
def test_all_tiny_images_sum_to_one(recipe: str, event: Event) -> None:
    assert mass(model(recipe, event), all_images(event)).sum().item() == pytest.approx(1, abs=1e-5)


@every
@pytest.mark.parametrize("event", TINY, ids=["grey", "colour"])
def test_samples_have_the_likelihood_that_the_model_states(recipe: str, event: Event) -> None:
    made, count = model(recipe, event), 5_000
    p = mass(made, all_images(event))
    code = (made.sample(torch.empty(count, 0)) > 0).long().flatten(1) @ 2 ** torch.arange(event.dims).flip(0)
    frequency = torch.bincount(code, minlength=len(p)) / count
    assert (frequency - p).abs().max() < 5 * (p.max() / count).sqrt()


@every
def test_temperature_turns_samples_to_a_mode_and_never_touches_a_score(recipe: str) -> None:
    made, (x, c) = in_one_order(model(recipe, SMALL[1])), batch(Task("t", SMALL[1]), 5)
    with torch.no_grad():
        score = made.log_prob(x, c)
        made.setting = 1e-6
        assert torch.equal(made.log_prob(x, c), score)
    assert torch.equal(made.sample(c), made.sample(c))


@events
def test_a_masked_stack_has_a_blind_spot_and_two_stacks_have_none(event: Event) -> None:
    """A 3 x 3 mask moves at most one place to the right for each row upwards."""
    x, context = (part.double() for part in example(event, 0, count=1))
    masked = awake(PixelCNN(event, 0, channels=9, blocks=8, kernel=3, dropout=0.0)).double()
    gated = awake(GatedPixelCNN(event.shape, event.grid * event.shape[0], event.shape[0], 0, 9, 8, 3, 0.0)).double()
    rows, columns = torch.meshgrid(torch.arange(8), torch.arange(8), indexing="ij")
    for (row, column), channel in itertools.product(((0, 0), (4, 2), (7, 0), (5, 7)), range(event.shape[0])):
        past = before(event, row, column, channel)
        cone = past & (columns - column <= row - rows)
        assert torch.equal(field(masked, x, context, row, column, channel), cone)
        assert torch.equal(field(gated, x, context, row, column, channel), past)


@pytest.mark.parametrize("subpixels", [1, 3])
@pytest.mark.parametrize("kernel", [3, 7])
@pytest.mark.parametrize("kind", ["A", "B"])
def test_taps_are_a_full_convolution_under_its_mask(kind: str, kernel: int, subpixels: int) -> None:
    n_in, n_out, p = (5, 7, kernel // 2) if subpixels == 3 else (3, 4, kernel // 2)
    convolution = MaskedConv2d(n_in, n_out, kernel, kind, subpixels).double()
    source, target = (torch.arange(n) * subpixels // n for n in (n_in, n_out))
    mask = torch.zeros(n_out, n_in, kernel, kernel)
    mask[:, :, :p] = mask[:, :, p, :p] = 1
    here = source < target[:, None] if kind == "A" else source <= target[:, None]
    mask[:, :, p, p] = here.double()
    full, x = convolution.kernel(), torch.randn(2, n_in, 6, 5).double()
    assert torch.equal(full != 0, mask.bool())
    assert torch.allclose(F.conv2d(x, full, convolution.row.bias, padding=p), convolution(x))
    kept = sum(weight.numel() for name, weight in convolution.named_parameters() if "bias" not in name)
    assert kept == mask.sum()


@pytest.mark.parametrize("halvings", [0, 1, 2, 5])
def test_pixelcnn_pp_halves_as_often_as_both_sides_allow(halvings: int) -> None:
    network = PixelCNNPlusPlus((1, 12, 8), 3, 0, channels=4, blocks=1, halvings=halvings, kernel=3, dropout=0.0)
    assert len(network.halvings) == min(halvings, 2)


@pytest.mark.parametrize("event", [Event((1, 1, 1), levels=256), Event((3, 1, 1), levels=5)], ids=["grey", "colour"])
def test_a_mixture_of_logistics_is_a_mass_and_draws_from_it(event: Event) -> None:
    pixels, every_pixel = LogisticMixture(event, mixtures=3), all_images(event)
    parameters = torch.randn(1, pixels.width)
    p = pixels.log_prob(every_pixel, parameters[..., None, None].expand(len(every_pixel), -1, 1, 1)).exp()
    assert p.sum().item() == pytest.approx(1, abs=1e-5)
    count = 50_000
    drawn = pixels.draw(parameters.expand(count, -1), slice(None), 1.0)
    code = event.index(drawn) @ event.grid ** torch.arange(event.dims).flip(0)
    frequency = torch.bincount(code, minlength=len(p)) / count
    assert (frequency - p).abs().max() < 5 * (p.max() / count).sqrt()


def test_ar_mixture_integrates_to_one() -> None:
    made = build("autoregressive", "ar_mixture", Task("t", POINTS)).eval()
    line = torch.linspace(-8, 8, 641)
    total = mass(made, torch.cartesian_prod(line, line)).sum() * (line[1] - line[0]) ** 2
    assert total.item() == pytest.approx(1, abs=1e-3)
