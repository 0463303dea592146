# make derivations   derive the LSTM and every page of derivations/, and say what was checked
# make test          the tests
# make bench         the benchmarks, beside their peers (installs PyTorch, JAX, Numba and Matplotlib)
# make lint          ruff and mypy
# make clean         remove what was built (.venv itself stays)
#
# PYTHON names the interpreter (3.11 or newer), VENV the virtual environment.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check install --quiet

.DELETE_ON_ERROR:
.PHONY: derivations test bench lint clean

derivations: $(VENV)/.have-symlstm
	$(BIN)/symlstm derive lstm
	$(BIN)/python derivations/make.py

test: $(VENV)/.have-test
	$(BIN)/python -m pytest -n auto

bench: $(VENV)/.have-bench
	$(BIN)/python -m benchmarks

lint: $(VENV)/.have-dev
	$(BIN)/ruff check .
	$(BIN)/mypy

clean:
	rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	rm -f $(VENV)/.have-*
	find symlstm tests derivations benchmarks -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true

# Stamps: each says that an installation was finished, and is redone when pyproject.toml changes.

$(VENV)/.have-python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "symlstm needs Python 3.11 or newer, and $(PYTHON) is not ($$($(PYTHON) --version 2>&1))." >&2; \
	  echo "  help: name a newer one, as in: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 2; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV) || { \
	  rm -rf $(VENV); \
	  echo "  help: on Debian and Ubuntu, venv is a package of its own: apt install python3-venv" >&2; exit 2; }
	@touch $@

$(VENV)/.have-symlstm: $(VENV)/.have-python pyproject.toml
	$(PIP) -e .
	@touch $@

$(VENV)/.have-test: $(VENV)/.have-symlstm
	$(PIP) -e '.[test]'
	@touch $@

$(VENV)/.have-dev: $(VENV)/.have-symlstm
	$(PIP) -e '.[dev]'
	@touch $@

$(VENV)/.have-bench: $(VENV)/.have-symlstm
	$(PIP) -e '.[bench]'
	@touch $@
