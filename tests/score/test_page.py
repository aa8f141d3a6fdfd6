"""docs/score.md is followed to the letter: its Python is run, then its commands, from top to bottom."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pytest

from pipeline import cli, paths
from pipeline.data import export

PAGE = (Path(__file__).parents[2] / "docs/score.md").read_text()
BLOCKS = re.findall(r"```(python|sh)\n(.*?)```", PAGE, re.DOTALL)


def _given() -> dict[str, object]:
    """What the page takes for granted: the files of a user, and the model that made them."""
    rng = np.random.default_rng(0)
    levels = rng.integers(0, 17, (300, 1, 8, 8), dtype=np.uint8)
    np.save("tanh.npy", levels.astype(np.float32) / 8 - 1)
    np.save("levels.npy", levels)
    np.save("continuous.npy", rng.uniform(size=levels.shape).astype(np.float32))
    np.save("points.npy", rng.normal(size=(2500, 2)).astype(np.float32))
    Path("nll.csv").write_text("bits_per_dim\n" + "2.5\n" * 40)
    Path("paper.csv").write_text("metric,value\nbits_per_dim,1.9\n")

    def sample(c: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
        return export.eight_bits(rng.integers(0, 17, (len(c), 1, 8, 8)), 17)

    return {"images": export.eight_bits(levels[:250], 17), "sample": sample}


@pytest.mark.slow
def test_every_command_of_the_page_does_what_it_says(workspace: Path) -> None:
    names = _given()
    for stage in ("train", "evaluate"):
        _run(f"coverseek {stage} --task digits --model pixelcnn")
    for language, block in BLOCKS:
        if language == "python":
            exec(block, names)
        else:
            for line in block.strip().splitlines():
                _run(line)
    kept = {path.name for path in Path("reports/scored").glob("*.json")}
    assert kept == {
        "digits.tanh.json", "digits.levels.json", "digits.continuous_rounded.json", "ring.points.json",
        "digits_class.conditional.json", "digits.pixelcnn_drawn_again.json", "digits.likelihood_only.json",
        "digits.paper.json",
    }  # fmt: skip
    assert "pixelcnn_drawn_again" in paths.LEADERBOARD_MD.read_text()


def _run(line: str) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main(shlex.split(line)[1:])
    assert end.value.code == 0, line
