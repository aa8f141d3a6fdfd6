"""Seeding: the same seed gives the same bytes on the same device."""

from __future__ import annotations

import os
import random

import numpy as np
import torch

CUBLAS_WORKSPACE = ":4096:8"
"""Workspaces of fixed size, without which cuBLAS is not deterministic; read when CUDA starts."""


def seed(number: int, threads: int = 1) -> None:
    """Seed all generators, use deterministic algorithms in full precision, and fix the number of threads, which sums
    depend on."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", CUBLAS_WORKSPACE)
    random.seed(number)
    np.random.seed(number)  # libraries draw from the global generator
    torch.manual_seed(number)
    torch.use_deterministic_algorithms(True)
    full_precision()
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)  # denormals of a saturated network are a hundred times slower


def full_precision() -> None:
    """Matrix products and convolutions of float32 have float32's precision, also on CUDA."""
    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.allow_tf32 = False
