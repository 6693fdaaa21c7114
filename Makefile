# Every task of this repository. `make` alone lists them.
#
# The virtual environment is made once, exactly as uv.lock says, and again when the lock changes.
# Nothing is needed but a Python from 3.11 on, and PyPI.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory
BIN := .venv/bin
PY := $(BIN)/python
export UV_PYTHON_DOWNLOADS := never
unexport VIRTUAL_ENV
# The tests start hundreds of processes: modules are compiled once, not in each.
unexport PYTHONDONTWRITEBYTECODE

# hardy and its peers, each in an environment of its own, both on the fastest Python of .venv's version.
BENCH := .venv-bench/.ready .venv-bench-hardy/.ready

.PHONY: help
help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.venv/.ready: pyproject.toml uv.lock scripts/setup scripts/python
	@scripts/setup .venv

.PHONY: demo demo-full test test-all check fix bench bench-data docs
demo: .venv/.ready ## Run the reference service and print what to try.
	@$(PY) examples/orders/demo.py $(DEMO_ARGS)

demo-full: .venv/.ready ## The same on PostgreSQL, Valkey and NATS, which it brings along.
	@$(PY) examples/orders/demo_full.py $(DEMO_ARGS)

test: .venv/.ready ## Check and test everything but the slow parts, on each Python present.
	@$(MAKE) lint
	@$(MAKE) test-3.12 test-3.13 PARTS="$(OF_A_PYTHON)"
	$(BIN)/pytest -n 2 -q -m "not slow"

test-all: .venv/.ready ## As test, with the slow parts.
	@$(MAKE) lint
	@$(MAKE) test-3.12 test-3.13 PARTS="$(OF_A_PYTHON) tests/integration"
	FUZZ=10 $(BIN)/pytest -n 2 -q

check: .venv/.ready ## Format, lint, types, floors, dependencies, and every example of the documentation.
	@$(MAKE) lint
	$(BIN)/pytest -q tests/docs

fix: .venv/.ready ## Repair format and lint where a program can.
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: .venv/.ready $(BENCH) ## Measure against FastAPI, Litestar, Robyn and others; gin where Go is present.
	@$(PY) bench/run.py
	@$(MAKE) bench-data

bench-data: .venv/.ready $(BENCH) ## The part of it with PostgreSQL and Valkey.
	@$(PY) bench/data.py
	@$(PY) bench/faults.py

.venv-bench/.ready: bench/requirements.txt bench/interpreter.py .venv/.ready
	@rm -rf .venv-bench
	@$$($(PY) bench/interpreter.py) -m venv .venv-bench
	@.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@
.venv-bench-hardy/.ready: pyproject.toml uv.lock scripts/setup bench/interpreter.py .venv/.ready
	@scripts/setup .venv-bench-hardy "$$($(PY) bench/interpreter.py)" --no-default-groups --all-extras

docs: .venv/.ready ## Run every example of the documentation and say where it is.
	$(BIN)/pytest -q tests/docs
	@echo "start at README.md, then docs/; the design is docs/design.md, the map of the code ARCHITECTURE.md"

# Two at a time, each one's output in one piece, all of them even when one fails.
.PHONY: lint lint-format lint-rules lint-basedpyright lint-mypy lint-floors lint-dependencies
lint: .venv/.ready
	@$(MAKE) --jobs=2 --output-sync=target --keep-going \
		lint-basedpyright lint-mypy lint-format lint-rules lint-floors lint-dependencies
lint-format:
	$(BIN)/ruff format --check --quiet .
lint-rules:
	$(BIN)/ruff check --quiet .
lint-basedpyright:
	$(BIN)/basedpyright --level error
lint-mypy:
	$(BIN)/mypy --no-error-summary
lint-floors:
	@$(BIN)/lint-imports --no-logo
lint-dependencies:
	$(BIN)/deptry src

# The other supported Pythons, each where one is present and runs. Types and documentation are checked once, on
# the oldest; here it is behaviour that counts, and of that what an interpreter can change: what is proven of
# processes and servers needs proving once.
OF_A_PYTHON := tests/unit tests/contract $(addprefix tests/integration/,app grpc http server)
PARTS := $(OF_A_PYTHON)
.PHONY: test-3.12 test-3.13
test-3.12 test-3.13: test-%: .venv/.ready
	@if scripts/python $* >/dev/null; then \
		$(MAKE) .venv-$*/.ready && \
		echo "hardy: tests on Python $*" && \
		.venv-$*/bin/pytest -n 2 -q -m "not slow" $(PARTS); \
	else \
		echo "hardy: no Python $* here, its tests are left out"; \
	fi
.venv-3.12/.ready .venv-3.13/.ready: .venv-%/.ready: pyproject.toml uv.lock scripts/setup scripts/python
	@scripts/setup .venv-$* $* --no-default-groups --group test --all-extras
