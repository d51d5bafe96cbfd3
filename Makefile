# Run `make` for the list of targets. Written for GNU make 3.81 and newer, which is what macOS has.

.DEFAULT_GOAL := help
.PHONY: help run check test nightly bench publishing races model test-second-engine chaos histories test-upgrade fuzz test-api test-alertmanager test-page test-terraform lighthouse sam-local test-sam test-deploy test-release fmt vet lint build check-binaries release deploy validate vulncheck clean FORCE

SAM ?= sam
GOVULNCHECK_VERSION := v1.9.0

# Tests with the race detector: auto (when there is a C compiler, which it needs), yes or no.
RACE ?= auto

# What make races and make model run on: dynamodb-local, or dynoxide, which takes half the time and is there for Linux on x86-64 only.
ENGINE ?= dynamodb-local

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
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-18s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo 'make run reads PORT, API_KEY, DATA, FRESH, SITE_URL, ALLOWED_ORIGINS, DYNAMODB_ENDPOINT, CLOSER, CLOSER_EVERY, STALE_AFTER and WARN_BEFORE from the environment or after the target: make run PORT=8080'

run: $(bin) ## Serve the API on this machine, with DynamoDB Local (needs Java 17 and, the first time, Maven)
	@exec $(bin) serve

# The packages whose tests need no engine.
pure = $$(go list -f '{{.ImportPath}} {{join .TestImports " "}} {{join .XTestImports " "}}' ./... | grep -Ev '/internal/(dynamotest|apitest)|^[^ ]*/internal/local ' | awk 'NF > 1 { print $$1 }')

check: lint $(bin) ## Check quickly: format, vet, staticcheck, the tests without an engine, and once through the service
	go test $(pure)
	$(bin) engine --memory -- go test ./internal/apitest -count 1 -run '^TestSmoke$$'

test: $(bin) ## Run all tests against DynamoDB Local, with the race detector when there is a C compiler
	@race=-race; \
	case '$(RACE)' in \
	  yes) ;; \
	  no) race= ;; \
	  *) [ "$$(go env CGO_ENABLED)" = 1 ] && echo '#include <stdlib.h>' | $$(go env CC) -E - >/dev/null 2>&1 || \
	     { race=; export CGO_ENABLED=0; echo 'make test: no C compiler here: testing WITHOUT the race detector (install gcc or clang to have it)' >&2; } ;; \
	esac; \
	set -x; $(bin) engine --memory -- go test $$race -timeout 30m ./... && \
	if [ -n "$$race" ]; then exec $(bin) engine --memory -- go test -run '^TestAllocations$$' ./internal/bench; fi # which the race detector changes

bench: $(bin) ## Measure costs, cold starts and throughput and write docs/performance.md (REPEATS, WARM, SECONDS, INCIDENTS=1000000)
	@set -x; exec $(bin) engine --memory -- go test ./internal/bench -count 1 -timeout 4h -performance '$(CURDIR)/docs/performance.md' \
	  $(if $(REPEATS),-repeats $(REPEATS)) $(if $(WARM),-warm $(WARM)) $(if $(SECONDS),-seconds $(SECONDS)) $(if $(INCIDENTS),-incidents $(INCIDENTS)) $(if $(ENDPOINT),-endpoint $(ENDPOINT))

publishing: $(bin) ## Simulate days of the publisher and write docs/cost.md (half an hour; ENGINE=dynoxide is the faster one)
	@set -x; $(bin) engine --memory --kind $(ENGINE) -- go test ./internal/bench -count 1 -timeout 4h -run '^TestPublishing$$' -days -update && exec go run ./internal/cost

test-second-engine: $(bin) ## Run the tests that need an engine, but for the races and the longest random ones, on another one, Dynoxide (Linux on x86-64; needs npm the first time)
	@set -x; exec $(bin) engine --memory --kind dynoxide -- go test -count 1 -timeout 20m ./internal/dynamo ./internal/api ./internal/function ./internal/definitions -skip '^Test(.*Races|CloserProperty|MaintainedMinutes|MaintenancesAgreeWithTheirRows)$$'

races: $(bin) ## Let every pair of writers race 200 times each: plainly, with conflicts, and with lost answers (ENGINE, RACES=200)
	@set -x; exec $(bin) engine --memory --kind $(ENGINE) -- go test -count 1 -timeout 2h ./internal/dynamo ./internal/api -run '^Test(.*Races|CloserProperty)$$' -races $(or $(RACES),200)

model: $(bin) ## Hold the repository against its model for so many random sequences of calls (SEQUENCES=1000 SEED ENGINE)
	@set -x; exec $(bin) engine --memory --kind $(ENGINE) -- go test ./internal/model -count 1 -timeout 3h -run '^(TestModel|TestMaintenances|TestPages)$$' -rapid.checks $(or $(SEQUENCES),1000) $(if $(SEED),-rapid.seed $(SEED))

chaos: $(bin) ## Count 2,000 writes under faults and kills: none lost, none doubled (WRITES=100000 SEED=7; with processes of another commit: ALSO=HEAD~1)
	@set -x; exec $(bin) engine --memory -- go test -count 1 -timeout 48h ./internal/chaos -run '^TestChaos$$' -v -writes $(or $(WRITES),2000) -seed $(or $(SEED),1) $(if $(ALSO),-also '$(ALSO)')

histories: $(bin) ## Hold the files of the pages against the table after so many random histories, and races of publishers over a failing S3 (HISTORIES=200 RACES=20 ENGINE)
	@set -x; exec $(bin) engine --memory --kind $(ENGINE) -- go test -count 1 -timeout 2h ./internal/publish -run '^Test(FilesAreThoseOfTheTable|NoOlderPage)$$' -histories $(or $(HISTORIES),200) -races $(or $(RACES),20)

nightly: ## Run what is too long for every change: races on both engines, model, chaos, fuzzing (some hours)
	$(MAKE) races
	$(MAKE) races ENGINE=dynoxide
	$(MAKE) model SEQUENCES=1000 ENGINE=dynoxide
	$(MAKE) chaos WRITES=20000
	$(MAKE) histories
	$(bin) engine --memory --kind dynoxide -- go test ./internal/dynamo -count 1 -timeout 2h -run '^Test(MaintainedMinutes|MaintenancesAgreeWithTheirRows)$$' -rapid.checks 100
	$(bin) engine --memory --kind dynoxide -- go test ./internal/bench -count 1 -timeout 4h -run '^TestPublishing$$' -days
	$(MAKE) fuzz FUZZTIME=5m FUZZREQUESTS=200000

# The commit of version 0.1.0.
FROM ?= ede7cba71112afcc8e30b6c72315a96919df7332

test-upgrade: $(bin) ## Read and change a table that an earlier version made, and read it with that one again (FROM=ede7cba; needs its commit)
	@set -x; exec $(bin) engine --memory -- go test -count 1 -timeout 10m ./internal/upgrade -v -from '$(FROM)'

fuzz: $(bin) ## Fuzz every target, then send random requests (FUZZTIME=10m FUZZREQUESTS=1000000 SEED=1)
	@FUZZTIME='$(FUZZTIME)' FUZZREQUESTS='$(FUZZREQUESTS)' SEED='$(SEED)' exec $(bin) engine --memory -- infra/local/fuzz.sh

test-api: $(bin) ## Hold the running service against its OpenAPI document, with schemathesis (needs Python; EXAMPLES, SEED)
	@EXAMPLES='$(EXAMPLES)' SEED='$(SEED)' exec infra/with-venv.sh test-api

# Newer ones can't be installed so: their module is without the files of their user interface.
alertmanager := .local/alertmanager-0.31.1/alertmanager

test-alertmanager: $(bin) $(alertmanager) ## Let a real Alertmanager tell the service of alerts, in three formats at once (needs the network the first time)
	@set -x; exec $(bin) engine --memory -- go test ./internal/alertmanager -count 1 -timeout 10m -alertmanager '$(CURDIR)/$(alertmanager)'

$(alertmanager):
	@$(need_go)
	GOBIN='$(CURDIR)/$(@D)' CGO_ENABLED=0 go install github.com/prometheus/alertmanager/cmd/alertmanager@v0.31.1

test-terraform: $(bin) ## Apply the example of docs/terraform.md to a service of its own (needs terraform, or TERRAFORM=tofu, and the network)
	@TERRAFORM='$(TERRAFORM)' exec infra/terraform/run.sh

test-page: $(bin) ## Look at the public pages in a browser, with axe-core, html-validate and readers of feeds (needs Chromium, npm and Python)
	go vet -tags browser ./internal/pagetest
	@exec infra/with-venv.sh test-page

lighthouse: $(bin) ## Look at the public pages with Lighthouse (needs Chromium and npm)
	@exec infra/lighthouse/run.sh

sam-local: ## Serve the API from Lambda containers until Ctrl-C (needs a Docker engine; PORT, API_KEY, PULL=no)
	@exec infra/local/sam-local.sh

test-sam: ## Test the functions in Lambda containers, end to end (needs a Docker engine and Python; PULL=no)
	@exec infra/local/test-sam.sh

test-deploy: $(bin) ## Deploy to an emulator of AWS, with IAM enforced, and look whether it works (needs Python)
	@SAM='$(SAM)' exec infra/with-venv.sh test-deploy

test-release: ## Make two whole releases, in different folders, and compare every byte
	@$(need_go)
	go test ./internal/release -count 1 -timeout 30m -run '^TestReproducible$$' -v -whole

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

check-binaries: ## Check what make build made: processor, size, modules (make check-binaries ARCHITECTURE=x86_64)
	@$(need_go)
	@exec infra/lambda/check-binaries.sh $(or $(ARCHITECTURE),arm64)

release: ## Make the archives that a stack is deployed from without Go, and their checksums, in .local/release
	@$(need_go)
	@go run -buildvcs=false ./internal/release

deploy: $(bin) ## Deploy to AWS and say how to make the first key; the first time it asks five questions (ENV=dev or prod; ARGS for sam deploy)
	@$(need_sam)
	@ENV='$(ENV)' SAM='$(SAM)' CONFIG='$(CONFIG)' TEMPLATE='$(TEMPLATE)' BUILD='$(BUILD)' exec infra/deploy/deploy.sh $(ARGS)

validate: ## Check template.yaml with sam validate, cfn-lint and checkov (needs Python)
	@$(need_sam)
	@SAM='$(SAM)' exec infra/with-venv.sh validate

vulncheck: ## Look for known vulnerabilities in what the code uses (needs the network)
	@$(need_go)
	go run golang.org/x/vuln/cmd/govulncheck@$(GOVULNCHECK_VERSION) ./...

clean: ## Remove what was built; DynamoDB Local and its data stay
	rm -rf .aws-sam .local/bin .local/release

# Always asked: go itself knows whether there is something to do. Without a C compiler. The commit is asked of git here: go build
# would fail where git refuses to tell it, in another user's checkout.
$(bin): FORCE
	@$(need_go)
	@mkdir -p .local/bin
	@CGO_ENABLED=0 go build -buildvcs=false -ldflags "-X tocsin/internal/version.commit=$$(git describe --always --dirty --tags --match 'v*' 2>/dev/null)" \
	  -o $(bin) ./cmd/tocsin
