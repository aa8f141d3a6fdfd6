"""Probability distributions and invertible maps that several families use."""
