"""Generative models: a folder for each family, imported by name when a model of it is used."""

from pipeline.families.registry import build, check

__all__ = ["build", "check"]
