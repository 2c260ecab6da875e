# Every target sets up what it needs; `make` alone lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.made-from-locks
# Added to pytest's arguments: make test ARGS="tests/storage -x"
ARGS ?=
# How many times more is tried: make fuzz FACTOR=50, make soak TIMES=20 (60 take about an hour)
FACTOR ?= 10
TIMES ?= 10
TYPED := $(wildcard src tests tools bench)

JS := tests/clients/js

.DEFAULT_GOAL := help
.PHONY: help venv js compiled demo test coverage fuzz soak check format bench lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

venv: $(STAMP) ## set up .venv from the hash-locked requirements

$(STAMP): requirements/dev.txt requirements/parts.txt pyproject.toml tools/check_python.py
	@$(PYTHON) tools/check_python.py
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements/parts.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

js: $(JS)/node_modules/.package-lock.json ## install the JavaScript client that tests drive

$(JS)/node_modules/.package-lock.json: $(STAMP) $(JS)/package-lock.json
	PATH="$(CURDIR)/$(BIN):$$PATH" npm ci --prefix $(JS) --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

# Tests start hundreds of processes. Where Python keeps no bytecode, each would compile all of it.
compiled: venv
	@$(BIN)/python -m compileall -q src

demo: venv ## start everything, show a pod reading its Secret and the file following a change
	@$(BIN)/python -m tools.demo

test: compiled ## the whole test suite, on four processes for two processors
	$(BIN)/python -m pytest -n 4 --dist worksteal $(ARGS)

coverage: compiled ## the same with branch coverage
	$(BIN)/python -m pytest -n 4 --dist worksteal --cov --cov-report=term $(ARGS)

fuzz: compiled ## random input in bulk, other input each time (FACTOR=10)
	STRONGROOM_FUZZ=$(FACTOR) $(BIN)/python -m pytest -n 2 --dist worksteal --timeout 7200 tests/fuzz $(ARGS)

soak: compiled ## writers, watchers and every fault, many times over (TIMES=10)
	STRONGROOM_SOAK=$(TIMES) $(BIN)/python -m pytest -n 2 --dist worksteal --timeout 7200 \
	  tests/faults tests/e2e/test_crash_server.py tests/storage/test_crash.py $(ARGS)

check: venv ## lint, formatting, types, import contracts, docs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(TYPED)
	$(BIN)/lint-imports
	$(BIN)/python -m tools.check_docs

format: venv ## apply the formatter and the safe lint fixes
	$(BIN)/ruff check --fix --quiet . || true
	$(BIN)/ruff format .

bench: venv ## the benchmarks: a table here, JSON under bench/out/
	$(BIN)/python -m bench $(ARGS)

lock: venv ## compile requirements/*.txt again from pyproject.toml and dev.in
	$(BIN)/python -m tools.lock

clean: ## remove .venv, caches and reports
	rm -rf $(VENV) build dist htmlcov bench/out .coverage .coverage.* $(JS)/node_modules \
	  .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find src tests tools -name __pycache__ -type d -prune -exec rm -rf {} +
