# Everything lives in one virtual environment; `make demo` and `make test` create it when it is missing or stale.
# PYTHON names an interpreter; without it, tools/find-python looks for one.
PYTHON ?=
VENV ?= .venv
# uv (put into the user's cache where it is missing) or pip.
INSTALLER ?= uv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# What every run of the tests leaves: times and outcomes of each test, as JUnit XML.
RESULTS := build/test-results
# A file in one process, so that a module's conversions are made once; files in the order of tests/conftest.py, the long
# ones first.
PARALLEL := --dist loadfile --no-loadscope-reorder --ignore tests/integration/alone
TIMED := --durations 25 --durations-min 1
# Containers often set it; every process would compile torch and TensorFlow anew, which takes longer than to import them.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test quick lint docs release constraints hooks clean

$(STAMP): pyproject.toml $(wildcard constraints/*.txt)
	tools/set-up $(VENV) $(INSTALLER) $(PYTHON)
	touch $@

demo: $(STAMP)
	$(BIN)/mobile-export demo --output demo-output

# Measurements whose figures are looked at run alone, since other work spreads them. What waits for a device leaves a core
# idle: so three processes for two cores.
test: $(STAMP)
	$(BIN)/python -m pytest $(TIMED) --junit-xml $(RESULTS)/alone.xml tests/integration/alone
	$(BIN)/python -m pytest $(TIMED) --junit-xml $(RESULTS)/tests.xml -n 3 $(PARALLEL)

quick: $(STAMP)
	$(BIN)/python -m pytest --junit-xml $(RESULTS)/quick.xml -n 2 $(PARALLEL) -m 'not slow'

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/constraints.py check

# The documentation site, without any network; a broken link is an error.
docs: $(STAMP)
	$(BIN)/sphinx-build -W --keep-going -q -b html docs build/site
	@echo "Open build/site/index.html"

# Wheel, sdist and the list of what they bring along, built and checked in dist/.
release: $(STAMP)
	tools/release $(BIN)/python dist

# After a change of pyproject.toml's dependencies; UPGRADE=--upgrade takes the newest versions that fit.
constraints:
	PYTHON=$$(tools/find-python $(PYTHON)) && export PYTHON && "$$PYTHON" tools/constraints.py write $(UPGRADE)

# Checks before every commit, as .pre-commit-config.yaml lists them.
hooks: $(STAMP)
	$(BIN)/pre-commit install

clean:
	rm -rf $(VENV) build dist demo-output .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
