# The project's commands. `make help` lists them; every one sets up first what it needs, and a second run needs no network.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
.NOTPARALLEL:
export PATH := $(PATH):/usr/sbin:/sbin # Debian's tor and ip are there

BIN := .venv/bin
INSTALLED := .venv/.installed
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
# --no-emit-…: a lock file names versions and hashes, never the place they came from
COMPILE := $(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host
PYTEST := $(BIN)/python -m pytest
# how many processes run the tests of `make test`: one a core, at most eight; `make test WORKERS=0` runs them one after another
WORKERS ?= logical

.PHONY: help
help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile

.PHONY: setup
setup: system-tor $(INSTALLED) ## the virtual environment from the hashed lock file, and tor

.PHONY: demo
demo: setup ## the whole main job on a private Tor network, in about a minute
	$(BIN)/torwatch demo

.PHONY: test
test: setup system-browser system-network ## every test: unit, integration, real tor, browser; with branch coverage, on every core
	$(PYTEST) --cov --numprocesses $(WORKERS) --maxprocesses 8 --dist loadfile --no-loadscope-reorder

.PHONY: check
check: setup lint test ## the gate: format, lint, types, imports, tests, documents

.PHONY: lint
lint: $(INSTALLED) ## format, lint, types and imports, without the tests
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

.PHONY: soak
soak: setup ## the tests that are too slow for every run
	TORWATCH_SOAK=1 HYPOTHESIS_PROFILE=soak $(PYTEST) -m soak --timeout 3600

.PHONY: bench
bench: setup ## the measurements: speed, growth, and the score against the saved pages
	$(PYTEST) tests/bench -m "not soak" --override-ini "python_files=bench_*.py" --override-ini "python_functions=bench_*" --timeout 3600 --no-header -q -s

.PHONY: accuracy
accuracy: $(INSTALLED) ## estimate, interval and truth side by side on simulated markets, 200 seeds each
	$(BIN)/python tests/bench/accuracy.py

.PHONY: fmt
fmt: $(INSTALLED) ## format and mend what can be mended
	$(BIN)/ruff check --quiet --fix --exit-zero .
	$(BIN)/ruff format --quiet .

.PHONY: docs
docs: $(INSTALLED) ## write docs/cli.md, configuration.md, schema.md and config.example.toml from the program
	$(BIN)/python -m torwatch.cli.reference docs
	$(BIN)/torwatch config init --force config.example.toml

.PHONY: faults
faults: setup ## write the tables of provoked faults in docs/operations.md, from the tests that provoke them
	TORWATCH_WRITE_FAULTS=1 TORWATCH_SOAK=1 $(PYTEST) -q $$(grep -rlE --include='test_*.py' '(provoked|record_fault|record_attack)\(' tests)

.PHONY: audit
audit: ## ask the public advisory databases about every locked version (skipped without network)
	@tools/audit-lock

# One lock for Python 3.11 to 3.13: made on the oldest, so that every version in it supports all three.
.PHONY: lock
lock: ## make the lock files anew, with the newest versions (needs Python 3.11 and the network)
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' \
		|| { echo 'make lock needs a .venv of Python 3.11 with pip-tools: make clean; make setup PYTHON=python3.11 before pyproject.toml is changed' >&2; exit 1; }
	$(COMPILE) --upgrade --all-extras --output-file requirements/dev.txt pyproject.toml requirements/build.in
	$(COMPILE) --upgrade --extra datasette --extra analysis --extra alerts --extra metrics --constraint requirements/dev.txt --output-file requirements/runtime.txt pyproject.toml requirements/build.in
	$(COMPILE) --upgrade --constraint requirements/dev.txt --output-file requirements/build.txt requirements/build.in
	$(COMPILE) --upgrade --output-file requirements/bench.txt requirements/bench.in

.PHONY: clean
clean: ## remove the virtual environment and everything that was made
	rm -rf .venv .venv-bench build dist htmlcov .coverage .coverage.* .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache demo-data
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --no-deps: what the lock file does not hold is not installed; `pip check` then says whether something is missing.
# --no-build-isolation: what comes as source is built with the locked tools, installed first.
$(INSTALLED): requirements/dev.txt requirements/build.txt pyproject.toml tools/make-venv
	@echo 'Setting up .venv from requirements/dev.txt (once; a minute or two)' >&2
	@tools/make-venv .venv
	@$(PIP) install --quiet --require-hashes --requirement requirements/build.txt
	@$(PIP) install --quiet --require-hashes --no-build-isolation --requirement requirements/dev.txt
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@$(PIP) check --quiet
	@touch $@

.PHONY: system-tor
system-tor:
	@tools/system-packages tor

.PHONY: system-browser
system-browser:
	@tools/system-packages --optional chromium

# what the test that nothing leaves past tor watches with
.PHONY: system-network
system-network:
	@tools/system-packages --optional iproute2 nftables strace
