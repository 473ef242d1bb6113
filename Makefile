# Set-up needs nothing but Python 3.11 or newer with venv and pip; every target makes its own environment in .venv.
# Another Python than python3: make TARGET PYTHON=python3.12
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LOCK := requirements.lock
GENERAL := runs/demo/general
CGDM := runs/demo/cgdm
# A run that is there is gone on with, or left as it is when it has its test.
trained = if [ -f $(1)/test.json ]; then true; \
  elif [ -f $(1)/config.yaml ]; then $(BIN)/edgewise train --resume $(1) $(filter --no-report,$(2)); \
  else $(BIN)/edgewise train agent-migration --folder $(1) $(2); fi
# Nothing is compiled ahead: most of what is installed is never imported.
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --constraint $(LOCK)
TEST = $(BIN)/python -m pytest --numprocesses 2 --dist worksteal --durations 10
OLD = Python 3.11 or newer is needed, and $(PYTHON) is not: choose another by PYTHON=python3.12, say
CHECK = import tomllib
STRANGE = .venv holds no Python 3.11 or newer with pip: "make clean" removes it

.PHONY: demo test test-slow test-all lint check format docs lock clean python

demo: $(VENV)/.demo
	@$(call trained,$(GENERAL),--from general --steps 32768 --evaluations 4)
	@$(call trained,$(CGDM),--steps 65536 --evaluations 4 --no-report)
	@$(BIN)/edgewise compare $(GENERAL) $(CGDM) --with general --against random look-ahead far-sighted-look-ahead oracle \
	  --episodes 50 --figure runs/demo/comparison.png
	@echo "CGDM, a network of one size, is at the start of its way: it reaches 341 after a million slots (results/cgdm)"
	@echo "open $(GENERAL)/report/index.html"

test: $(VENV)/.test
	$(TEST) -m "not slow"
	$(TEST) -m exact $$(grep -l 'pytest\.mark\.exact' tests/*.py)

test-slow: $(VENV)/.test
	$(TEST) -m slow

test-all: test test-slow

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

check: lint test

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.docs
	$(BIN)/mkdocs build --strict

lock: python
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --extra dev --extra docs \
	  --no-emit-index-url --no-header --no-annotate --upgrade --output-file $(LOCK)

clean:
	rm -rf $(VENV) build dist site .pytest_cache .mypy_cache .ruff_cache .hypothesis .cache src/*.egg-info

python:
	@if [ -e $(VENV) ]; then \
	  $(BIN)/python -c '$(CHECK), pip' 2>/dev/null || { echo '$(STRANGE)'; exit 1; }; \
	else \
	  $(PYTHON) -c '$(CHECK)' 2>/dev/null || { echo '$(OLD)'; exit 1; }; \
	  $(PYTHON) -m venv $(VENV); \
	fi

$(VENV)/.demo: pyproject.toml $(LOCK) | python
	$(INSTALL) --editable .
	@touch $@

$(VENV)/.test: pyproject.toml $(LOCK) | python
	$(INSTALL) --editable ".[test]"
	@touch $@

$(VENV)/.dev: pyproject.toml $(LOCK) | python
	$(INSTALL) --editable ".[dev]"
	@touch $@

$(VENV)/.docs: pyproject.toml $(LOCK) | python
	$(INSTALL) --editable ".[docs]"
	@touch $@
