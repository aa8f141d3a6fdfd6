"""What the contract promises, as laws that can be put to any model, dataset or extractor, ours or another package's.

problem        toy tasks: each kind of event under each kind of condition
law            what a law is, and what it says when it is broken
subject        a recipe on a toy task: what the laws of models are put to
sampling       laws of every sampler
training       laws of players
likelihood     laws of those that know a likelihood or a bound
normalisation  laws of those whose probabilities add up to one
conditioning   laws of those that are told a condition
source         a dataset's function: what the laws of datasets are put to
arrays         laws of what each split of a dataset holds
splits         laws of how its splits are drawn
models         all laws of models
datasets       all laws of datasets
extractors     all laws of an extractor's function
inspection     every law on every problem: kept, broken (and what is wrong), or not served

The idea is scikit-learn's `check_estimator`.
"""
