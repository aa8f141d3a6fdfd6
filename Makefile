# `make benchmark` runs the default benchmark, `make test` all tests, and `make check` the fast ones. All three work in
# .venv, which they make first. `dvc repro` does what `make benchmark` does, one stage at a time, in an active environment
# (. .venv/bin/activate), because DVC looks for the command `coverseek` on the PATH.

PYTHON ?= python3
JOBS ?= $(shell $(PYTHON) -c 'import os; print(os.cpu_count())')
PYTEST = OMP_NUM_THREADS=1 .venv/bin/python -m pytest -q -n $(JOBS)

.PHONY: benchmark check lint test

benchmark: .venv/.installed
	.venv/bin/coverseek run -j $(JOBS)

test: lint
	$(PYTEST)

check: lint
	$(PYTEST) -m "not slow"

lint: .venv/.installed
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports

# The locked packages, each verified by its hash, then this one.
.venv/.installed: requirements.lock
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Coverseek needs Python 3.11 or later, and $(PYTHON) is " + sys.version.split()[0] + ". Name another: make PYTHON=python3.12 $(MAKECMDGOALS)")'
	$(PYTHON) -m venv .venv
	@echo "Installing the locked packages into .venv: some minutes, once."
	.venv/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	.venv/bin/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
