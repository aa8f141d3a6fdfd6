"""Causal networks: the parameters of a value depend only on the values before it."""
