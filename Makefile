# Set-up needs nothing but Python 3.11 or newer with venv and pip; every target makes its own environment in .venv.
# Another Python than python3: make TARGET PYTHON=python3.12
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LOCK := requirements.lock
RUN := runs/agent-migration/cgdm/demo
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint $(LOCK)
TEST = $(BIN)/python -m pytest --numprocesses 2 --dist worksteal --durations 10
OLD = Python 3.11 or newer is needed, and $(PYTHON) is not: choose another by PYTHON=python3.12, say
CHECK = import tomllib
STRANGE = .venv holds no Python 3.11 or newer with pip: "make clean" removes it

.PHONY: demo test test-slow test-all lint check format docs lock clean python

demo: $(VENV)/.demo
	@if [ -f $(RUN)/test.json ]; then \
	  $(BIN)/edgewise report $(RUN); \
	elif [ -f $(RUN)/config.yaml ]; then \
	  $(BIN)/edgewise train --resume $(RUN); \
	else \
	  $(BIN)/edgewise train agent-migration --steps 600000 --name demo; \
	fi
	@$(BIN)/edgewise evaluate $(RUN)
	@echo "open $(RUN)/report/index.html"

test: $(VENV)/.test
	$(TEST) -m "not slow"

test-slow: $(VENV)/.test
	$(TEST) -m slow

test-all: $(VENV)/.test
	$(TEST)

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
