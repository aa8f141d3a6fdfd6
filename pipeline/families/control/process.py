"""The true process of synthetic sequences as a control: no model scores better, up to sampling noise."""

from __future__ import annotations

from torch import Tensor

from pipeline.contract import Event
from pipeline.distributions import process as processes
from pipeline.families.control.density import Untrained
from pipeline.processes import Process


class ProcessOracle(Untrained):
    """A Gaussian autoregression or a hidden Markov model, on sequences (B, 1, T)."""

    def __init__(self, event: Event, process: Process) -> None:
        super().__init__()
        self.event, self.process = event, process

    def log_prob(self, x: Tensor, c: Tensor) -> Tensor:
        return processes.log_prob(self.process, self.event, x).float()

    def sample(self, c: Tensor) -> Tensor:
        return processes.sample(self.process, self.event, len(c), c.device)
