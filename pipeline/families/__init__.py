"""Probability: a folder for each family of generative models, imported by name and only when it is asked for."""

from pipeline.families.registry import build, check

__all__ = ["build", "check"]
