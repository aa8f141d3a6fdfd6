"""How long the commands take, and how much memory: `python benchmarks/commands.py [--full] [--conditions]`.

Prints one row for each promise with its limit. `--full` runs the default benchmark from an empty cache in a fresh
clone (minutes); then runs it there a second time from an empty cache and compares both dvc.lock, times aside.
`--conditions` runs the five conditions of shapes there, without turning knobs (20 minutes).
"""

from __future__ import annotations

import argparse
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
import yaml

ROOT = Path(__file__).parents[1]
LADDER = ("colourisation", "extremes", "conditions")
COVERSEEK = Path(sys.executable).parent / "coverseek"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="also run everything, twice, in a fresh clone")
    parser.add_argument("--conditions", action="store_true", help="also run the five conditions of shapes")
    parser.add_argument("--jobs", default="2")
    options = parser.parse_args()
    row("coverseek --help", statistics.median(timed("--help", cwd=ROOT)[0] for _ in range(5)), "s", 0.3)
    for wanted, measure in ((options.full, full), (options.conditions, conditions)):
        if wanted:
            with tempfile.TemporaryDirectory() as folder:
                clone = Path(folder) / "clone"
                subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
                for measured in ("metrics", "sweeps"):  # numbers of another extractor would stop the report
                    shutil.rmtree(clone / "reports" / measured)
                    (clone / "reports" / measured).mkdir()
                measure(clone, options.jobs)


def conditions(clone: Path, jobs: str) -> None:
    params = clone / "params.yaml"
    params.write_text(re.sub(r"    sweep: .*\n", "", params.read_text(encoding="utf-8")), encoding="utf-8")
    graph = yaml.safe_load((clone / "dvc.yaml").read_text(encoding="utf-8"))
    graph["stages"] = {name: stage for name, stage in graph["stages"].items() if not name.startswith("sweep")}
    (clone / "dvc.yaml").write_text(yaml.safe_dump(graph, sort_keys=False), encoding="utf-8")
    seconds = [timed("run", "-j", jobs, "--suite", suite, cwd=clone)[0] for suite in LADDER]
    row(f"coverseek run -j {jobs} of {', '.join(LADDER)}, from nothing", sum(seconds), "s", 1200)


def full(clone: Path, jobs: str) -> None:
    seconds, peak = timed("run", "-j", jobs, cwd=clone)
    row(f"coverseek run -j {jobs}, from nothing", seconds, "s", 600)
    row("peak memory of any process (RSS)", peak / 1e9, "GB", 1.5)
    row("coverseek run again, nothing changed", timed("run", "-j", jobs, cwd=clone)[0], "s", 4)
    first = settled(clone / "dvc.lock")
    for name in ("artifacts", "mlruns", ".dvc/cache", ".dvc/tmp"):
        shutil.rmtree(clone / name, ignore_errors=True)
    timed("run", "-j", jobs, cwd=clone)
    second = settled(clone / "dvc.lock")
    differing = [key for key in first | second if first.get(key) != second.get(key)]
    row("entries of dvc.lock that differ after a second run from an empty cache", len(differing), "", 0)
    print(*(f"  {key}" for key in differing), sep="\n")


def timed(*words: str, cwd: Path) -> tuple[float, int]:
    """Seconds, and the largest resident memory of any one process below, sampled ten times a second."""
    start, peak = time.perf_counter(), 0
    process = psutil.Popen([COVERSEEK, *words], cwd=cwd, stdout=subprocess.DEVNULL)
    while process.poll() is None:
        peak = max(peak, largest(process))
        time.sleep(0.1 if time.perf_counter() - start > 1 else 0.01)
    if process.returncode:
        sys.exit(f"coverseek {' '.join(words)} ended with {process.returncode}")
    return time.perf_counter() - start, peak


def largest(process: psutil.Process) -> int:
    sizes = [0]
    for each in [process, *process.children(recursive=True)]:
        try:
            sizes.append(each.memory_info().rss)
        except psutil.Error:  # it ended meanwhile
            continue
    return max(sizes)


def settled(lock: Path) -> dict[str, Any]:
    """(stage, file) -> hash, without the wall times and the report that shows them."""
    stages = yaml.safe_load(lock.read_text(encoding="utf-8"))["stages"]
    entries = {
        f"{stage}: {entry['path']}": entry.get("md5")
        for stage, content in stages.items()
        for entry in [*content.get("deps", []), *content.get("outs", [])]
    }
    return {
        key: md5 for key, md5 in entries.items() if "artifacts/times" not in key and not key.startswith("report: rep")
    }


def row(name: str, value: float, unit: str, limit: float) -> None:
    print(f"{name:<75} {value:8.2f} {unit:<2}  <= {limit:g}  {'ok' if value <= limit else 'MISSED'}", flush=True)


if __name__ == "__main__":
    main()
