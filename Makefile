# `make report` and `make test` do all set-up themselves, in .venv, with nothing but Python and no root.
# PYTHON=... names the interpreter, JOBS=... the number of test processes, OUT=... the folder for reports.

VENV ?= .venv
JOBS ?= 2
OUT ?= reports
PYTHON ?=
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help report test test-slow test-faults test-versions check notebooks setup sample docs bench power lock clean

help:
	@echo 'make report   the report of the made-up sample company, in $(OUT)/'
	@echo 'make test     format, lint, types, tests, notebooks'
	@echo 'make test-slow the proofs that take longer than ten minutes'
	@echo 'make test-faults the runs under every fault, with full numbers (an hour)'
	@echo 'make test-versions the oldest, locked and newest packages on Python 3.11 to 3.13 give the same numbers'
	@echo 'make docs     the documentation as HTML, in docs/_build/html/'
	@echo 'make bench    the benchmarks'
	@echo 'make power    docs/power.md: what is found and what is a false alarm (hours; goes on where it was interrupted)'
	@echo 'make sample   data/sample/ once more from its seed'
	@echo 'make lock     requirements.lock from pyproject.toml, with the newest versions that it allows'
	@echo 'make clean    remove the environment and all caches'

# ---- set-up ----------------------------------------------------------------------------------------------------

# The first interpreter that can be used. A command may be there and still not run, so each is asked for its version.
define FIND_PYTHON
fits='import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))'; found=''; \
for candidate in $(if $(PYTHON),"$(PYTHON)",python3 python3.13 python3.12 python3.11 python); do \
  if "$$candidate" -c "$$fits" >/dev/null 2>&1; then found="$$candidate"; break; fi; \
done; \
if [ -z "$$found" ]; then \
  echo 'No Python 3.11, 3.12 or 3.13 found$(if $(PYTHON), at PYTHON=$(PYTHON)). python3 here: '"$$(python3 --version 2>&1)"'.' >&2; \
  echo 'Install one, or name it: make $(or $(MAKECMDGOALS),report) PYTHON=/path/to/python3.12' >&2; \
  exit 1; \
fi; \
if ! "$$found" -c 'import ensurepip, venv' >/dev/null 2>&1; then \
  echo "$$found cannot make virtual environments: on Debian and Ubuntu install the package python3-venv," >&2; \
  echo 'or name another interpreter: make $(or $(MAKECMDGOALS),report) PYTHON=/path/to/python3.12' >&2; \
  exit 1; \
fi
endef

setup: $(READY)

$(READY): requirements.lock pyproject.toml hatch_build.py
	@$(FIND_PYTHON); \
	if ! $(BIN)/python -c '' >/dev/null 2>&1; then \
	  echo "Making $(VENV) with $$("$$found" --version)"; \
	  "$$found" -m venv --clear $(VENV) || exit 1; \
	fi
	@echo 'Installing the locked packages; the first time this takes about a minute'
	@$(BIN)/python -m pip --disable-pip-version-check install --quiet --require-hashes -r requirements.lock
	@$(BIN)/python -m pip --disable-pip-version-check install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

# ---- the two commands ------------------------------------------------------------------------------------------

report: $(READY)
	@$(BIN)/alignment demo --out $(OUT)
	@echo "Open $$(ls -t $(OUT)/*/*/*/*/report.html | head -n 1)"

test: check notebooks

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n $(JOBS)

# Every notebook runs from top to bottom on the sample company; what it prints is not compared. It runs as a copy,
# because a notebook run by hand leaves its report beside itself. All cells of one stay in one process (loadfile).
notebooks: $(READY)
	@rm -rf build/notebooks && mkdir -p build && cp -R notebooks build/
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile --nbval-lax --nbval-current-env -p no:cacheprovider \
	  build/notebooks

test-slow: $(READY)
	$(BIN)/python -m pytest -m slow -n $(JOBS) tests

# ALIGNMENT_FAULTS=middle is what CI does; `make test` does the quick form.
ALIGNMENT_FAULTS ?= full
test-faults: $(READY)
	ALIGNMENT_FAULTS=$(ALIGNMENT_FAULTS) $(BIN)/python -m pytest -m 'faults or not slow' tests/faults tests/runs/test_catching_up.py

# Nine bare environments with the wheel in each; PYTHONS="3.11 3.13" names fewer, uv finds or fetches them.
PYTHONS ?= 3.11 3.12 3.13
test-versions: $(READY)
	$(BIN)/python -m pip --disable-pip-version-check install --quiet uv
	$(BIN)/python -m tests.faults.versions $(foreach python,$(PYTHONS),--python $(python))

# ---- the rest --------------------------------------------------------------------------------------------------

sample: $(READY)
	$(BIN)/python -m alignment_toolkit.simulation data/sample

docs: $(READY)
	@$(BIN)/python -m pip --disable-pip-version-check install --quiet --no-build-isolation --editable '.[docs]'
	$(BIN)/python -m sphinx -W --keep-going -b html docs docs/_build/html
	@echo 'Open docs/_build/html/index.html'

bench: $(READY)
	$(BIN)/python benchmarks/kpi_cube.py
	$(BIN)/python benchmarks/additive_cube.py
	$(BIN)/python benchmarks/explorer.py

# ROWS keeps every made-up company that was looked at, so that the proof can be interrupted, continued and enlarged.
SEEDS ?= 100
ROWS ?= build/power-rows.jsonl
power: $(READY)
	@mkdir -p $(dir $(ROWS))
	$(BIN)/python benchmarks/power.py --seeds $(SEEDS) --jobs $(JOBS) --rows $(ROWS) --out docs/power.md

lock: $(READY)
	$(BIN)/python -m pip --disable-pip-version-check install --quiet uv
	$(BIN)/python -m uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header --extra test --extra postgres pyproject.toml --output-file requirements.lock

clean:
	rm -rf $(VENV) build dist docs/_build .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
