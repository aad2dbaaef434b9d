# Everything a person or CI does with Wend. A machine with Python >= 3.11 and make is enough.
# `make setup` is a dependency of the rest; a stamp makes the second call instant.

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.set-up
# Files of our own that `make check` reads; folders that do not exist yet are left out.
CODE := $(wildcard src tests bench)
PYTEST_ARGS ?=
BENCH_ARGS ?=
# The most lines that a Python file may have.
LINES := 400

.DEFAULT_GOAL := help
.PHONY: help setup browser demo test cover check fmt bench lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## create .venv with the exact versions of requirements.lock

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(f"Wend needs Python 3.11 or newer; $(PYTHON) is {v[0]}.{v[1]}. Try: make setup PYTHON=python3.12" if v < (3, 11) else 0)'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || { echo "Python cannot make a virtual environment; on Debian: apt-get install python3-venv"; exit 1; }
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check 'uv>=0.9,<1'
	VIRTUAL_ENV=$(CURDIR)/.venv $(BIN)/uv pip sync --quiet --no-config --require-hashes requirements.lock
	VIRTUAL_ENV=$(CURDIR)/.venv $(BIN)/uv pip install --quiet --no-config --no-deps --no-build-isolation --editable .
	@touch $@

browser: ## install Chromium for the browser tests where that is possible; they are skipped without it
	@if command -v chromium >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "installing chromium for the browser tests"; \
		{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends chromium fonts-dejavu-core >/dev/null; } \
			|| echo "chromium could not be installed: the browser tests will be skipped"; \
	else echo "no chromium here: the browser tests will be skipped"; fi

demo: setup ## start Wend with sample people and journeys, and print its address
	$(BIN)/wend demo

test: setup browser ## run all the tests (PYTEST_ARGS="-k words" for some)
	$(BIN)/python -m pytest $(PYTEST_ARGS)

cover: setup ## hold src/wend/core to 100 % of lines and branches
	@if [ -d tests/core ]; then \
		$(BIN)/python -m pytest -q -p no:cacheprovider --cov=wend.core --cov-branch --cov-report=term-missing:skip-covered --cov-fail-under=100 \
			-k "not live_engine" $(wildcard tests/core tests/journeys/test_golden.py); \
	else echo "no tests/core yet: nothing to cover"; fi

check: setup ## lint, format, types, direction of imports, file sizes; all of them, then the verdict
	@bad=; \
	$(BIN)/ruff check $(CODE) || bad="$$bad lint"; \
	$(BIN)/ruff format --check $(CODE) || bad="$$bad format"; \
	$(BIN)/lint-imports --no-logo || bad="$$bad imports"; \
	$(BIN)/basedpyright $(CODE) || bad="$$bad types"; \
	find $(CODE) -name '*.py' -not -path '*/node_modules/*' -exec wc -l {} + \
		| awk '$$2 != "total" && $$1 > $(LINES) {print $$2 ": " $$1 " lines; $(LINES) are allowed: split it by what it does"; bad = 1} END {exit bad}' \
		|| bad="$$bad sizes"; \
	if [ -n "$$bad" ]; then echo "make check failed:$$bad"; exit 1; fi; echo "make check passed"

fmt: setup ## format, and repair what can be repaired safely
	$(BIN)/ruff check --fix $(CODE)
	$(BIN)/ruff format $(CODE)

bench: setup ## run the benchmarks (BENCH_ARGS="engine --quick", "--write")
	$(BIN)/python -m bench $(BENCH_ARGS)

lock: setup ## write requirements.lock anew from pyproject.toml (after changing a dependency)
	$(BIN)/uv pip compile --quiet --no-config --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-annotate --custom-compile-command 'make lock' --group dev pyproject.toml --output-file requirements.lock

clean: ## remove what make and the tools made (not your data)
	rm -rf .venv .pytest_cache .ruff_cache .hypothesis .import_linter_cache htmlcov .coverage .coverage.*

docs: setup ## write the generated pages of docs/reference
	$(BIN)/python -m tests.docs.reference
