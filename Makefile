# Everything a person needs, on a machine with Python 3.11 to 3.13 and make:
#   make run     the lab            make test    the tests           make check   lint, types, imports
#   make bench   what is measured   make assets  the bundled demo    make clean   back to a fresh checkout

PYTHON ?= python3
VENV ?= .venv
ARGS ?=

# The tests start hundreds of processes, and most import PyTorch, some TensorFlow: read from source, which is what every
# one of them does where this is set (as in many a container), that takes twice as long.
unexport PYTHONDONTWRITEBYTECODE

ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
else
BIN := $(VENV)/bin
endif
PY := $(BIN)/python

# A stamp stands for "installed as pyproject.toml says": nothing is installed again until that file changes.
APP := $(VENV)/.installed-app
DEV := $(VENV)/.installed-dev

.DEFAULT_GOAL := help
.PHONY: help run test check format bench screenshots assets demo-vectors clean

help:
	@sed -n '2,4p' Makefile | cut -c3-

$(VENV)/pyvenv.cfg:
	@$(PYTHON) -c "import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))" || { \
		echo "LLM Lab needs Python 3.11 to 3.13, and $(PYTHON) is: $$($(PYTHON) --version 2>&1)"; \
		echo "name another one: make $(MAKECMDGOALS) PYTHON=python3.13"; exit 2; }
	$(PYTHON) -m venv $(VENV)

# The lab alone: what `make run` needs, and no more.
$(APP): pyproject.toml | $(VENV)/pyvenv.cfg
	@echo "setting up $(VENV), once; this fetches PyTorch and takes a minute or more"
	$(PY) -m pip install --quiet --disable-pip-version-check --editable .
	@touch $(APP)

# With the tools of the tests and checks; most of what TensorFlow and transformers bring is never imported, so it is not
# compiled ahead: that would take a minute.
$(DEV): pyproject.toml | $(VENV)/pyvenv.cfg
	@echo "setting up $(VENV) with the tools of the tests, once; this takes a minute or more"
	$(PY) -m pip install --quiet --disable-pip-version-check --no-compile --editable ".[dev]"
	@touch $(APP) $(DEV)

run: $(APP)
	@$(PY) -m lab $(ARGS)

# Three processes, also on two cores: a file's tests together, and what tests of screens do is mostly waiting. The files
# are dealt out in their own order: by the number of tests, README's few minutes would come last, with two hands idle.
test: $(DEV)
	$(PY) -m pytest -n 3 --dist loadfile --no-loadscope-reorder $(ARGS)

check: $(DEV)
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(BIN)/lint-imports

format: $(DEV)
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

bench: $(DEV)
	$(PY) -m tests.bench $(ARGS)

screenshots: $(DEV)
	$(PY) -m tests.screenshots $(ARGS)

assets: $(APP)
	$(PY) -m core.training.demo $(ARGS)
	@$(MAKE) demo-vectors ARGS=

# The demo vectors alone: seconds, where the demo run takes minutes.
demo-vectors: $(APP)
	$(PY) -m core.vectors.teaching $(ARGS)

clean:
	rm -rf $(VENV) .bench build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find core screens lab tests -name __pycache__ -type d -prune -exec rm -rf {} +
