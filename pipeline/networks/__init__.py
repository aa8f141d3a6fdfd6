"""Shapes only: no loss, no sampling, no probability."""
