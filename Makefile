# make demo and make test do all the set-up themselves; nothing else needs to be installed.
PY ?= python3
BIN := .venv/bin
.DEFAULT_GOAL := help
.PHONY: help setup demo test check lint types layers schemas schemas-write bench-engine bench-decide bench-gateway bench-against bench-money bench-hostile soak fuzz newcomer clean

help: ## what there is to make
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

setup: .venv/.installed ## the virtual environment, with every extra

.venv/.installed: pyproject.toml
	@$(PY) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Rixin needs Python 3.11 or newer; set PY=/path/to/python3.11"; exit 4; }
	@echo "set-up: installing into .venv (once, about a minute)"
	@$(PY) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check -e '.[dev]'
	@# SenseTime's client pins an old PyJWT; the tests use it with the one that we use.
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps sensenova==1.0.6
	@touch $@

demo: setup ## the main job: decide a real newswire scenario with a real local model
	@$(BIN)/python scenarios/fetch.py newswire-desk word-problems
	@$(BIN)/rixin models pull qwen2.5-coder-0.5b-instruct
	@$(BIN)/rixin decide scenarios/newswire-desk.yaml --html scenarios/data/newswire-desk.html
	@echo
	@$(BIN)/rixin decide scenarios/word-problems.yaml --html scenarios/data/word-problems.html || test $$? -eq 1

test: setup ## the tests, with coverage
	@echo "the tests take 7 to 22 minutes on two cores, by how fast these are"
	@$(BIN)/rixin models pull smollm2-135m-instruct
	@$(BIN)/coverage erase
	@$(BIN)/coverage run -m pytest
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report --format=total --include='src/rixin/core/*,src/rixin/stats/*,src/rixin/decide/*' --fail-under=100 >/dev/null \
	  || { $(BIN)/coverage report --include='src/rixin/core/*,src/rixin/stats/*,src/rixin/decide/*'; echo "core, stats and decide need 100 % branch coverage"; exit 1; }
	@$(BIN)/coverage report --fail-under=95 | tail -n 30

check: lint types layers schemas ## lint, types, layers, schemas current

lint: setup
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .

types: setup
	@$(BIN)/mypy

layers: setup
	@$(BIN)/lint-imports

schemas: setup
	@$(BIN)/python -m rixin.interop.contract.json_schema | cmp --silent - schemas/scenario.schema.json \
	  || { echo "schemas/scenario.schema.json is not current: make schemas-write"; exit 1; }

schemas-write: setup ## writes the JSON Schema of the scenario file anew
	@$(BIN)/python -m rixin.interop.contract.json_schema > schemas/scenario.schema.json

bench-engine: setup ## speed of the engine against a bare loop and installed peers
	@$(BIN)/python benchmarks/engine.py

bench-decide: setup ## what decisions cost and how often they are wrong, on recorded outcomes
	@$(BIN)/python benchmarks/decide.py

bench-gateway: setup ## what the gateway adds to an upstream: speed, CPU, memory
	@$(BIN)/python benchmarks/gateway.py

bench-against: setup ## the gateway beside that of another commit: make bench-against COMMIT=c8a8fd4
	@$(BIN)/python benchmarks/against.py $(COMMIT)

bench-money: setup ## what calls of many makers are booked at, against costs worked out by hand
	@$(BIN)/python benchmarks/money.py

bench-hostile: setup ## ten thousand callers without a key, who hold what they can
	@$(BIN)/python benchmarks/hostile.py

soak: setup ## ten minutes at half load: flat memory, flat latency, exact money
	@$(BIN)/python benchmarks/gateway_soak.py

newcomer: setup ## a newcomer's first commands on six files, and what each page says first
	@$(BIN)/python tools/newcomer.py

fuzz: setup ## odd requests and odd replies against a real gateway, three minutes each
	@$(BIN)/python tests/fuzz/run.py $(if $(SEED),--seed $(SEED)) $(if $(SECONDS_EACH),--seconds $(SECONDS_EACH))

clean: ## removes what make made, but no downloaded model
	rm -rf .venv .cache .coverage* build dist src/*.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
