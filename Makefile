# Two commands do all the set-up on a fresh machine that has Python 3.11+ and make: `make demo` and `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: demo test slow lint check extras fuzz clean
.DEFAULT_GOAL := demo

$(VENV)/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "forecast needs Python 3.11 or newer; name one: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt torch
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: $(VENV)/installed  ## train on a sample, predict, plot, and say where to look
	@rm -rf demo_runs
	$(BIN)/forecast train sample_data/airline.csv --store demo_runs
	$(BIN)/forecast predict --store demo_runs
	$(BIN)/forecast plot --store demo_runs --output demo_runs
	@echo
	@echo "Look at demo_runs/predictions.png and demo_runs/loss.png. The trained run is in demo_runs/runs/."
	@echo "Next: $(BIN)/forecast train YOUR.csv"

# Tests run side by side: threads of one that wait for those of another would only take time.
test: $(VENV)/installed  ## all tests but the slow ones
	OMP_NUM_THREADS=1 $(BIN)/pytest -n auto --dist worksteal -m "not slow"

slow: $(VENV)/installed  ## the slow tests
	OMP_NUM_THREADS=1 $(BIN)/pytest -n auto --dist worksteal -m slow

lint: $(VENV)/installed  ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

check: lint  ## style, types, every test, and how much of the package the tests run
	OMP_NUM_THREADS=1 $(BIN)/pytest -n auto --dist worksteal --cov --cov-report term

extras: $(VENV)/installed  ## what Parquet files, Ray and tuning need; without it, their tests are skipped
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev,parquet,ray,tune]'

fuzz: $(VENV)/installed  ## files mutated at random, others in each run: does reading crash?
	OMP_NUM_THREADS=1 $(BIN)/pytest --hypothesis-profile=random tests/reading/test_kinds.py -k mutated

clean:
	rm -rf $(VENV) demo_runs build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage
