# Everything lives in one virtual environment; `make demo` and `make test` create it when it is missing or stale.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test quick lint clean

$(STAMP): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info[:2] == (3, 11) else "Python 3.11 is needed: make PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable '.[all,dev]'
	touch $@

demo: $(STAMP)
	$(BIN)/mobile-export demo --output demo-output

# Measurements on devices run alone, since other work spreads them; the rest in two processes, a file in one of them, so
# that a module's conversions are made once.
test: $(STAMP)
	$(BIN)/python -m pytest tests/integration
	$(BIN)/python -m pytest -n 2 --dist loadfile --ignore tests/integration

quick: $(STAMP)
	$(BIN)/python -m pytest -n 2 --dist loadfile --ignore tests/integration -m 'not slow'

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

clean:
	rm -rf $(VENV) build dist demo-output .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
