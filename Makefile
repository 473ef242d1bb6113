# Set-up needs nothing but Python 3.11 or newer with venv and pip; every target makes its own environment in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LOCK := requirements.lock
RUN := runs/agent-migration/cgdm/demo
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint $(LOCK)

.PHONY: demo test check format docs lock clean

demo: $(VENV)/.demo
	@if [ -f $(RUN)/test.json ]; then \
	  $(BIN)/edgewise report $(RUN); \
	elif [ -f $(RUN)/config.yaml ]; then \
	  $(BIN)/edgewise train --resume $(RUN); \
	else \
	  $(BIN)/edgewise train agent-migration --name demo; \
	fi
	@$(BIN)/edgewise evaluate $(RUN)
	@echo "open $(RUN)/report/index.html"

test: $(VENV)/.test
	$(BIN)/python -m pytest --numprocesses 2

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest --numprocesses 2

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.docs
	$(BIN)/mkdocs build --strict

lock: $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --extra dev --extra docs \
	  --no-emit-index-url --no-header --no-annotate --upgrade --output-file $(LOCK)

clean:
	rm -rf $(VENV) build dist site .pytest_cache .mypy_cache .ruff_cache .hypothesis src/*.egg-info

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: pyproject.toml $(LOCK) | $(VENV)/bin/python
	$(INSTALL) --editable .
	@touch $@

$(VENV)/.test: pyproject.toml $(LOCK) | $(VENV)/bin/python
	$(INSTALL) --editable ".[test]"
	@touch $@

$(VENV)/.dev: pyproject.toml $(LOCK) | $(VENV)/bin/python
	$(INSTALL) --editable ".[dev]"
	@touch $@

$(VENV)/.docs: pyproject.toml $(LOCK) | $(VENV)/bin/python
	$(INSTALL) --editable ".[docs]"
	@touch $@
