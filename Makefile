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
# Python with the packages of pyproject.toml.
PYTHON_BIN := .venv/bin/python
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
	cargo run --release --locked --no-default-features --features cli -- run events/objects --to $(OUT)

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
core: ## Check that the library, the function and the command line each compile on their own
	$(call heading,core: each feature on its own)
	cargo check --locked --lib --no-default-features
	cargo check --locked --bin bootstrap --no-default-features --features aws
	cargo check --locked --bin alb-ingest --no-default-features --features cli

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
	$(PYTHON_BIN) -m pytest tests/python

.PHONY: template
template: venv ## Check the template: lint, translation for every kind of choice, permissions, tables, alarms
	$(call heading,template: the template of the installation)
	$(PYTHON_BIN) -m pytest tests/template

.PHONY: account
account: venv ## Logs on their whole way: aws s3 cp, the template's queues in moto, the function, DuckDB
	$(call heading,account: from aws s3 cp to a query$(comma) with moto as the account)
	$(PYTHON_BIN) -m pytest tests/account

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
sam-local: ## Run every payload through the template's function in a container (MODE=debug or release)
	$(call heading,venv: SAM$(comma) moto and cargo-lambda)
	scripts/venv.sh test function
	$(call heading,sam-local: the function of the template$(comma) $(MODE))
	$(PYTHON_BIN) scripts/sam/local.py --mode $(MODE) $(ARGS)

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
	$(PYTHON_BIN) scripts/measure_function.py $(ARGS)

##@ Files that are made

.PHONY: samples
samples: ## Make the sample objects under events/objects again
	$(call heading,samples: events/objects)
	cargo run --quiet --release --locked --no-default-features --features cli,generate -- generate --samples events/objects

.PHONY: ocsf-classes
ocsf-classes: ## Make the JSON Schemas of OCSF's classes in tests/standards/ocsf again (installs OCSF's export)
	$(call heading,ocsf-classes: tests/standards/ocsf)
	scripts/venv.sh ocsf
	$(PYTHON_BIN) scripts/ocsf_classes.py

.PHONY: generated
generated: ## Make the committed files in docs/ and the payloads in events/ again
	$(call heading,generated: docs from the tables$(comma) payloads from the sample objects)
	UPDATE_GENERATED=1 cargo test --locked --test docs --test edge -- cost:: events:: generated:: help::
	scripts/template.py
	scripts/venv.sh
	UPDATE_GENERATED=1 $(PYTHON_BIN) -m pytest tests/template/test_parameters.py
	UPDATE_GENERATED=1 $(PYTHON_BIN) -m pytest tests/python/test_shown_commands.py
