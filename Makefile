# make demo and make test do all the set-up themselves; nothing else needs to be installed.
PY ?= python3
BIN := .venv/bin
.DEFAULT_GOAL := help
.PHONY: help setup demo test check lint types layers schemas bench-engine clean

help: ## what there is to make
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

setup: .venv/.installed ## the virtual environment, with every extra

.venv/.installed: pyproject.toml
	@$(PY) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Rixin needs Python 3.11 or newer; set PY=/path/to/python3.11"; exit 4; }
	@echo "set-up: installing into .venv (once, about a minute)"
	@$(PY) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@
