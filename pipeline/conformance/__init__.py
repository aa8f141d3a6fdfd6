"""Conformance: the promises of the contract as laws, which any model, dataset or extractor can be checked against.

law                 a law: a statement, whether it applies, and the function that checks it
toy_tasks           each kind of event with each kind of condition, and random batches
subject             a recipe on a toy task, to which the laws of models are applied
model_laws          sampling, training, likelihood and conditioning of models
normalization_laws  the probabilities of a model sum to one
dataset_laws        contents and splits of a dataset
extractor_laws      features, saving and identity of an extractor
inspection          every law on every toy task: passed, failed with a message, or not supported
resolve             from a name on the command line to recipes, datasets and extractors

The idea is scikit-learn's `check_estimator`.
"""
