"""Feature extractors: the same bytes for the same data, a name that holds the weights' hash, a lossless round trip."""

import re
from pathlib import Path

import pytest
import torch
from damage import DAMAGES, damage
from torch import Tensor

from pipeline.contract import Event, Task
from pipeline.errors import UserError
from pipeline.metrics.extractors import reference
from pipeline.metrics.extractors.lookup import EXTRACTORS, Classifier, classifier, identity
from pipeline.metrics.extractors.network import weights
from pipeline.metrics.extractors.untrained import untrained
from pipeline.metrics.frechet import frechet
from pipeline.params import bind

BARS = Task("bars", Event((1, 8, 8), levels=17))
TOY = {"width": 8, "features": 6, "steps": 120}


@pytest.fixture(scope="module")
def bars() -> tuple[Tensor, Tensor]:
    """Noisy 8x8 images with one of four bright bars, and which."""
    label = torch.arange(200) % 4
    bar = torch.eye(4)[label].repeat_interleave(2, dim=1)[:, None, :, None]  # (N, 1, 8, 1)
    return 2 * bar - 1 + 0.3 * torch.randn(200, 1, 8, 8, generator=torch.Generator().manual_seed(0)), label


@pytest.fixture(scope="module")
def fitted(bars: tuple[Tensor, Tensor]) -> Classifier:
    return classifier("bars", *bars, **TOY)


def test_points_are_their_own_features() -> None:
    x = torch.randn(9, 2)
    extractor = identity("ring", x, None)
    assert (extractor.id, extractor.size) == ("identity", 2)
    assert torch.equal(extractor.extract(x, batch=4), x)


def test_a_classifier_learns_and_its_features_are_standard(fitted: Classifier, bars: tuple[Tensor, Tensor]) -> None:
    assert fitted.accuracy(*bars) > 0.95
    features = fitted.extract(bars[0])
    assert features.shape == (200, 6)
    assert torch.allclose(features.mean(dim=0), torch.zeros(6), atol=1e-5)
    assert float(features.var(dim=0).mean()) == pytest.approx(1, rel=1e-4)


def test_the_same_seed_gives_the_same_bytes_and_leaves_the_generator_alone(
    fitted: Classifier, bars: tuple[Tensor, Tensor]
) -> None:
    torch.manual_seed(9)
    before = torch.get_rng_state()
    again = classifier("bars", *bars, **TOY)
    assert torch.equal(torch.get_rng_state(), before)
    assert weights(again) == weights(fitted)
    assert again.id == fitted.id
    assert re.fullmatch(r"bars-classifier@[0-9a-f]{6}", fitted.id)


def test_other_weights_have_another_name(bars: tuple[Tensor, Tensor]) -> None:
    names = {classifier("bars", *bars, **TOY | {"steps": 2, "seed": seed}).id for seed in (0, 1)}
    assert len(names) == 2


def test_the_size_of_a_batch_does_not_change_the_numbers(fitted: Classifier, bars: tuple[Tensor, Tensor]) -> None:
    small, large = (fitted.extract(bars[0], batch=batch) for batch in (7, 512))
    assert torch.allclose(small, large, atol=1e-5)
    assert frechet(real=small[:100], fake=small[100:]) == pytest.approx(
        frechet(real=large[:100], fake=large[100:]), rel=1e-4
    )


@pytest.mark.parametrize("size", [(3, 28, 28), (1, 8, 8), (3, 9, 17)])
def test_any_image_will_do(size: tuple[int, ...]) -> None:
    extractor = classifier("toy", torch.rand(20, *size), torch.arange(20) % 3, width=2, features=5, steps=2)
    assert extractor.extract(torch.rand(4, *size)).shape == (4, 5)


@pytest.mark.parametrize(("x", "label"), [(torch.rand(4, 1, 8, 8), None), (torch.rand(4, 2), torch.arange(4))])
def test_without_labelled_images_there_is_no_classifier(x: Tensor, label: Tensor | None) -> None:
    with pytest.raises(UserError, match="toy has no labelled images"):
        classifier("toy", x, label)


@pytest.mark.parametrize("keywords", [{"widht": 4}, {"width": 0}, {"steps": "many"}])
def test_a_keyword_that_does_not_fit_is_named(keywords: dict[str, object]) -> None:
    with pytest.raises(UserError, match=next(iter(keywords))):
        bind(EXTRACTORS["classifier"], keywords, "tasks.toy.extractor")


def test_what_was_written_comes_back(
    fitted: Classifier, bars: tuple[Tensor, Tensor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    x = BARS.event.quantise(bars[0])
    reference.write(BARS, fitted, {"train": x, "validation": x[:3], "test": x[:5]})
    extractor, features, judges = reference.load(BARS)
    assert extractor.id == fitted.id
    assert torch.equal(extractor.extract(x), features["train"])
    assert features["test"].shape == (5, 6)
    assert not judges


def test_a_second_extractor_comes_back_beside_the_first(
    fitted: Classifier, bars: tuple[Tensor, Tensor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    x, other = BARS.event.quantise(bars[0]), untrained("bars", bars[0], None, width=4, features=5)
    reference.write(BARS, fitted, dict.fromkeys(reference.SPLITS, x), second=other)
    assert reference.load(BARS).extractor.id == fitted.id
    second = reference.load_second(BARS)
    assert second is not None
    assert second.extractor.id == other.id
    assert torch.equal(second.extractor.extract(x), second.features["test"])
    (Path("artifacts/features/bars") / reference.SECOND_WEIGHTS).write_bytes(weights(fitted))
    with pytest.raises(UserError, match="coverseek features --task bars"):
        reference.load_second(BARS)
    reference.write(BARS, fitted, dict.fromkeys(reference.SPLITS, x))
    assert reference.load_second(BARS) is None


@pytest.mark.parametrize("file", [reference.DESCRIPTION, reference.WEIGHTS, reference.FEATURES])
@pytest.mark.parametrize("how", DAMAGES)
def test_damage_is_named_with_what_mends_it(
    fitted: Classifier, bars: tuple[Tensor, Tensor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    file: str, how: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    reference.write(BARS, fitted, dict.fromkeys(reference.SPLITS, bars[0]))
    damage(Path("artifacts/features/bars") / file, how)
    with pytest.raises(UserError, match=f"{file}.*coverseek features --task bars"):
        reference.load(BARS)


def test_weights_of_another_extractor_are_refused(
    fitted: Classifier, bars: tuple[Tensor, Tensor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    reference.write(BARS, fitted, dict.fromkeys(reference.SPLITS, bars[0]))
    other = classifier("bars", *bars, **TOY | {"steps": 2})
    (Path("artifacts/features/bars") / reference.WEIGHTS).write_bytes(weights(other))
    with pytest.raises(UserError, match=f"is not {fitted.id}"):
        reference.load(BARS)


@pytest.mark.slow
def test_digits_are_told_apart() -> None:
    from pipeline.data.dataset import Sizes
    from pipeline.data.digits import digits

    data = digits(Sizes(1197, 300, 300), 0)
    parts = [(data.event.value(torch.from_numpy(s.x)), torch.from_numpy(s.label)) for s in data.splits.values()]
    extractor = classifier("digits", *parts[0])
    assert extractor.accuracy(*parts[2]) >= 0.97
