"""Promises of the answer: it is made from the claims, of reports of any age, and the README has it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from pipeline import paths
from pipeline.claims import answer_md
from pipeline.claims.claim import Claim
from pipeline.claims.claims_md import CATALOGUE, JSON, judged, records
from pipeline.claims.contrast import Contrast, families
from pipeline.errors import UserError
from pipeline.results.table import Results
from pipeline.stages import readme
from pipeline.stages.readme import ANSWER, README

ROOT = Path(__file__).parents[2]
EMPTY = pd.DataFrame(columns=["task", "model", "family", "seed", "metric", "value"])


def found(*contrasts: Contrast, margin: float | None = 0.1) -> list[Any]:
    claim = Claim(answer_md.ASKED[0], "GANs seek.", "GANs seek", "m", ("a", "b"), lambda _: contrasts, margin=margin)
    return [claim, *records(judged(Results(pd.DataFrame()), [claim]))]


A, B = {"x": {0: 0.9}, "y": {0: 0.92}, "z": {0: 0.91}}, {"u": {0: 0.5}, "v": {0: 0.52}}


def test_a_sentence_has_verdict_number_interval_evidence_and_limits() -> None:
    claim, record = found(families("ring, m, a - b", A, B), Contrast("c", {0: 1.0, 1: 1.2}, blind="noise"))
    (sentence,) = answer_md.sentences([record], [claim])
    assert re.fullmatch(
        r"Supported: GANs seek; 0\.4 \[0\.3\d?, 0\.4\d?\] over 3 and 2 models, of ring, m, a - b; p = \S+; "
        r"1 contrast set aside, since a metric is blind\.",
        sentence,
    )
    assert answer_md.bullets([record], [claim]).startswith("- GANs seek: supported, 0.4 [")


def test_no_difference_names_its_bound_and_undecided_its_reason() -> None:
    same = Contrast("c", {0: 0.001, 1: -0.001, 2: 0.002, 3: 0.0})
    claim, record = found(same)
    assert answer_md.sentences([record], [claim])[0].startswith("No difference of 0.1: GANs seek; ")
    claim, record = found(Contrast("c", {0: 1.0, 1: -1.0, 2: 0.5}))
    assert answer_md.sentences([record], [claim])[0].startswith("Undecided (too few seeds): GANs seek; ")
    assert answer_md.unknown([record], [claim])[0].startswith("Whether GANs seek: the interval over seeds is too wide")


def test_the_answer_has_ten_sentences_and_says_what_is_not_known() -> None:
    assert len(set(answer_md.ASKED)) == 10
    assert set(answer_md.ASKED) <= {claim.id for claim in CATALOGUE}
    made = records(judged(Results(EMPTY)))
    text = answer_md.as_markdown(made, CATALOGUE)
    assert len(re.findall(r"^\d+\. ", text, re.MULTILINE)) == 10
    assert text.split("## What is not known\n")[1].count("\n- ") == len(CATALOGUE) + 2


def test_the_readme_has_the_answer_of_the_committed_claims() -> None:
    """Made by `coverseek report --readme`."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    block = text.split(f"{ANSWER[0]}\n")[1].split(f"\n{ANSWER[1]}")[0]
    assert block == answer_md.bullets(json.loads((ROOT / JSON).read_text(encoding="utf-8")), CATALOGUE)


def test_the_committed_answer_is_that_of_the_committed_claims() -> None:
    path = ROOT / answer_md.PATH
    made = json.loads((ROOT / JSON).read_text(encoding="utf-8"))
    if "reason" in made[0]:  # reports of older code have no answer
        assert path.read_text(encoding="utf-8") == answer_md.as_markdown(made, CATALOGUE)


def test_the_command_writes_between_the_markers_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    paths.RESULTS.parent.mkdir()
    JSON.write_text(json.dumps(records(judged(Results(EMPTY)))))
    heads = ["suite", "task", "role", "seeds", "status", *(f"frechet_{end}" for end in ("mean", "low", "high", "kind"))]
    row = [*readme.BOARD, "model", "5", "ok", "1.5", "1.2", "1.9", "estimate"]
    lines = (",".join(["model", "family", *heads]), ",".join(["flow", "flow", *row]))
    paths.LEADERBOARD_CSV.write_text("\n".join(lines) + "\n")
    table = "| model | family |\n|---|---|"
    old = f"{table}\n| flow | old |"
    README.write_text(f"before\n{marked(readme.RESULTS, old)}between\n{marked(ANSWER, 'old')}")
    readme.main()
    text = README.read_text()
    results = marked(readme.RESULTS, f"{table}\n| flow | flow | — | 1.50 [1.20, 1.90] | — | — | — |")
    assert text.startswith(f"before\n{results}between\n{ANSWER[0]}\n- ")
    assert text.endswith(f"{ANSWER[1]}\n")
    assert "old" not in text
    README.write_text(marked(readme.RESULTS, f"{table}\n| *noise* | old |"))
    with pytest.raises(UserError, match="shows noise, which suite images_seeds has not measured on digits"):
        readme.main()
    README.write_text("no markers")
    with pytest.raises(UserError, match="has no <!-- results -->"):
        readme.main()


def marked(markers: tuple[str, str], text: str) -> str:
    return f"{markers[0]}\n{text}\n{markers[1]}\n"
