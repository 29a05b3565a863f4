# The verbs of the project; `make help` lists them. PYTHON picks the interpreter that .venv is made with.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: help setup demo test check lab docs bench crash nights study samples clean-demo

help:  ## List these verbs
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | column -t -s "$$(printf '\t')"

setup: $(READY)  ## Make .venv with everything, at the versions that were tested

$(READY): pyproject.toml constraints.txt
	@if command -v uv >/dev/null 2>&1; then \
		uv venv --quiet --allow-existing --python "$$(command -v $(PYTHON))" $(VENV) && \
		uv pip install --quiet --python $(BIN)/python -c constraints.txt -e '.[dev]'; \
	else \
		$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "autoD needs Python 3.11 or newer: make setup PYTHON=python3.11")' && \
		$(PYTHON) -m venv $(VENV) && \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -c constraints.txt -e '.[dev]'; \
	fi
	@# On all processors, where pip would compile on one; what no Python can read is no concern of ours.
	@$(BIN)/python -m compileall -qq -j 0 $(VENV)/lib autod_lib || true
	@touch $(READY)

demo: setup  ## The main job on sample PDFs and the simulated API: no key, no network; prints the path of the report
	@AUTOD_HOME=$(CURDIR)/data/demo $(BIN)/autod run --all --local -p inbox=$(CURDIR)/data/samples -p labels=$(CURDIR)/data/samples/labels.csv

test: setup  ## Run the tests
	@$(BIN)/python -m pytest

check: setup  ## Lint, format, types and generated files
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/nbstripout --keep-id --verify notebooks/*.ipynb

lab: setup  ## Open JupyterLab on the first notebook
	@$(BIN)/autod lab

docs: setup  ## Write the reference from the code, and build all documentation as a site in site/
	@$(BIN)/python docs/make_reference.py
	@$(BIN)/mkdocs build --strict --quiet
	@echo "Site: $(CURDIR)/site/index.html"

bench: setup  ## Measure speed, as ratios in one run
	@$(BIN)/python benchmarks/run.py

crash: setup  ## Kill runs two hundred times, hold what is left against the API's own log, and measure faults, hostile files and large folders
	@$(BIN)/python benchmarks/reliability.py
	@$(BIN)/python -m tests.crash --write

study: setup  ## Compare arms of known truth, and write what is found again into docs/experiments.md
	@$(BIN)/python -m tests.study --write

nights: setup  ## Five scheduled runs with a fault in the third, held against the API's own log
	@$(BIN)/python benchmarks/nights.py

samples: setup  ## Make the sample PDFs and their labels anew
	@$(BIN)/python data/samples/make_samples.py

clean-demo:  ## Throw the demo's workspace away
	@rm -rf data/demo
