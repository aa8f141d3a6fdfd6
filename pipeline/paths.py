"""Where every artifact lives: the only place with file names. Paths are relative to the repository's root.

artifacts/  tracked by DVC, not by git: what a task or a cell has: data, features, weights, metrics, samples, wall times
plan/       tracked by git, generated from params.yaml: the cells and their parameters, as dvc.yaml reads them
reports/    tracked by git: tables, claims, figures, the page
logs/       tracked by neither: one log for each cell of the last run
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

PARAMS = Path("params.yaml")
PIPELINE = Path("dvc.yaml")
LOCK = Path("dvc.lock")
CELLS = Path("plan/cells.json")
PARAMETERS = Path("plan/parameters.json")
REQUIREMENTS = Path("requirements.lock")
TRACKING = Path("mlflow.db")
MODELS = Path("docs/models.md")

RESULTS = Path("reports/results.csv")
DVC_METRICS = Path("reports/metrics")
"""The metrics files of DVC, one for each model on each task: `dvc metrics show` makes a row of each file."""
VERIFIED = Path("reports/verified.json")
LEADERBOARD_CSV = Path("reports/leaderboard.csv")
LEADERBOARD_MD = Path("reports/leaderboard.md")
FIGURES = Path("reports/figures")
LOGS = Path("logs")
LIVE_CURVES = LOGS / "curves"
STAMP = Path("artifacts/.fresh.json")


class Cell(NamedTuple):
    """One entry of the benchmark's grid: a model trained on a task from a seed."""

    task: str
    model: str
    seed: int

    @property
    def key(self) -> str:
        return f"{self.task}-{self.model}-{self.seed}"


def prepared(task: str) -> Path:
    """train.npz, validation.npz, test.npz (x, c), an npy such as train-x.npy of each large array, and manifest.json."""
    return Path("artifacts/prepared") / task


def features(task: str) -> Path:
    """extractor.safetensors, extractor.json, judge-<kind>.safetensors and reference.npz (train, validation, test); of a
    second extractor second.safetensors and second.npz."""
    return Path("artifacts/features") / task


def trained(cell: Cell) -> Path:
    """model.json (status, task, recipe, hyper-parameters, sha256 of the weights), weights.safetensors and curve.csv."""
    return Path("artifacts/train") / cell.key


def samples(cell: Cell) -> Path:
    """npz: x (N, *event) as levels (uint8) or points (float32), and c; of a model with a likelihood log_p (T,) of the
    test items."""
    return Path("artifacts/samples") / f"{cell.key}.npz"


def times(stage: str, cell: Cell) -> Path:
    """json: wall-clock seconds and the hardware. Information: it differs from run to run."""
    return Path("artifacts/times") / stage / f"{cell.key}.json"


def curve(cell: Cell) -> Path:
    """csv: step,player,part,value while training."""
    return trained(cell) / "curve.csv"


def resume_points(cell: Cell) -> Path:
    """Folders <step>: the state of a training that goes on; no output of a step, removed when it ends."""
    return Path("artifacts/resume") / cell.key


def evaluation_chunks(cell: Cell) -> Path:
    """<number>.safetensors: chunks of an evaluation that goes on; no output of a step, removed when it ends."""
    return Path("artifacts/resume/evaluate") / cell.key


def live_curve(cell: Cell) -> Path:
    """jsonl: the curve of a training that is going on, or of the last one."""
    return LIVE_CURVES / f"{cell.key}.jsonl"


def metrics(cell: Cell) -> Path:
    """json: status and one entry for each metric that applies."""
    return Path("artifacts/metrics") / f"{cell.key}.json"


def sweep(cell: Cell) -> Path:
    """json: the model at each setting of its knob."""
    return Path("artifacts/sweeps") / f"{cell.key}.json"


def figure(suite: str, task: str, picture: str) -> Path:
    """png: `samples`, `plane` or `curves` of a task."""
    return FIGURES / f"{suite}-{task}-{picture}.png"


def series_figure(suite: str) -> Path:
    """png: the conditioning series of a suite."""
    return FIGURES / f"{suite}-series.png"


def log(stage: str, name: str) -> Path:
    return LOGS / f"{stage}-{name}.log"
