# Builds one Lambda function for `sam build`, which runs the target build-<logical id> in the repository's root with
# ARTIFACTS_DIR set (Metadata in template.yaml). The file that includes this one sets GOARCH.
#
# The flags stand here and not in the environment, so that `sam build` by hand gives the same binary as `make build`:
#   CGO_ENABLED=0        a static binary: provided.al2023 need not have the libraries of the machine that builds
#   -trimpath            no paths of that machine in it
#   -buildvcs=false      no commit in it: a function whose code did not change stays the same to the byte and is not deployed anew
#   -tags lambda.norpc   without the old Go runtime's RPC server, which provided.al2023 does not use
#   -ldflags "-s -w"     no symbol table, no debug information: half the size, a faster cold start
build = CGO_ENABLED=0 GOOS=linux GOARCH=$(GOARCH) \
	go build -trimpath -buildvcs=false -tags lambda.norpc -ldflags "-s -w" -o "$(ARTIFACTS_DIR)/bootstrap" ./functions/$(1)

.PHONY: build-IncidentsFunction build-CommentsFunction build-MonitorsFunction build-SettingsFunction build-EdgeFunction build-InboundFunction build-PageFunction build-MinuteFunction build-CloserFunction build-PublisherFunction

build-IncidentsFunction:
	$(call build,incidents)

build-CommentsFunction:
	$(call build,comments)

build-MonitorsFunction:
	$(call build,monitors)

build-SettingsFunction:
	$(call build,settings)

build-EdgeFunction:
	$(call build,edge)

build-InboundFunction:
	$(call build,inbound)

build-PageFunction:
	$(call build,page)

build-MinuteFunction:
	$(call build,minute)

build-CloserFunction:
	$(call build,closer)

build-PublisherFunction:
	$(call build,publisher)
