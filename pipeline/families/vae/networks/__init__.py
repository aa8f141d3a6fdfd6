"""Encoders, decoders and priors of variational autoencoders."""
