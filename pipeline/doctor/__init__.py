"""Checks of everything that a run needs; each fault comes with what to do. Imports neither torch nor mlflow: seconds.

finding         one line of the report
installation    python and packages, against requirements.lock
configuration   params.yaml, dvc.yaml, dvc.lock
lock_recovery   a dvc.lock that a killed process left incomplete is restored
artifacts       prepared data, features and weights, against the hashes in their manifests
surroundings    git, the MLflow store, disk, cores
"""
