"""Print the verdicts before and after a change of the claims' rules, on the same numbers, for docs/rule-changes.md.

    python benchmarks/rule_changes.py [--revision HEAD]

Before: reports/claims.json of a revision, made by the code of its run. After: reports/results.csv of the same revision,
judged by the code of the work tree. Knob settings are not in results.csv, so that `knob` cannot be judged from it.
"""

from __future__ import annotations

import argparse
import io
import json
import subprocess

import pandas as pd

from pipeline import paths
from pipeline.claims.claims_md import JSON, judged, line, verdict
from pipeline.results.table import Results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--revision", default="HEAD", help="a commit that holds the reports")
    revision = parser.parse_args().revision
    before = {claim["id"]: claim["verdict"] for claim in json.loads(committed(revision, JSON.as_posix()))}
    text = committed(revision, paths.RESULTS.as_posix())
    frame = pd.read_csv(io.StringIO(text), keep_default_na=False, na_values=[""])
    print("| claim | before | after | p over all claims | contrast that decides |\n|---|---|---|---:|---|")
    for claim, found in judged(Results(frame).trained):
        one = found.weakest
        decisive = line(one.contrast, one.interval) if one and one.interval else ""
        p = "" if found.p_holm is None else f"{found.p_holm:.2g}"
        print(f"| `{claim.id}` | {before.get(claim.id, '')} | {verdict(found)} | {p} | {decisive} |")


def committed(revision: str, path: str) -> str:
    return subprocess.run(
        ["git", "show", f"{revision}:{path}"], capture_output=True, encoding="utf-8", check=True
    ).stdout


if __name__ == "__main__":
    main()
