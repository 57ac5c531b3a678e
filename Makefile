# `make` lists the targets. `make test` must pass before a change is merged; the build server runs it too.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
# The steps share one cargo target directory: in parallel they would wait for each other and mix their output.
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory

# Pinned tools, installed into .tools unless the machine has them.
CARGO_DENY_VERSION := 0.20.2
CARGO_FUZZ_VERSION := 0.13.2
CARGO_CYCLONEDX_VERSION := 0.5.9
export PATH := $(CURDIR)/.tools/bin:$(PATH)

FUZZ_TARGETS := firehose line object plan trigger vended
# Run time of each fuzz target in seconds.
FUZZ_SECONDS ?= 30
# The Python interpreter with the packages of pyproject.toml.
PYTHON_BIN := .venv/bin/python
# The build mode of `make sam-local`: debug builds faster and produces the same output, release is what is deployed.
MODE ?= debug
# The architecture that `make artefact` builds for.
ARCH ?= x86_64
# The folder that `make sample` writes to.
OUT ?= out

heading = @printf '\n==> %s\n' '$(1)'

##@ Everyday

.PHONY: help
help: ## List the targets
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: build
build: ## Build the command line and the library (release); with ARCH=..., build the function like artefact
ifeq ($(origin ARCH),file)
	$(call heading,build: release)
	cargo build --release --locked
else
	$(call heading,build: the function for $(ARCH))
	scripts/artefact.sh $(ARCH)
endif

.PHONY: sample
sample: ## Convert the sample objects to Parquet in out (OUT=...)
	$(call heading,sample: events/objects to $(OUT))
	cargo run --release --locked --no-default-features --features cli -- run events/objects --to $(OUT)

.PHONY: fmt
fmt: ## Format the source
	$(call heading,fmt: format)
	cargo fmt

.PHONY: replay
replay: ## Run a payload through the function's handler on the sample objects (EVENT=events/sqs-s3.json, OUT=...)
	@test -n "$(EVENT)" || { echo 'replay: EVENT is not set; use a payload such as EVENT=events/sqs-s3.json' >&2; exit 2; }
	$(call heading,replay: $(EVENT) to $(OUT))
	DESTINATION="file://$(abspath $(OUT))" PARTIAL_BATCH=true \
		cargo run --quiet --release --locked --bin alb-ingest -- replay $(EVENT) --bucket-root events

##@ Tests

.PHONY: test
test: fmt-check lint doc core unit readers template account deny ## Run all checks and tests, as the build server does
	$(call heading,test: all passed)

.PHONY: fmt-check
fmt-check: ## Check the formatting
	$(call heading,fmt-check: the source is formatted)
	cargo fmt --check

.PHONY: lint
lint: ## Run clippy on every target; warnings are errors
	$(call heading,lint: clippy)
	cargo clippy --locked --all-targets -- -D warnings

.PHONY: doc
doc: ## Build the documentation; warnings are errors
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
unit-fast: ## Run the Rust tests with the feature fast-inflate (needs cmake, not part of make test)
	$(call heading,unit-fast: cargo test with the feature fast-inflate)
	@command -v cmake >/dev/null || { echo 'unit-fast: cmake not found; on Debian and Ubuntu: apt-get install cmake' >&2; exit 1; }
	cargo test --locked --features fast-inflate

.PHONY: readers
readers: venv ## Test the output with pyarrow, DuckDB and other readers
	$(call heading,readers: pyarrow and DuckDB read the output)
	$(PYTHON_BIN) -m pytest tests/python

.PHONY: template
template: venv ## Test the template: lint, translation of every choice of parameters, permissions, tables, alarms
	$(call heading,template: the deployment template)
	$(PYTHON_BIN) -m pytest tests/template

.PHONY: account
account: venv ## Test the deployment end to end: aws s3 cp, the template's queues in moto, the function, DuckDB
	$(call heading,account: from aws s3 cp to a query$(comma) with moto as the account)
	$(PYTHON_BIN) -m pytest tests/account

.PHONY: report-browser
report-browser: venv ## Open the pages of `alb-ingest report` in headless Chromium; leaves pictures in target/report-browser
	$(call heading,report-browser: the page in a browser)
	@if scripts/chromium.py; then \
		echo '$(PYTHON_BIN) -m pytest tests/browser'; \
		$(PYTHON_BIN) -m pytest tests/browser; \
	else \
		echo 'report-browser: SKIPPED: there is no Chromium, see above; the page was not opened in a browser' >&2; \
	fi

.PHONY: venv
venv: ## Install the pinned Python packages into .venv
	$(call heading,venv: Python packages)
	scripts/venv.sh

.PHONY: deny
deny: ## Check the licences and sources of the dependencies, and banned crates
	$(call heading,deny: licences$(comma) bans$(comma) sources)
	@if scripts/tool.sh cargo-deny $(CARGO_DENY_VERSION); then \
		echo 'cargo deny check licenses bans sources'; \
		cargo deny --locked check --hide-inclusion-graph licenses bans sources; \
	else \
		echo 'deny: SKIPPED: cargo-deny $(CARGO_DENY_VERSION) is not installed and cannot be installed; the dependencies were not checked' >&2; \
	fi

comma := ,

##@ The function

.PHONY: artefact
artefact: ## Build the deployable function and pack it into dist (ARCH=x86_64, arm64, or all)
	$(call heading,artefact: $(ARCH))
	scripts/artefact.sh $(ARCH)

.PHONY: reproduce
reproduce: artefact ## Build and pack the function a second time from scratch, and compare the bytes
	$(call heading,reproduce: a second build of $(ARCH))
	mv dist/alb-ingest-$(ARCH).zip dist/first.zip
	rm -rf target/artefact target/*/artefact
	scripts/artefact.sh $(ARCH)
	cmp dist/first.zip dist/alb-ingest-$(ARCH).zip
	rm dist/first.zip

.PHONY: sbom
sbom: ## Write the bill of materials of the function into dist, as CycloneDX (ARCH=x86_64 or arm64)
	$(call heading,sbom: $(ARCH))
	scripts/tool.sh cargo-cyclonedx $(CARGO_CYCLONEDX_VERSION)
	scripts/sbom.py $(ARCH)

.PHONY: sam-local
sam-local: ## Run every payload through the template's function in a container (MODE=debug or release)
	$(call heading,venv: SAM$(comma) moto and cargo-lambda)
	scripts/venv.sh test function
	$(call heading,sam-local: the function of the template$(comma) $(MODE))
	$(PYTHON_BIN) scripts/sam/local.py --mode $(MODE) $(ARGS)

##@ Longer runs

.PHONY: audit
audit: ## Check the dependencies for known vulnerabilities (downloads the advisories)
	$(call heading,audit: advisories)
	scripts/tool.sh cargo-deny $(CARGO_DENY_VERSION)
	cargo deny --locked check advisories
	@echo 'audit: this was Cargo.lock. A built function lists its own dependencies:'
	@echo '    cargo install cargo-audit --locked && unzip -o dist/alb-ingest-$(ARCH).zip -d dist && cargo audit bin dist/bootstrap'

.PHONY: fuzz
fuzz: ## Run each fuzz target for 30 seconds (FUZZ_SECONDS=...)
	$(call heading,fuzz: $(FUZZ_TARGETS)$(comma) $(FUZZ_SECONDS) s each)
	scripts/tool.sh cargo-fuzz $(CARGO_FUZZ_VERSION)
	@for target in $(FUZZ_TARGETS); do \
		printf '\n--> %s\n' "$$target"; \
		mkdir -p "fuzz/corpus/$$target"; \
		RUSTC_BOOTSTRAP=1 cargo fuzz run "$$target" "fuzz/corpus/$$target" "fuzz/seeds/$$target" tests/golden events -- \
			-max_total_time=$(FUZZ_SECONDS) -rss_limit_mb=2048 -print_final_stats=1 || exit 1; \
	done

.PHONY: soak
soak: venv ## Run 10,000 random plans, 1,000 kills, the memory limits and the fuzz targets; resumable (ARGS=--help)
	$(call heading,soak: random plans$(comma) kills$(comma) limits$(comma) fuzz targets)
	$(PYTHON_BIN) scripts/soak.py $(ARGS)
	UPDATE_GENERATED=1 cargo test --locked --test docs -- reliability::figures::the_figures

.PHONY: mutants
mutants: ## Break the program on purpose, defect by defect, and check that the tests catch each (ARGS=--help)
	$(call heading,mutants: defects that the tests must catch)
	$(PYTHON_BIN) scripts/mutants.py $(ARGS)

.PHONY: bench
bench: ## Measure the throughput of parsing, decompression and encoding
	$(call heading,bench: build)
	cargo bench --locked --bench '*' --no-run
	$(call heading,bench: results)
	@cargo bench --locked --bench '*' --quiet

.PHONY: bench-peers
bench-peers: ## Compare with DuckDB, Polars, ClickHouse, VRL, elb-log-parser and gzip (ARGS=--help)
	$(call heading,bench-peers: alb-ingest and other programs)
	python3 bench/peers/run.py $(ARGS)

.PHONY: bench-schemas
bench-schemas: ## Compare the cost of each output schema with native (ARGS=--help)
	$(call heading,bench-schemas: panther$(comma) ecs$(comma) ocsf and tailpipe compared with native)
	python3 bench/schemas.py $(ARGS)

.PHONY: bench-features
bench-features: ## Compare the cost of enrichment, filters, samples and redaction with none (ARGS=--help)
	$(call heading,bench-features: optional settings compared with none)
	python3 bench/features.py $(ARGS)

.PHONY: memory
memory: ## Measure the peak memory on an object of 1.5 million lines
	$(call heading,memory: peak memory of a large object)
	scripts/memory.sh

.PHONY: limits
limits: venv ## Run huge objects in 128 MB of memory, and disks that fill up (ARGS=--help)
	$(call heading,limits: 128 MB of memory$(comma) full and read-only disks)
	$(PYTHON_BIN) scripts/limits.py $(ARGS)

.PHONY: measure-merge
measure-merge: venv ## Measure merged delivery of 100,000 objects beside separate outputs (OBJECTS=...)
	$(call heading,measure-merge: requests$(comma) files$(comma) memory and queries)
	$(PYTHON_BIN) scripts/measure_merge.py $(OBJECTS)

.PHONY: measure-function
measure-function: venv ## Measure the function: size, start-up time, and a large object in 256 MiB (ARGS=--help)
	$(call heading,measure-function: the deployable function)
	$(PYTHON_BIN) scripts/measure_function.py $(ARGS)

.PHONY: measure-throughput
measure-throughput: venv ## Measure the function end to end: objects and lines a second with 512 and 1,769 MB (needs root; ARGS=--help)
	$(call heading,measure-throughput: the function between slow servers)
	$(PYTHON_BIN) scripts/measure_throughput.py $(ARGS)

##@ Generated files

.PHONY: samples
samples: ## Regenerate the sample objects in events/objects
	$(call heading,samples: events/objects)
	cargo run --quiet --release --locked --no-default-features --features cli,generate -- generate --samples events/objects

.PHONY: report-picture
report-picture: ## Regenerate the picture of the report in docs/report.png
	$(call heading,report-picture: docs/report.png)
	scripts/report_picture.py

.PHONY: ocsf-classes
ocsf-classes: ## Regenerate the JSON Schemas of the OCSF classes in tests/standards/ocsf (installs OCSF's export)
	$(call heading,ocsf-classes: tests/standards/ocsf)
	scripts/venv.sh ocsf
	$(PYTHON_BIN) scripts/ocsf_classes.py

.PHONY: generated
generated: ## Regenerate the committed files in docs/, events/ and template.yaml
	$(call heading,generated: documentation$(comma) payloads and the template's tables)
	UPDATE_GENERATED=1 cargo test --locked --test docs --test edge -- comparison:: cost:: events:: generated:: help:: reliability::the_matrix reliability::figures::the_figures
	UPDATE_GENERATED=1 cargo test --locked --test engine -- fuzz_seeds::every_seed
	scripts/venv.sh
	UPDATE_GENERATED=1 $(PYTHON_BIN) -m pytest tests/template/test_parameters.py
	UPDATE_GENERATED=1 $(PYTHON_BIN) -m pytest tests/python/test_shown_commands.py
	scripts/grafana_dashboard.py
