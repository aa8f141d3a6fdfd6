"""Layers and condition encoders that several families use: no loss, no sampling, no probability."""
