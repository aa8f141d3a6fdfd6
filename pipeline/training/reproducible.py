"""Seeding: the same seed gives the same bytes."""

from __future__ import annotations

import random

import numpy as np
import torch


def seed(number: int, threads: int = 1) -> None:
    """Seed all generators, use deterministic algorithms, and fix the number of threads, which sums depend on."""
    random.seed(number)
    np.random.seed(number)  # libraries draw from the global generator
    torch.manual_seed(number)
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)  # denormals of a saturated network are a hundred times slower
