"""The training loop, optimisers, batches, checkpoints and logs."""
