# Run `make` for the list of targets. Written for GNU make 3.81 and newer, which is what macOS has.

.DEFAULT_GOAL := help
.PHONY: help run test bench races fuzz test-api fmt vet lint build validate vulncheck clean FORCE

SAM ?= sam
GOVULNCHECK_VERSION := v1.9.0

# Tests with the race detector: auto (when there is a C compiler, which it needs), yes or no.
RACE ?= auto

# All that make and the tools put into the working tree is in here and in .aws-sam.
bin := .local/bin/tocsin

need_go  = command -v go >/dev/null || { echo 'make: no go here: install Go 1.26 or newer' >&2; exit 1; }
need_sam = command -v $(SAM) >/dev/null || { echo 'make $@: no sam here: install AWS SAM CLI (pip install aws-sam-cli), or say make $@ SAM=/path/to/sam' >&2; exit 1; }

# SAM CLI without questions to the network: no telemetry, and a region when none is set (nothing is sent there). It runs make itself,
# which is to know nothing of this one.
sam = env -u MAKEFLAGS -u MAKELEVEL SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=$${AWS_DEFAULT_REGION:-$${AWS_REGION:-us-east-1}} $(SAM)

help: ## List the targets
	@echo 'usage: make TARGET'
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo 'make run reads PORT, API_KEY, DATA, SITE_URL, ALLOWED_ORIGINS, DYNAMODB_ENDPOINT, CLOSER, CLOSER_EVERY, STALE_AFTER and WARN_BEFORE from the environment or after the target: make run PORT=8080'

run: $(bin) ## Serve the API on this machine, with DynamoDB Local (needs Java 17 and, the first time, Maven)
	@exec $(bin) serve

test: $(bin) ## Run all tests against DynamoDB Local, with the race detector when there is a C compiler
	@race=-race; \
	case '$(RACE)' in \
	  yes) ;; \
	  no) race= ;; \
	  *) [ "$$(go env CGO_ENABLED)" = 1 ] && echo '#include <stdlib.h>' | $$(go env CC) -E - >/dev/null 2>&1 || \
	     { race=; export CGO_ENABLED=0; echo 'make test: no C compiler here: testing WITHOUT the race detector (install gcc or clang to have it)' >&2; } ;; \
	esac; \
	set -x; $(bin) engine --memory -- go test $$race -timeout 20m ./... && \
	if [ -n "$$race" ]; then exec $(bin) engine --memory -- go test -run '^TestAllocations$$' ./internal/bench; fi # which the race detector changes

bench: $(bin) ## Measure costs, cold starts and throughput and write docs/performance.md (REPEATS, WARM, SECONDS, INCIDENTS=1000000)
	@set -x; exec $(bin) engine --memory -- go test ./internal/bench -count 1 -timeout 4h -performance '$(CURDIR)/docs/performance.md' \
	  $(if $(REPEATS),-repeats $(REPEATS)) $(if $(WARM),-warm $(WARM)) $(if $(SECONDS),-seconds $(SECONDS)) $(if $(INCIDENTS),-incidents $(INCIDENTS)) $(if $(ENDPOINT),-endpoint $(ENDPOINT))

races: $(bin) ## Let every pair of writers race 200 times each: plainly, with conflicts, and with lost answers
	@set -x; exec $(bin) engine --memory -- go test -count 1 -timeout 30m ./internal/dynamo ./internal/api -run '^Test(.*Races|CloserProperty)$$' -races 200

fuzz: $(bin) ## Fuzz every target, then send random requests (FUZZTIME=10m FUZZREQUESTS=1000000 SEED=1)
	@FUZZTIME='$(FUZZTIME)' FUZZREQUESTS='$(FUZZREQUESTS)' SEED='$(SEED)' exec $(bin) engine --memory -- infra/local/fuzz.sh

test-api: $(bin) ## Hold the running service against its OpenAPI document, with schemathesis (needs Python; EXAMPLES, SEED)
	@EXAMPLES='$(EXAMPLES)' SEED='$(SEED)' exec infra/test-api/run.sh

fmt: ## Format the Go code
	@$(need_go)
	go fmt ./...

vet: ## Run go vet
	@$(need_go)
	go vet ./...

lint: vet ## Check the format, run go vet and staticcheck
	@unformatted=$$(gofmt -l $$(go list -f '{{.Dir}}' ./...)) || exit 1; \
	[ -z "$$unformatted" ] || { echo 'make lint: not formatted (make fmt does it):' >&2; echo "$$unformatted" >&2; exit 1; }
	go tool staticcheck ./...

build: ## Build the functions for Lambda into .aws-sam/build (another processor: make build ARCHITECTURE=x86_64)
	@$(need_go); $(need_sam)
	$(sam) build $(if $(ARCHITECTURE),--parameter-overrides Architecture=$(ARCHITECTURE))

validate: ## Check template.yaml
	@$(need_sam)
	$(sam) validate --lint

vulncheck: ## Look for known vulnerabilities in what the code uses (needs the network)
	@$(need_go)
	go run golang.org/x/vuln/cmd/govulncheck@$(GOVULNCHECK_VERSION) ./...

clean: ## Remove what was built; DynamoDB Local and its data stay
	rm -rf .aws-sam .local/bin

# Always asked: go itself knows whether there is something to do. Without the commit in it, which git refuses to tell in
# another user's checkout, and without a C compiler.
$(bin): FORCE
	@$(need_go)
	@mkdir -p .local/bin
	@CGO_ENABLED=0 go build -buildvcs=false -o $(bin) ./cmd/tocsin
