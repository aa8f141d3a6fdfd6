"""Coverseek: every family of deep generative models under one protocol.

Data flows one way: prepare, features, train, evaluate, report, publish.
Read `pipeline/contract.py` first.
"""

__version__ = "0.1.0"
