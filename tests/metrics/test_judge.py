"""Judges: they learn, the same bytes for the same data, and come back from disk as they were."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from damage import DAMAGES, damage
from squares import EVENT, KINDS, squares, task

from pipeline.contract import Event, Task
from pipeline.data.dataset import Sizes
from pipeline.data.digits import stacked_digits
from pipeline.errors import UserError
from pipeline.metrics.condition_adherence import shuffled
from pipeline.metrics.extractors import reference
from pipeline.metrics.extractors.lookup import identity
from pipeline.metrics.extractors.network import weights
from pipeline.metrics.judges.fitting import arithmetic, fit, needed
from pipeline.metrics.judges.judge import Channels, Fitted, Luma


def fitted(kind: str, steps: int, seed: int = 0) -> Fitted:
    (x, truth), (y, held) = squares(300, seed=1), squares(100, seed=2)
    of = task("none" if kind == "factors" else kind)
    return fit(kind, "squares", of, train=(x, truth[kind]), test=(y, held[kind]), steps=steps, seed=seed)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_judge_learns_to_tell_what_was_asked_for_from_what_was_not(kind: str) -> None:
    judge, (x, truth) = fitted(kind, steps=150), squares(200, seed=3)
    c = truth[kind]
    assert judge.answer(x).shape == (c[:, None] if kind == "class" else c).shape
    assert judge.score(x, c) > 0.95
    assert judge.score(x, shuffled(c)) < 0.5
    assert judge.test == pytest.approx(judge.score(x, c), abs=0.05)


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_bytes_and_leaves_the_generator_alone(kind: str) -> None:
    before = torch.get_rng_state()
    first, again, other = (fitted(kind, steps=3, seed=seed) for seed in (0, 0, 1))
    assert torch.equal(torch.get_rng_state(), before)
    assert weights(first) == weights(again)
    assert first.id == again.id != other.id
    assert re.fullmatch(rf"squares-{kind}@[0-9a-f]{{6}}", first.id)
    assert first.protocol == f"{first.id} ({first.test:.3f} on test)"


@pytest.mark.parametrize("kind", KINDS)
def test_the_size_of_a_batch_does_not_change_an_answer(kind: str) -> None:
    judge, x = fitted(kind, steps=3), squares(50, seed=3)[0]
    assert torch.equal(judge.answer(x, batch=7), judge.answer(x))


def test_luma_is_that_of_bt601() -> None:
    colours = [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255], [90, 90, 90], [10, 200, 30]]
    x = EVENT.value(torch.tensor(colours))[:, :, None, None]
    answer = EVENT.index(Luma(EVENT).answer(x)).flatten()
    assert answer.tolist() == [76, 150, 29, 255, 90, 124]  # 76.2, 149.7, 29.1, 255, 90, 123.8


def test_a_grey_image_is_its_own_luma() -> None:
    grey = Event((1, 4, 4), levels=17)
    x = grey.value(torch.randint(17, (5, 1, 4, 4)))
    assert Luma(grey).score(x, x) == 0


def test_a_task_has_the_judges_of_its_condition_and_its_factors() -> None:
    assert {kind: needed(task(kind)) for kind in ("none", "class", "grayscale")} == {
        "none": ["factors"], "class": ["class", "factors"], "grayscale": ["factors"],
    }  # fmt: skip
    assert [list(arithmetic(task(kind))) for kind in ("box", "grayscale")] == [[], ["grayscale"]]
    points = Task("points", Event((2,)), condition=task("class").condition)
    assert needed(points) == []


def test_boxes_end_where_pixels_do() -> None:
    answer = fitted("box", steps=3).answer(squares(50, seed=3)[0])
    assert torch.equal(answer * 8, (answer * 8).round())


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Fitted]:
    """Judges that were written, of task squares_box."""
    monkeypatch.chdir(tmp_path)
    judges = {kind: fitted(kind, steps=3) for kind in ("box", "factors")}
    x = squares(20, seed=4)[0]
    reference.write(task("box"), identity("squares", x, None), dict.fromkeys(reference.SPLITS, x), judges=judges)
    return judges


def test_what_was_written_comes_back(kept: dict[str, Fitted]) -> None:
    x, found = squares(30, seed=5)[0], reference.load(task("box")).judges
    assert set(found) == {"box", "factors"}
    for kind, judge in kept.items():
        assert found[kind].protocol == judge.protocol
        assert torch.equal(found[kind].answer(x), judge.answer(x))


@pytest.mark.parametrize("file", [reference.DESCRIPTION, "judge-box.safetensors", "judge-factors.safetensors"])
@pytest.mark.parametrize("how", DAMAGES)
def test_damage_is_named_with_what_mends_it(kept: dict[str, Fitted], file: str, how: str) -> None:
    damage(Path("artifacts/features/squares_box") / file, how)
    with pytest.raises(UserError, match=f"^[^\n]*{file}[^\n]*coverseek features --task squares_box$"):
        reference.load(task("box"))


def test_weights_of_another_judge_are_refused(kept: dict[str, Fitted]) -> None:
    path = Path("artifacts/features/squares_box/judge-box.safetensors")
    path.write_bytes(weights(fitted("box", steps=4)))
    with pytest.raises(UserError, match=f"is not {kept['box'].id}"):
        reference.load(task("box"))


def test_a_judge_that_was_never_fitted_is_missed(kept: dict[str, Fitted]) -> None:
    Path("artifacts/features/squares_box").rename("artifacts/features/squares_class")
    with pytest.raises(UserError, match=r"has no judge of class; .*coverseek features --task squares_class"):
        reference.load(task("class"))


def test_stacked_channels_are_read_by_one_classifier_each_by_itself() -> None:
    """What a channel shows does not depend on the others: dealt out anew, the answers are."""
    made = stacked_digits(Sizes(600, 5, 60), 0)
    of = Task("stacked", made.event, factors=made.factors)
    x, values = (
        made.event.value(torch.from_numpy(made.splits["train"].x)), torch.from_numpy(made.splits["train"].factors)
    )  # fmt: skip
    judge = fit("factors", "stacked", of, train=(x, values), test=(x[:60], values[:60]), steps=30)
    assert isinstance(judge, Channels)
    assert 0.5 < judge.test < 1
    assert torch.equal(judge.answer(x[:60, [2, 0, 1]]), judge.answer(x[:60])[:, [2, 0, 1]])
