# `make` lists the targets; `make test` is what has to pass before a change goes in, here and on the build server.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
# The steps share one cargo target directory and print headings: side by side they would only wait and mix.
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory

# Pinned tools, installed into .tools where the machine does not bring them.
CARGO_DENY_VERSION := 0.20.2
CARGO_FUZZ_VERSION := 0.13.2
export PATH := $(CURDIR)/.tools/bin:$(PATH)

FUZZ_TARGETS := line object trigger
# Seconds that each fuzz target runs.
FUZZ_SECONDS ?= 30
# SAM and cfn-lint; the local runs of the function have packages of their own beside them.
VENV_SAM := .venv-sam
# How `make sam-local` builds the function: debug takes a few minutes and gives the same bytes, release is what is deployed.
MODE ?= debug
# What `make artefact` builds for.
ARCH ?= x86_64
# The folder that `make sample` writes.
OUT ?= out

heading = @printf '\n==> %s\n' '$(1)'

##@ Every day

.PHONY: help
help: ## List the targets
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: build
build: ## Build the command line and the library for everyday use (release); with ARCH=..., the function, as artefact does
ifeq ($(origin ARCH),file)
	$(call heading,build: release)
	cargo build --release --locked
else
	$(call heading,build: the function for $(ARCH))
	scripts/artefact.sh $(ARCH)
endif

.PHONY: sample
sample: ## Turn the sample objects into Parquet under out (OUT=...)
	$(call heading,sample: events/objects to $(OUT))
	cargo run --release --locked --no-default-features --bin alb-ingest -- run events/objects --to $(OUT)

.PHONY: fmt
fmt: ## Format the source
	$(call heading,fmt: format)
	cargo fmt

.PHONY: replay
replay: ## Run a payload through the function's own handler on the sample objects (EVENT=events/sqs-s3.json, OUT=...)
	@test -n "$(EVENT)" || { echo 'replay: name a payload, such as EVENT=events/sqs-s3.json' >&2; exit 2; }
	$(call heading,replay: $(EVENT) to $(OUT))
	DESTINATION="file://$(abspath $(OUT))" PARTIAL_BATCH=true \
		cargo run --quiet --release --locked --bin alb-ingest -- replay $(EVENT) --bucket-root events

##@ Tests

.PHONY: test
test: fmt-check lint doc core unit readers template account deny ## Everything that has to pass; the build server runs this
	$(call heading,test: all passed)

.PHONY: fmt-check
fmt-check: ## Check the format
	$(call heading,fmt-check: the source is formatted)
	cargo fmt --check

.PHONY: lint
lint: ## Run clippy over every target, warnings are errors
	$(call heading,lint: clippy)
	cargo clippy --locked --all-targets -- -D warnings

.PHONY: doc
doc: ## Build the documentation, warnings are errors
	$(call heading,doc: rustdoc)
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps

.PHONY: core
core: ## Check that the core compiles without any AWS crate
	$(call heading,core: the library without AWS)
	cargo check --locked --lib --no-default-features

.PHONY: unit
unit: ## Run the Rust tests
	$(call heading,unit: cargo test)
	cargo test --locked

.PHONY: unit-fast
unit-fast: ## Run the Rust tests with the fast inflate (needs cmake, no part of make test)
	$(call heading,unit-fast: cargo test with the feature fast-inflate)
	@command -v cmake >/dev/null || { echo 'unit-fast: cmake is missing; on Debian and Ubuntu: apt-get install cmake' >&2; exit 1; }
	cargo test --locked --features fast-inflate

.PHONY: readers
readers: venv ## Read the output with pyarrow and DuckDB, as users will
	$(call heading,readers: pyarrow and DuckDB read the output)
	.venv/bin/python -m pytest tests/python

.PHONY: template
template: venv-sam ## Check the template: lint, translation for every kind of choice, permissions, tables, alarms
	$(call heading,template: the template of the installation)
	$(VENV_SAM)/bin/python -m pytest tests/template

.PHONY: account
account: venv venv-sam ## Logs on their whole way: aws s3 cp, the template's queues in moto, the function, DuckDB
	$(call heading,account: from aws s3 cp to a query$(comma) with moto as the account)
	.venv/bin/python -m pytest tests/account

.PHONY: venv-sam
venv-sam: ## Set up .venv-sam with SAM and cfn-lint, pinned
	$(call heading,venv-sam: SAM and cfn-lint)
	scripts/venv.sh $(VENV_SAM) tests/template/requirements.txt

.PHONY: venv
venv: ## Set up .venv with the pinned Python packages
	$(call heading,venv: Python packages)
	scripts/venv.sh

.PHONY: deny
deny: ## Check licences, banned crates and sources of the dependencies
	$(call heading,deny: licences$(comma) bans$(comma) sources)
	@if scripts/tool.sh cargo-deny $(CARGO_DENY_VERSION); then \
		echo 'cargo deny check licenses bans sources'; \
		cargo deny --locked check --hide-inclusion-graph licenses bans sources; \
	else \
		echo 'deny: SKIPPED, cargo-deny $(CARGO_DENY_VERSION) is neither here nor installable; the dependencies were not checked' >&2; \
	fi

comma := ,

##@ The function

.PHONY: artefact
artefact: ## Build the function as it is deployed and pack it into dist (ARCH=x86_64, arm64, or all that can be built here)
	$(call heading,artefact: $(ARCH))
	scripts/artefact.sh $(ARCH)

.PHONY: reproduce
reproduce: artefact ## Build and pack it a second time, from nothing, and compare the bytes
	$(call heading,reproduce: a second build of $(ARCH))
	mv dist/alb-ingest-$(ARCH).zip dist/first.zip
	rm -rf target/artefact target/*/artefact
	scripts/artefact.sh $(ARCH)
	cmp dist/first.zip dist/alb-ingest-$(ARCH).zip
	rm dist/first.zip

.PHONY: sam-local
sam-local: venv-sam venv-local ## Run every payload through the template's function in a container (MODE=debug or release)
	$(call heading,sam-local: the function of the template$(comma) $(MODE))
	$(VENV_SAM)/bin/python scripts/sam/local.py --mode $(MODE) $(ARGS)

.PHONY: venv-local
venv-local: ## Set up .venv-local with moto and cargo-lambda, pinned
	$(call heading,venv-local: moto and cargo-lambda)
	scripts/venv.sh .venv-local scripts/sam/requirements.txt

##@ Longer runs

.PHONY: audit
audit: ## Check the dependencies for known vulnerabilities (fetches the advisories)
	$(call heading,audit: advisories)
	scripts/tool.sh cargo-deny $(CARGO_DENY_VERSION)
	cargo deny --locked check advisories

.PHONY: fuzz
fuzz: ## Run each fuzz target for 30 seconds (FUZZ_SECONDS=...)
	$(call heading,fuzz: $(FUZZ_TARGETS)$(comma) $(FUZZ_SECONDS) s each)
	scripts/tool.sh cargo-fuzz $(CARGO_FUZZ_VERSION)
	@for target in $(FUZZ_TARGETS); do \
		printf '\n--> %s\n' "$$target"; \
		mkdir -p "fuzz/corpus/$$target"; \
		RUSTC_BOOTSTRAP=1 cargo fuzz run "$$target" "fuzz/corpus/$$target" tests/golden events -- \
			-max_total_time=$(FUZZ_SECONDS) -rss_limit_mb=2048 -print_final_stats=1 || exit 1; \
	done

.PHONY: bench
bench: ## Measure lines and bytes a second of parsing, decompression and encoding
	$(call heading,bench: build)
	cargo bench --locked --bench '*' --no-run
	$(call heading,bench: results)
	@cargo bench --locked --bench '*' --quiet

.PHONY: bench-peers
bench-peers: ## Measure beside DuckDB, Polars, ClickHouse, VRL, elb-log-parser, gzip (ARGS=--help)
	$(call heading,bench-peers: alb-ingest beside other programs)
	python3 bench/peers/run.py $(ARGS)

.PHONY: bench-schemas
bench-schemas: ## Measure what each output schema costs beside native (ARGS=--help)
	$(call heading,bench-schemas: panther$(comma) ecs and ocsf beside native)
	python3 bench/schemas.py $(ARGS)

.PHONY: memory
memory: ## Measure peak memory on an object of 1.5 million lines
	$(call heading,memory: peak memory of a large object)
	scripts/memory.sh

.PHONY: measure-function
measure-function: venv ## Measure the function: size, start, and a large object in 256 MiB (ARGS=--help)
	$(call heading,measure-function: the function as it is deployed)
	.venv/bin/python scripts/measure_function.py $(ARGS)

##@ Files that are made

.PHONY: samples
samples: ## Make the sample objects under events/objects again
	$(call heading,samples: events/objects)
	cargo run --quiet --release --locked --no-default-features --bin alb-ingest -- generate --samples events/objects

.PHONY: ocsf-classes
ocsf-classes: ## Make the JSON Schemas of OCSF's classes in tests/standards/ocsf again (installs OCSF's export)
	$(call heading,ocsf-classes: tests/standards/ocsf)
	scripts/venv.sh .venv-ocsf tests/standards/ocsf/requirements.txt
	.venv-ocsf/bin/python scripts/ocsf_classes.py

.PHONY: generated
generated: ## Renew the generated files in docs/, template.yaml and events/
	$(call heading,generated: docs and template from the tables$(comma) payloads from the sample objects)
	UPDATE_GENERATED=1 cargo test --locked --test docs --test edge -- cost:: events:: generated::
	scripts/venv.sh $(VENV_SAM) tests/template/requirements.txt
	UPDATE_GENERATED=1 $(VENV_SAM)/bin/python -m pytest tests/template/test_parameters.py
