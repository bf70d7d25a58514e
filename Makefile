# Everything a person or CI runs. `make` alone says what there is.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
# On two cores as on eight: a worker mostly waits for the servers that it started.
WORKERS ?= 4
# Passed on to pytest, such as ARGS="tests/catalog -k allow_list".
ARGS ?=

BIN := .venv/bin
READY := .venv/.ready
LOCKS := requirements.lock requirements-dev.lock requirements-bootstrap.lock
export UV_PYTHON_DOWNLOADS := never
# What the machine trusts, uv trusts as well: a company's own authority may stand in between.
ifneq ($(wildcard /etc/ssl/certs/ca-certificates.crt),)
export UV_SYSTEM_CERTS ?= true
endif

.PHONY: help setup demo test check lint types drift fmt docs lock clean

help: ## Say what there is to make
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' Makefile

setup: $(READY) ## Install everything that the locks pin into .venv

$(READY): $(LOCKS) pyproject.toml scripts/environment.py scripts/bytecode.py
	@$(PYTHON) -I scripts/environment.py
	@touch $@

demo: $(READY) ## See the whole platform come up on this machine
	@$(BIN)/patchworks demo --move

test: $(READY) ## Run every test; ARGS= goes to pytest
	@$(BIN)/pytest -n $(WORKERS) --dist loadfile $(ARGS)

check: lint types drift test ## What CI runs: lint, types, drift of generated files, tests

lint: $(READY) ## Lint, and check the format
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check

types: $(READY) ## Check the types
	@$(BIN)/mypy

drift: $(READY) ## Check that locks, schemas, reference and picture are fresh
	@.ci/locks --check
	@$(BIN)/python -m catalog.schemas --check
	@$(BIN)/python -m database_moves.schemas --check
	@$(BIN)/python -m planning.schemas --check
	@$(BIN)/python -m scripts.plan_example --check
	@$(BIN)/python -m scripts.reference --check
	@$(BIN)/python -m scripts.code_owners --check

fmt: $(READY) ## Format the code and mend what the linter can
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

docs: $(READY) ## Write schemas, reference and picture anew from the code
	@$(BIN)/python -m catalog.schemas
	@$(BIN)/python -m database_moves.schemas
	@$(BIN)/python -m planning.schemas
	@$(BIN)/python -m scripts.plan_example
	@$(BIN)/python -m scripts.reference
	@$(BIN)/python -m scripts.code_owners
	@$(BIN)/python tests/stacks/settings_document.py

lock: $(READY) ## Write the lock files anew from pyproject.toml; UPGRADE=1 takes newer versions
	@.ci/locks $(if $(UPGRADE),--upgrade)

clean: ## Stop the local cloud and remove all that was made here
	@if [ -x $(BIN)/patchworks ]; then $(BIN)/patchworks local stop; fi
	@rm -rf .venv .patchworks .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
