# `make help` lists the targets. Go is all that is needed; Apache Kafka tests also want a JDK and Maven.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# A package that does not end by itself is stopped.
TEST_TIMEOUT ?= 20m
WEIR := bin/weir

# The race detector needs a C compiler.
RACE := $(shell command -v "$$(go env CC)" >/dev/null && echo -race)

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build bin/weir
	@mkdir -p bin
	go build -o $(WEIR) ./cmd/weir

.PHONY: demo
demo: build ## Start everything in one process, drive real traffic from both sides, report and check
	@$(WEIR) demo

.PHONY: run
run: build ## Serve on embedded defaults, with data in ./data that survives a restart
	@$(WEIR) run

.PHONY: test
test: vet ## Vet, every test with the race detector, and beside that against Apache Kafka where Java and Maven are installed
	@if command -v java >/dev/null && command -v mvn >/dev/null; then \
		$(call after_the_demo,-j3 test-go $(KAFKA_HALVES)); \
	else \
		$(MAKE) --no-print-directory test-go && \
		echo "LEFT OUT: the tests against Apache Kafka. They need java (17 or later) and mvn on PATH; then run make test-kafka."; \
	fi

.PHONY: test-go
test-go: ## Every test with the race detector, on embedded servers
	@[ -n "$(RACE)" ] || echo "LEFT OUT: the race detector, which needs a C compiler"
	@go test $(RACE) -timeout $(TEST_TIMEOUT) -json ./... | go run ./internal/testreport $@

# The packages whose tests use a broker. A cluster is shared, so they run one after another; there are two, side by side. What
# runs on the first takes about as long as the rest does on the second.
KAFKA_PACKAGES = $(shell go list -f '{{.ImportPath}} {{.TestImports}} {{.XTestImports}}' ./... | awk '/internal\/broker\/brokertest/ { print $$1 }')
KAFKA_FIRST := %/api %/internal/crashtest %/processors/payments %/processors/psp
KAFKA_HALVES := test-kafka-first test-kafka-rest

.PHONY: test-kafka
test-kafka: ## The integration suites and the demo against Apache Kafka, which is fetched from Maven Central
	@$(call after_the_demo,-j2 $(KAFKA_HALVES))

# The demo goes first and alone: its stories have times of their own, such as the end of a hold. What comes after it runs all the
# same where it fails.
after_the_demo = demo=0 tests=0; \
	$(MAKE) --no-print-directory demo-kafka || demo=$$?; \
	$(MAKE) --no-print-directory $(1) || tests=$$?; \
	[ $$demo = 0 ] || echo "failed: the demo against Apache Kafka, which went first"; \
	[ $$demo = 0 ] && [ $$tests = 0 ]

.PHONY: demo-kafka
demo-kafka: build fetch-kafka
	@deploy/kafka/run bash -c '$(WEIR) demo --brokers "$$WEIR_TEST_KAFKA_BROKERS"'

test-kafka-first: packages = $(filter $(KAFKA_FIRST),$(KAFKA_PACKAGES))
test-kafka-rest: packages = $(filter-out $(KAFKA_FIRST),$(KAFKA_PACKAGES))

.PHONY: $(KAFKA_HALVES)
$(KAFKA_HALVES): build fetch-kafka
	@deploy/kafka/run bash -euo pipefail -c '\
		go test -count=1 -p 1 -timeout $(TEST_TIMEOUT) -json $(packages) | go run ./internal/testreport $@'

.PHONY: fetch-kafka
fetch-kafka:
	@deploy/kafka/fetch

.PHONY: bench
bench: build ## Measure rates, latencies and bytes, as a table and as JSON lines
	@$(WEIR) bench

.PHONY: bench-ledger
bench-ledger: build ## Measure the ledger beside the bare statements; more by bin/weir bench ledger --entries 20000000
	@$(WEIR) bench ledger

.PHONY: mutate-ledger
mutate-ledger: ## Break the guards of the ledger one at a time, and see some test fail for each
	@go run ./internal/mutate

.PHONY: vet
vet: ## Check the formatting and vet
	@unformatted=$$(gofmt -l $$(git ls-files --cached --others --exclude-standard '*.go')); \
	if [ -n "$$unformatted" ]; then echo "not formatted by gofmt:"; echo "$$unformatted"; exit 1; fi
	go vet ./...

.PHONY: lint
lint: vet ## The same as vet

.PHONY: generate
generate: ## Write what is generated: API types, schemas, reference documents
	go generate ./...

.PHONY: release-schemas
release-schemas: ## Make the schemas of today those that later ones are compared with, where they break nobody
	go test -count=1 ./internal/reference/...
	cp docs/schemas/*.schema.json docs/schemas/released/v1/

.PHONY: clean
clean: ## Remove what was built and fetched, and the data of make run
	rm -rf bin data deploy/kafka/target docs/examples/target
