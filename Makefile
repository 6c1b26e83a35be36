# make up    a running LabelHub        make test    every check and test
.DEFAULT_GOAL := help
.PHONY: help up test unit browser real laws check style types tests fix lock venv clean bench bench-engine bench-service soak soak-clients soak-kills soak-outage soak-latency soak-media mutation fuzz

# Compiled modules are kept: where a container's image forbids it, each process would compile some 2,700 of them anew,
# three quarters of the time that it takes to start.
unexport PYTHONDONTWRITEBYTECODE

# The first Python on the path that is new enough (override with PYTHON=...).
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo $$p; break; }; done)
BIN := .venv/bin
SOURCES = $(wildcard platform/hub repos reviews workers deploy client tests manage.py)
LOCK = $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-annotate --no-header --quiet

help:
	@grep -h -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

up: .venv/.runtime ## install what is missing, start everything, serve http://127.0.0.1:8000
	@$(BIN)/python -m deploy.supervisor

# Tests wait for services as long as they compute: more workers than processors keep those busy.
WORKERS ?= 4

test: .venv/.dev style ## every check and every test, on throw-away services
	@$(MAKE) --no-print-directory -j 2 types tests

tests: .venv/.dev
	@$(BIN)/python -m pytest -n $(WORKERS) $(PYTEST_ARGS)

unit: .venv/.dev ## only the tests that need no service
	@$(BIN)/python -m pytest -n 2 $(wildcard tests/unit tests/property tests/golden) $(PYTEST_ARGS)

browser: .venv/.dev ## only the tests in a browser
	@$(BIN)/python -m pytest tests/browser $(PYTEST_ARGS)

real: .venv/.dev ## replay real corrections through a running platform (where the data is present)
	@$(BIN)/python -m tests.real $(CASES)

bench: bench-engine bench-service ## the engine beside its peers, then a running platform, measured; not part of the tests

# ENGINE_ARGS="--sizes 100k,1m,5m --save docs/benchmarks.md"; BENCH_ARGS are those of the service.
bench-engine: .venv/.dev .bench/.venv
	@$(BIN)/python -m tests.bench.engine $(ENGINE_ARGS)

bench-service: .venv/.dev
	@$(BIN)/python -m tests.bench.service $(BENCH_ARGS)

soak: soak-clients soak-media soak-latency soak-outage soak-kills ## fifty clients on one branch; S3 far away; services away, then killed

soak-clients: .venv/.dev
	@$(BIN)/python -m tests.real.many $(SOAK_ARGS)

# LATENCY_ARGS="--seconds 0.15 --rows 20000": how far away the object store is.
soak-latency: .venv/.dev
	@$(BIN)/python -m tests.soak.latency $(LATENCY_ARGS)

soak-media: .venv/.dev
	@$(BIN)/python -m pytest tests/soak/large_media.py $(MEDIA_ARGS)

soak-outage: .venv/.dev
	@$(BIN)/python -m tests.soak.outage $(OUTAGE_ARGS)

# KILLS=200 SEED=1: how many services are killed, and the seed of when and which.
soak-kills: .venv/.dev
	@$(BIN)/python -m tests.soak --kills $(or $(KILLS),200) --seed $(or $(SEED),1)

mutation: .venv/.dev ## small faults put into diff and merge: which do the tests notice (MUTATION_ARGS="--sample 20")
	@$(BIN)/python -m tests.mutation $(MUTATION_ARGS)

laws: .venv/.dev ## the laws of the pure core with twenty times the examples of the tests (LAWS_ARGS="-k merge")
	@HYPOTHESIS_PROFILE=thorough $(BIN)/python -m pytest -n 2 --timeout 3600 tests/property $(LAWS_ARGS)

fuzz: .venv/.dev ## altered bytes for every decoder and every reader of files, twenty times as many as in the tests
	@HYPOTHESIS_PROFILE=fuzz $(BIN)/python -m pytest -n 2 $(wildcard tests/property/*/test_*hostile*.py) $(FUZZ_ARGS)

check: style types ## lint, types, who imports whom, missing migrations

style: .venv/.dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: .venv/.dev
	@$(BIN)/mypy $(SOURCES)
	@PYTHONPATH=.:platform $(BIN)/lint-imports --no-cache
	@$(BIN)/python -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run

fix: .venv/.dev ## format, and repair what can be repaired without thinking
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

venv: .venv/.dev ## the virtual environment with the tools of development

lock: ## resolve the requirements anew
	@$(LOCK) requirements-bootstrap.in -o requirements-bootstrap.lock
	@$(LOCK) requirements.in -o requirements.lock
	@$(LOCK) requirements-dev.in -c requirements.lock -o requirements-dev.lock
	@$(LOCK) requirements-bench.in -o requirements-bench.lock

clean: ## forget the environment and the caches; data is kept
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache frontend/dist frontend/node_modules

.venv/.runtime: requirements.lock requirements-bootstrap.lock deploy/bootstrap.py
	@$(if $(PYTHON),,$(error LabelHub needs Python 3.11 or newer on the PATH))$(PYTHON) deploy/bootstrap.py .venv requirements.lock
	@touch $@

# Without the peers, or with some of them, the engine is measured all the same and the report says who is missing.
.bench/.venv: requirements-bench.lock .venv/.dev
	@mkdir -p .bench
	@-$(PYTHON) deploy/bootstrap.py .bench/venv requirements-bench.lock
	@touch $@

.venv/.dev: requirements-dev.lock .venv/.runtime
	@$(PYTHON) deploy/bootstrap.py .venv requirements-dev.lock
	@touch $@
