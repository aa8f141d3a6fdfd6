"""What a reader may rely on when looking at a conditioning series."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pipeline import files, paths
from pipeline.claims.richer_conditions import verdict
from pipeline.claims.rule import ONE_SEED
from pipeline.errors import UserError
from pipeline.params import load
from pipeline.paths import Cell
from pipeline.results.conditioning import ModelSeries, conditioning_series, paired
from pipeline.results.outcomes import read
from pipeline.stages.report import main

if TYPE_CHECKING:
    from tests.report.conftest import SeriesTree

LABELS = ("none", "class", "grayscale")
CLASSES, DIMS = 3, 3 * 8 * 8
values = st.floats(-9, 9).map(lambda value: round(value, 6))


def model_series(*bits: list[float], missing: tuple[str, ...] = ()) -> ModelSeries:
    """A model whose bits/dim at each level are these, seed by seed."""
    levels = tuple(dict(enumerate(level)) for level in bits)
    return ModelSeries("toy", "flow", "exact", levels, ({},) * len(bits), ({},) * len(bits), missing)


@given(st.dictionaries(st.integers(0, 9), values, min_size=2), values)
def test_a_difference_is_paired_over_the_seeds_that_both_have(before: dict[int, float], drop: float) -> None:
    after = {seed: value - drop for seed, value in before.items()} | {99: 5.0}
    found = paired(before, after, scale=2.0)
    assert found is not None
    assert found.n == len(before)
    assert (found.low, found.high) == pytest.approx((2 * drop, 2 * drop), abs=1e-6)


def test_without_a_seed_in_common_there_is_no_difference() -> None:
    assert paired({0: 1.0}, {1: 1.0}) is None


def test_supported_needs_each_drop_to_be_surely_above_zero() -> None:
    assert verdict(model_series([3.0, 4.0], [2.9, 3.899], [1.0, 1.998]), LABELS) == ("supported", "")
    word, reason = verdict(model_series([3.0, 4.0], [2.9, 4.1], [1.0, 1.999]), LABELS)
    assert word == "undecided"
    assert reason.startswith("drop from none to class: 0.0000 [-1.27")


def test_one_drop_that_is_surely_below_zero_contradicts_at_bonferronis_level() -> None:
    rises = [0.10, 0.12, 0.11]
    bits = [[3.0] * 3, [3.0 + rise for rise in rises], [1.0] * 3]
    word, reason = verdict(model_series(*bits), LABELS)
    low, high = stats.t.interval(1 - 0.05 / 2, 2, loc=-np.mean(rises), scale=stats.sem(rises))
    assert (word, reason) == ("contradicted", f"drop from none to class: -0.1100 [{low:.4f}, {high:.4f}]")
    assert verdict(model_series(*bits[:2]), LABELS[:2]).word == "contradicted"


def test_what_only_the_uncorrected_level_would_contradict_is_undecided() -> None:
    rises = [0.05, 0.12, 0.10]
    assert stats.t.interval(0.95, 2, loc=np.mean(rises), scale=stats.sem(rises))[0] > 0
    assert verdict(model_series([3.0] * 3, [3.0 + r for r in rises], [1.0] * 3), LABELS).word == "undecided"


@pytest.mark.parametrize(
    ("bits", "order"),
    [(([3.0], [2.0], [1.0]), "falls at each level"), (([3.0], [3.1], [1.0]), "does not fall from none to class")],
)
def test_one_seed_is_never_a_verdict(bits: tuple[list[float], ...], order: str) -> None:
    assert verdict(model_series(*bits), LABELS) == ("undecided", f"{ONE_SEED}; bits/dim {order}")


def test_a_seed_without_numbers_leaves_it_undecided() -> None:
    lost = model_series([3.0, 4.0], [2.9, 3.9], [1.0, 2.0], missing=("boxes: 1 of 3 seeds diverged",))
    assert verdict(lost, LABELS) == ("undecided", "boxes: 1 of 3 seeds diverged")


def test_a_level_that_a_model_does_not_have_is_skipped() -> None:
    assert verdict(model_series([3.0, 4.0], [], [1.0, 2.1]), LABELS).word == "supported"


def test_the_page_shows_bits_drops_and_verdict_of_every_level(series: SeriesTree) -> None:
    main()
    shown = series.section()
    head = next(line for line in shown.splitlines() if "verdict" in line)
    assert [cell.strip() for cell in head.strip("|").split("|")] == [
        "model", "family", "kind", "none", "class", "box", "segmentation", "grayscale", "verdict",
    ]  # fmt: skip
    assert "supported for pixelcnn, glow." in shown
    assert "| ≤ (ELBO) |" in shown
    assert "an estimate of I(x; c), not a bound: both sides are cross-entropies" in " ".join(shown.split())
    assert "gan" not in shown
    assert "real" not in shown


def test_a_drop_is_in_bits_per_image_and_its_interval_is_paired(series: SeriesTree) -> None:
    main()
    drops = [0.4 - 4e-4 * seed for seed in range(3)]
    low, high = stats.t.interval(0.95, 2, loc=np.mean(drops), scale=stats.sem(drops))
    image = f"{DIMS * np.mean(drops):.1f} ± {DIMS * (high - low) / 2:.1f}"
    assert f"{image} ({np.mean(drops):.4f} ± {(high - low) / 2:.4f}) |" in series.section()


def test_a_diverged_seed_is_named(series: SeriesTree) -> None:
    series.diverged("boxes", "glow", 1, step=7, player="model")
    main()
    assert "undecided for glow (boxes: 1 of 3 seeds diverged)" in series.section()


def test_a_task_that_has_not_run_is_no_level_and_leaves_all_undecided(series: SeriesTree) -> None:
    for model in ("pixelcnn", "glow", "gan", "real"):
        for seed in range(3):
            series.forget("boxes", model, seed)
    main()
    assert "| box |" not in series.section()
    assert "pixelcnn (boxes: 3 of 3 seeds not measured)" in series.section()


def test_a_series_of_one_level_is_not_shown(series: SeriesTree) -> None:
    text = paths.PARAMS.read_text()
    paths.PARAMS.write_text(text.replace("conditioning: [plain, greys]}", "conditioning: [plain]}"))
    main()
    assert series.pages().count("### The conditioning series") == 1


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_levels_of_different_images_are_refused(series: SeriesTree, split: str) -> None:
    files.write_npz(paths.prepared("greys") / f"{split}.npz", {"x": series.pictures(40) // 2, "c": series.c("greys")})
    with pytest.raises(UserError, match=rf"suites\.ends\.conditioning: plain and greys hold different {split} images"):
        main()
    assert not paths.LEADERBOARD_MD.exists()


def test_one_seed_has_no_interval(series: SeriesTree) -> None:
    paths.PARAMS.write_text(paths.PARAMS.read_text().replace("seeds: [0, 1, 2]", "seeds: [0]"))
    main()
    shown = series.section()
    assert "±" not in shown
    assert f"undecided for pixelcnn ({ONE_SEED}; bits/dim falls at each level)" in shown


def test_references_are_in_results_and_in_a_sentence_and_nowhere_else(series: SeriesTree) -> None:
    main()
    names = {row["metric"] for row in series.rows(paths.RESULTS)}
    assert {"box_iou", "box_iou_ceiling", "box_iou_floor", "conditional_diversity_real"} <= names
    board = series.rows(paths.LEADERBOARD_CSV)[0].keys()
    assert "box_iou_mean" in board
    assert not [key for key in board if "_ceiling" in key or "_floor" in key or "_real" in key]
    page = series.pages()
    assert "Box IoU of real images with their own condition: 0.900; with shuffled ones: 0.300." in page
    assert "Conditional diversity of real images that share a condition: 1.75." in page


def test_a_class_explains_at_most_its_entropy_and_the_page_says_so(series: SeriesTree) -> None:
    main()
    entropy = stats.entropy(np.bincount(series.c("classes")), base=2)
    assert entropy < np.log2(CLASSES)  # the classes are not alike in number
    assert f"class has an entropy of {entropy:.1f} bits per image" in " ".join(series.section().split())


def test_real_is_a_ceiling_only_where_images_share_a_condition(series: SeriesTree) -> None:
    main()
    tasks = dict(part.split("\n", 1) for part in series.pages().split("### ")[1:])
    assert "*ceiling: held-out data*" in tasks["classes"]
    for task in ("boxes", "maps"):
        assert "*held-out item of the nearest condition*" in tasks[task]
        assert "ceiling: held-out" not in tasks[task]


def test_a_task_without_a_condition_has_no_column_for_one(series: SeriesTree) -> None:
    main()
    plain = series.pages().split("### plain\n")[1].split("### ")[0]
    assert "conditional diversity" not in plain
    assert "real images with their own condition" not in plain


def test_an_obedience_between_floor_and_ceiling_is_a_share_whatever_its_direction(series: SeriesTree) -> None:
    _, found = conditioning_series(load(), read(load()))
    glow = next(one for one in found.models if one.model == "glow")
    assert glow.obedience[0] == {}
    assert [seeds[0] for seeds in glow.obedience[1:]] == pytest.approx([0.6] * 4)  # luma error falls to its ceiling
    assert found.real == (None, 1.75, None, None, None)


def test_the_series_and_the_conditions_are_drawn(painted_series: SeriesTree) -> None:
    main()
    names = {p.name for p in paths.FIGURES.iterdir() if "series" in p.name or "conditions" in p.name}
    sheets = {f"denser-{task}-conditions.png" for task in ("classes", "boxes", "maps", "greys")}
    assert names == sheets | {"ends-greys-conditions.png", "ends-series.png", "denser-series.png"}
    assert "![denser-series](../figures/denser-series.png)" in painted_series.section()


def test_answers_kept_by_none_are_not_drawn(painted_series: SeriesTree) -> None:
    for model in ("pixelcnn", "glow", "gan", "real"):
        for seed in range(3):
            files.write_npz(paths.samples(Cell("boxes", model, seed)), {"x": painted_series.pictures(64)})
    main()
    assert not (paths.FIGURES / "denser-boxes-conditions.png").exists()
    assert (paths.FIGURES / "denser-maps-conditions.png").exists()
