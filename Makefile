# Everything runs from .venv, which is made from the hashes in requirements.lock: nothing else is needed
# but Python 3.11 or later. `make help` lists the targets.
PYTHON ?= python3
VENV   := .venv
STAMP  := $(VENV)/.installed
BIN    := $(VENV)/bin
ARGS   ?=

.PHONY: help setup demo test lint docs lock clean

help:            ## this list
	@grep -E '^[a-z]+: .*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(STAMP)  ## virtual environment with the locked dependencies

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Repot needs Python 3.11 or later; $(PYTHON) is older. Try: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 2; }
	@echo "Setting up $(VENV) (once, about half a minute) ..." >&2
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(STAMP)

demo: $(STAMP)   ## moves Dropskills V1 to V2 on an embedded PostgreSQL: make demo ARGS="--rows 20000"
	@$(BIN)/repot demo dropskills $(ARGS)

test: $(STAMP)   ## the whole test suite: make test ARGS="-k copy"
	@$(BIN)/python -m pytest -n 3 --dist worksteal $(ARGS)

lint: $(STAMP)   ## ruff, mypy --strict, import-linter
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

docs: $(STAMP)   ## checks that the CLI reference is the program's own and that no link is broken
	@$(BIN)/python scripts/check_docs.py

lock:            ## renews requirements.lock and the constraints for uv (needs uv)
	@$(PYTHON) scripts/lock.py

clean:           ## removes what `make` made
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis dist build
