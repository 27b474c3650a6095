# Everything lives in .venv/ and .services/; `make clean` removes both. CONTRIBUTING.md tells more.
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
.DELETE_ON_ERROR:

python := .venv/bin/python
# Stamps: nothing is installed again until a requirement file or pyproject.toml changes.
runtime := .venv/installed-runtime
development := .venv/installed-development

install := $(python) -m pip --disable-pip-version-check --quiet install

.PHONY: help demo journey setup services test proof chaos mutants check bench requirements clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(runtime) ## the whole thing on this machine: an old shop, a new API, a kill, a resume, a count
	@.venv/bin/penstock demo

# CUSTOMERS and ORDERS of the old shop; KILLS of runs, at moments that SEED draws.
journey: CUSTOMERS ?= 100000
journey: ORDERS ?= 300000
journey: KILLS ?= 3
journey: SEED ?= 7
journey: $(development) services ## an old MySQL shop through an API into MySQL and MongoDB, with kills, and the proof
	@$(python) -m examples.shop.journey --customers $(CUSTOMERS) --orders $(ORDERS) --kills $(KILLS) --seed $(SEED)

setup: $(runtime) ## install penstock into .venv (then: .venv/bin/penstock --help)

services: ## start the servers for tests and development (scripts/services stop ends them)
	@scripts/services start

test: $(development) services ## run all tests, on real servers
	@scripts/install_strace
	@scripts/install_chromium
	@$(python) -m pytest

proof: export PENSTOCK_TEST_ROWS = 200000
proof: export PENSTOCK_TEST_KILLS = 30
proof: export PENSTOCK_PROOF_POINTS ?= 4500
proof: export PENSTOCK_PROOF_RACES ?= 5000
proof: export PENSTOCK_PROOF_MODEL ?= 500
proof: $(development) services ## the same at full length: runs hit at 4,500 system calls, 200,000 orders, thirty kills, 10,000 races of answers
	@scripts/install_strace
	@$(python) -m pytest tests/proof tests/journey tests/target/test_races.py tests/ledger/test_ledger_delivery_model.py

# MINUTES of faults and ROWS for each of the two kinds of job (MODE=idempotent, MODE=once: for one); SEED draws the faults.
# NETWORKS=2 (as root): workers live in such too. BROKER=1: RabbitMQ hands the ranges out, and fails as well.
chaos: MINUTES ?= 3
chaos: SEED ?= 1
chaos: ROWS ?= 15000
chaos: WORKERS ?= 4
chaos: NETWORKS ?= 0
chaos: MODE ?= both
chaos: BROKER ?=
chaos: $(development) services ## everything fails by chance around four workers, then all is checked; seven minutes
	@$(python) -m tests.proof.chaos --minutes $(MINUTES) --seed $(SEED) --rows $(ROWS) --workers $(WORKERS) --networks $(NETWORKS) --mode $(MODE) \
		$(if $(BROKER),--broker)

# GUARDS="settle-by-fence ask-the-kernel": these alone.
mutants: $(development) services ## break each guard in turn and see a test fail without it; twenty minutes
	@$(python) scripts/mutants.py $(GUARDS)

check: $(development) ## format, lint, types, import directions, docs
	@.venv/bin/ruff format --check
	@.venv/bin/ruff check
	@.venv/bin/mypy
	@.venv/bin/lint-imports --no-logo
	@$(python) scripts/check_docs.py

# PARTS="penstock node": these alone.
bench: $(development) services ## penstock's speed beside its peers' and its goals; twenty minutes
	@scripts/install_nginx
	@$(python) -m benchmarks $(PARTS)

requirements: $(development) ## pin the newest versions that pyproject.toml and dev.in allow
	@cd requirements && ../.venv/bin/pip-compile --quiet --upgrade --config ../pyproject.toml --build-deps-for=editable --output-file runtime.txt ../pyproject.toml
	@cd requirements && ../.venv/bin/pip-compile --quiet --upgrade --config ../pyproject.toml --output-file rabbitmq.txt rabbitmq.in
	@cd requirements && ../.venv/bin/pip-compile --quiet --upgrade --config ../pyproject.toml --output-file dev.txt dev.in
	@cd examples/shop && ../../.venv/bin/pip-compile --quiet --upgrade --config ../../pyproject.toml --output-file requirements.txt requirements.in
	@cd benchmarks/requirements && for peer in *.in; do ../../.venv/bin/pip-compile --quiet --upgrade \
		--config ../../pyproject.toml --output-file "$${peer%.in}.txt" "$$peer"; done

clean: ## stop the services and remove whatever these commands made
	@scripts/services stop
	rm -rf .venv .services .*_cache dist build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# $(error) rather than a failing command: what to install is then the one line that make prints.
$(python):
	$(eval base := $(shell PYTHON='$(PYTHON)' scripts/python 2>&1))
	$(if $(filter-out 0,$(.SHELLSTATUS)),$(error $(base)))
	@echo "making .venv with $(base)"
	@$(base) -m venv --clear .venv

$(runtime): pyproject.toml requirements/runtime.txt | $(python)
	@echo "installing what penstock runs on"
	@$(install) --require-hashes --requirement requirements/runtime.txt
	@# Nothing may be fetched here: the build's own tools are among the pinned requirements.
	@$(install) --no-deps --no-build-isolation --editable .
	@touch $@

$(development): $(runtime) requirements/dev.txt examples/shop/requirements.txt
	@echo "installing what the tests, checks and examples run on"
	@$(install) --require-hashes --requirement requirements/dev.txt
	@$(install) --require-hashes --requirement examples/shop/requirements.txt
	@touch $@
