# Every target needs only python3 (3.11 to 3.13, with venv), git and make. The first one installs; later ones reuse it.
.DEFAULT_GOAL := help
.PHONY: help install try test test-fast test-serial lint format typecheck docs-check docs-gen docs schemas lock lock-check check \
        db-migrate db-rollback bench clean

unexport PYTHONDONTWRITEBYTECODE PYTHONPATH PYTHONHOME VIRTUAL_ENV

BIN := .venv/bin
SERIAL := dagster or faults or e2e
# One name per state of lock, project file and place: when it exists, nothing needs installing.
STAMP := .venv/.installed-$(shell { cat requirements.lock pyproject.toml; pwd; } | git hash-object --stdin)
# uv brings its own certificates; where a company's proxy is between, only the machine's are right; pip is the last resort.
SYNC := $(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes --compile-bytecode requirements.lock
PIN := uv pip compile --quiet --no-strip-extras --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header
LOCK := $(PIN) --universal pyproject.toml
COMPILE := $(LOCK) --group dev
# What the product's image holds: the same versions, without our tools, with what builds the product.
IMAGE_LOCK := deploy/images/python/requirements.lock
IMAGE := $(LOCK) --group build --constraint requirements.lock
# The scanners: for the oldest Python and Linux, where they run; those that are programs of their own need nothing besides.
SCANNERS := deploy/scanners
SCANNERS_LOCK := $(PIN) --python-version 3.11 --python-platform linux $(SCANNERS)/requirements.in
PROGRAMS_LOCK := $(PIN) --no-deps $(SCANNERS)/programs.in
# What deploy/install-openhands installs, for the Python and the system it runs on.
OPENHANDS_LOCK := deploy/agents/openhands.lock
OPENHANDS := $(PIN) --no-python-downloads --python-version 3.12 --python-platform linux deploy/agents/openhands.in

help: ## Show the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | awk -F'\t' '{printf "  make %-12s %s\n", $$1, $$2}'

install: $(STAMP) ## Install everything the lock names into .venv

$(STAMP):
	@sh .ci/find-python > /dev/null
	@echo "Installing into .venv (once for this lock) ..."
	@test -x $(BIN)/python && $(BIN)/python -c 'import pip' 2>/dev/null || "$$(sh .ci/find-python)" -m venv --clear .venv
	@sed -n '/^uv==/,/[^\\]$$/p' requirements.lock > .venv/uv.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r .venv/uv.txt
	@$(SYNC) 2>/dev/null || $(SYNC) --system-certs 2>/dev/null \
	  || $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --offline --editable .
	@rm -f .venv/.installed-* && touch $@

try: install ## Run the whole factory once on a sample repository
	@$(BIN)/factory try

test: install ## Run all tests, two files at a time; those on the Docker engine one by one
	@$(BIN)/python -m pytest -n 2 --dist loadfile

test-fast: install ## Run the tests that need no daemon
	@$(BIN)/python -m pytest -n 2 -m "not ($(SERIAL))"

test-serial: install ## Run the tests with real daemons, kills and the installed command
	@$(BIN)/python -m pytest -n 3 --dist loadfile -m "$(SERIAL)"

lint: install ## Check style, formatting and the import contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports --no-cache

format: install ## Rewrite the code in the one format
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format .

typecheck: install ## Check types, strictly
	@$(BIN)/mypy
	@$(BIN)/mypy docs/*.py

docs-check: install ## Fail when generated pages are stale or the site does not build strictly
	@$(BIN)/python docs/generate.py --check
	@$(BIN)/python docs/omissions.py
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

docs-gen: install ## Write the generated pages anew
	@$(BIN)/python docs/generate.py

schemas: install ## Write the JSON Schemas of the domain models anew
	@$(BIN)/python docs/generate.py --only schemas

docs: install ## Serve the documentation on loopback
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs serve --dev-addr 127.0.0.1:8001

lock: install ## Compile all locks anew, keeping what is pinned
	@$(BIN)/$(COMPILE) --output-file requirements.lock > /dev/null
	@$(BIN)/$(IMAGE) --output-file $(IMAGE_LOCK) > /dev/null
	@$(BIN)/$(SCANNERS_LOCK) --output-file $(SCANNERS)/requirements.lock > /dev/null
	@$(BIN)/$(PROGRAMS_LOCK) --output-file $(SCANNERS)/programs.lock > /dev/null
	@$(BIN)/$(OPENHANDS) --output-file $(OPENHANDS_LOCK) > /dev/null

# $(1) a lock, $(2) what compiles it: fails with the difference when the lock is not what it compiles to.
fresh = cp $(1) "$$copy" && $(BIN)/$(2) --output-file "$$copy" > /dev/null && diff -u $(1) "$$copy"
lock-check: install ## Fail when a lock is not what it is compiled from
	@copy=$$(mktemp) && trap 'rm -f "$$copy"' EXIT \
	  && $(call fresh,requirements.lock,$(COMPILE)) && $(call fresh,$(IMAGE_LOCK),$(IMAGE)) \
	  && $(call fresh,$(SCANNERS)/requirements.lock,$(SCANNERS_LOCK)) \
	  && $(call fresh,$(SCANNERS)/programs.lock,$(PROGRAMS_LOCK)) \
	  && $(call fresh,$(OPENHANDS_LOCK),$(OPENHANDS)) && echo "locks are fresh"

check: lint typecheck docs-check test ## Everything CI checks

db-migrate: install ## Bring the ledger's tables up to date
	@$(BIN)/factory db migrate

db-rollback: install ## Take the newest migration of the ledger back
	@$(BIN)/factory db rollback

bench: install ## Run the benchmarks
	@for name in claims ticket_run sandbox ingest dispatch agent_overhead webhook governance; do echo "== $$name"; $(BIN)/python -m "benchmarks.$$name" || exit 1; done

clean: ## Remove what tools wrote (not .venv and not .factory)
	@rm -rf site .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
