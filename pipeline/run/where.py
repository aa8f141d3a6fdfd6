"""Which place `coverseek run` uses, as its options say."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from pipeline.params import Params
from pipeline.run.place import Place


class Where(NamedTuple):
    """Where steps run: `jobs` at a time, on this machine or on a Ray cluster."""

    jobs: int | None = None
    """None: one on this machine, as many as there are CPUs for on a cluster."""
    ray: bool = False
    trust_network: bool = False
    """Whether a cluster may be used that asks for no token."""

    def place(self, settings: Params, cache: Path) -> Place:
        """Raises `UserError` where the cluster cannot be used."""
        if self.ray:
            from pipeline.run.cluster.config import ClusterConfig
            from pipeline.run.cluster.ray_cluster import RayCluster

            return RayCluster(ClusterConfig.load(settings), cache, self.jobs, self.trust_network)
        from pipeline.run.this_machine import ThisMachine

        return ThisMachine(self.jobs or 1)
