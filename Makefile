# Everything lives in .venv; nothing needs root. `make help` lists what there is.
.DEFAULT_GOAL := help
.PHONY: help setup app test lint check bench bench-accuracy readme data train clean

# The first of these that runs. To choose another: make app PYTHON=/path/to/python3.12
PYTHON ?= $(shell for p in python3.11 python3.12 python3 python; do \
	$$p -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' 2>/dev/null \
	&& { echo $$p; break; }; done)
PORT ?= 8501
BIN := .venv/bin
APP_STAMP := .venv/.app-installed
DEV_STAMP := .venv/.dev-installed
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# Without a display, only the address is printed.
HEADLESS := $(if $(filter Linux,$(shell uname)),$(if $(DISPLAY)$(WAYLAND_DISPLAY),false,true),false)

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

app: $(APP_STAMP)  ## set up and open the dashboard in the browser (PORT=8501)
	$(BIN)/python -m streamlit run app/main.py --server.port=$(PORT) --server.headless=$(HEADLESS) --server.showEmailPrompt=false

test: $(DEV_STAMP)  ## set up and run the tests
	$(BIN)/python -m pytest

lint: $(DEV_STAMP)  ## style and unused code
	$(BIN)/ruff check .

check: lint test  ## what CI runs; the import contracts are among the tests

bench: $(DEV_STAMP)  ## measure speed against a loop of Keras models, and memory (minutes)
	$(BIN)/python -m benchmarks

bench-accuracy: $(DEV_STAMP)  ## ours and all baselines, into benchmarks/accuracy.md (SIZE=main or ladder, NESTED=folds)
	$(BIN)/python -m benchmarks.ladder --size $(or $(SIZE),main) $(addprefix --nested ,$(NESTED))

readme: $(DEV_STAMP)  ## put the scores and the picture of the shipped ensemble into the READMEs
	$(BIN)/python -m benchmarks.accuracy
	$(BIN)/python -m benchmarks.browser

train: $(APP_STAMP)  ## train the default ensemble into data/runs (minutes)
	$(BIN)/python -m mtl_core train

data: $(APP_STAMP)  ## rebuild data/*.csv from the published workbooks in SOURCE_DIR=…
	$(BIN)/python -m mtl_core data build --source-dir $(or $(SOURCE_DIR),$(error set SOURCE_DIR=folder of the two workbooks))

setup: $(DEV_STAMP)  ## only set up .venv, with what the tests need

clean:  ## remove .venv and caches; data and runs stay
	rm -rf .venv .pytest_cache .ruff_cache .hypothesis .import_linter_cache *.egg-info

# Stamps are renewed when the requirements change, and only then.
.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or 3.12 with venv was not found. Install one (Debian: apt install python3-venv)," \
		"or say where it is: make $(MAKECMDGOALS) PYTHON=/path/to/python3.12"; exit 1; }
	$(PYTHON) -m venv .venv

$(APP_STAMP): requirements.txt pyproject.toml | .venv/bin/python
	@echo "Installing into .venv (a few minutes the first time) …"
	$(PIP) -r requirements.txt
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(DEV_STAMP): requirements-dev.txt $(APP_STAMP)
	$(PIP) -r requirements-dev.txt
	@touch $@
