# `make verify` and `make test` set up everything they need; `make help` lists the rest.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
export ORBITGAP_HOME ?= .orbitgap
REPORT := $(ORBITGAP_HOME)/report.json
SOURCES := $(wildcard theory/*.py sims/*.py verify/*.py)

.PHONY: help verify test coq bench lint format typecheck docs clean

help:
	@echo "make verify     check every proof, real optimizer and simulation"
	@echo "make test       run the tests"
	@echo "make coq        check the proofs in theory/coq with Coq, and that false variants fail"
	@echo "make bench      measure throughput of training many nets at once"
	@echo "make lint       ruff: style and format"
	@echo "make typecheck  mypy --strict on theory, sims, verify"
	@echo "make docs       build docs/_build/html from the last verify (runs it if needed)"
	@echo "make format     let ruff rewrite the code"
	@echo "make clean      remove what was built, keep the environment"

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("orbitgap needs Python >= 3.11, this is %d.%d: make PYTHON=python3.12 ..." % sys.version_info[:2] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet -c constraints.txt -e ".[dev,docs]"
	@touch $@

verify: $(READY)
	$(BIN)/orbitgap verify

test: $(READY)
	$(BIN)/pytest -n auto

coq: $(READY)
	$(BIN)/python -m theory.kernel

bench: $(READY)
	$(BIN)/pytest benchmarks --benchmark-only --benchmark-columns=median,rounds

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

typecheck: $(READY)
	$(BIN)/mypy

$(REPORT): $(SOURCES) | $(READY)
	$(BIN)/orbitgap verify

docs: $(READY) $(REPORT)
	$(BIN)/python docs/generate.py $(REPORT) docs/generated
	$(BIN)/sphinx-build -W --keep-going -q docs docs/_build/html
	@echo "open docs/_build/html/index.html"

clean:
	rm -rf docs/_build docs/generated $(ORBITGAP_HOME) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
