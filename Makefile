# Two commands for a stranger: `make demo` and `make test`. `make help` lists the rest.
SHELL := /bin/sh
PY := .venv/bin/python

.PHONY: help
help: ## what can be made
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 18

.PHONY: check
check: ## linters, types, import rules and unit tests; no service needed
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/basedpyright --level error
	.venv/bin/lint-imports
	$(PY) -m pytest tests/unit -q
