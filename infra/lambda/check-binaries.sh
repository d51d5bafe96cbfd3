#!/usr/bin/env bash
# check-binaries.sh ARCHITECTURE: what `sam build` has made are the functions, for that processor (arm64 or x86_64), static, stripped, built with
# the right flags, of no modules but those listed here, and for arm64 small enough once zipped as SAM zips them. Needs go, file and python3.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

fail() { printf 'check-binaries: %s\n' "$*" >&2; exit 1; }

case ${1:-} in
	arm64) processor='ARM aarch64' goarch=arm64 limit=4050000 ;;
	x86_64) processor=x86-64 goarch=amd64 limit=0 ;; # none
	*) fail 'usage: check-binaries.sh arm64|x86_64' ;;
esac

# All that may be in a function. Anything else makes each cold start slower, and is one more to keep up to date.
modules=(
	github.com/aws/aws-lambda-go
	github.com/aws/aws-sdk-go-v2
	github.com/aws/aws-sdk-go-v2/internal/configsources
	github.com/aws/aws-sdk-go-v2/internal/endpoints/v2
	github.com/aws/aws-sdk-go-v2/service/dynamodb
	github.com/aws/aws-sdk-go-v2/service/internal/accept-encoding
	github.com/aws/aws-sdk-go-v2/service/internal/endpoint-discovery
	github.com/aws/smithy-go
	github.com/awslabs/aws-lambda-go-api-proxy
	golang.org/x/sync
)

# The function inbound has no API v4 in it.
inbound_limit=3750000

# And what only the two functions of the public pages may have: page draws badges and embeds, publisher all the files, and both use S3. They are
# larger by that, publisher most, which has DynamoDB's client besides.
pages_modules=(
	github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream
	github.com/aws/aws-sdk-go-v2/internal/v4a
	github.com/aws/aws-sdk-go-v2/service/internal/checksum
	github.com/aws/aws-sdk-go-v2/service/internal/presigned-url
	github.com/aws/aws-sdk-go-v2/service/internal/s3shared
	github.com/aws/aws-sdk-go-v2/service/s3
	github.com/nicksnyder/go-i18n/v2
	github.com/yuin/goldmark
	golang.org/x/image
	golang.org/x/net
	golang.org/x/text
)
page_limit=5050000
publisher_limit=6800000

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for folder in functions/*/; do
	name=$(basename "$folder")
	# Not ${name^}, which macOS's bash does not know.
	bootstrap=.aws-sam/build/$(tr '[:lower:]' '[:upper:]' <<<"${name:0:1}")${name:1}Function/bootstrap
	[ -f "$bootstrap" ] || fail "there is no $bootstrap: make build first"
	kind=$(file -b "$bootstrap")
	info=$(go version -m "$bootstrap")
	[[ $kind == *"$processor"* ]] || fail "$bootstrap is not for $1"
	[[ $kind == *'statically linked'* ]] || fail "$bootstrap is not static"
	[[ $kind == *', stripped'* ]] || fail "$bootstrap is not stripped"
	for setting in CGO_ENABLED=0 GOOS=linux "GOARCH=$goarch" -tags=lambda.norpc -trimpath=true; do
		grep -qF -- "$setting" <<<"$info" || fail "$bootstrap was built without $setting"
	done
	# As SAM does it: Python's own deflate, at its default level.
	python3 -c 'import sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w", zipfile.ZIP_DEFLATED) as z:
    z.write(sys.argv[2], "bootstrap")' "$work/zip" "$bootstrap"
	zipped=$(wc -c <"$work/zip")
	printf '%s: %s bytes, %s zipped\n' "$bootstrap" "$(wc -c <"$bootstrap")" "$zipped"
	most=$limit allowed=" ${modules[*]} "
	case $name in
		inbound) most=$inbound_limit ;;
		page) most=$page_limit allowed+="${pages_modules[*]} " ;;
		publisher) most=$publisher_limit allowed+="${pages_modules[*]} " ;;
	esac
	[ "$limit" = 0 ] || [ "$zipped" -le "$most" ] || fail "$bootstrap has more than $most bytes zipped"
	awk '$1 == "dep" { print "  " $2 " " $3 }' <<<"$info" >"$work/modules"
	cmp -s "$work/modules" "$work/shown" || { cat "$work/modules"; cp "$work/modules" "$work/shown"; } # once, when all are the same
	while read -r module _; do
		[[ $allowed == *" $module "* ]] || fail "$bootstrap has $module in it, which is not on the list in infra/lambda/check-binaries.sh"
	done <"$work/modules"
done
