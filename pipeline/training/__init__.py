"""Time: the one training loop, and what goes with it."""
