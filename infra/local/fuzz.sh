#!/bin/sh
# Every fuzz target of the module in turn, then random requests to the whole service. A DynamoDB engine must run: make fuzz starts one.
#
# Environment:
#   FUZZTIME=10m           how long each target is fuzzed
#   FUZZREQUESTS=1000000   how many random requests
#   SEED=1                 what these are made from
#
# An input that fails is kept under testdata/fuzz in its package, where every later test tries it again.
set -eu

cd "$(dirname "$0")/../.."
: "${FUZZTIME:=10m}" "${FUZZREQUESTS:=1000000}" "${SEED:=1}"

targets=$(go test -list '^Fuzz' ./... | awk '/^Fuzz/ { names = names " " $1 } /^ok/ { n = split(names, list, " "); for (i = 1; i <= n; i++) print $2, list[i]; names = "" }')
[ -n "$targets" ] || { echo 'fuzz: no targets found' >&2; exit 1; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Go before 1.27 may report the end of the time itself as a failure (golang/go#75804). An input that fails is always written, and said so.
only_ended() {
	grep -q '^ *context deadline exceeded$' "$work/said" && ! grep -Eq 'Failing input written|^ +[^ ]+\.go:[0-9]+|panic' "$work/said"
}

failed=
while read -r package target; do
	echo "fuzz: $target of $package for $FUZZTIME"
	{ go test "$package" -run '^$' -fuzz "^$target\$" -fuzztime "$FUZZTIME" </dev/null 2>&1 && echo 0 >"$work/status" || echo 1 >"$work/status"; } | tee "$work/said"
	[ "$(cat "$work/status")" = 0 ] || only_ended || failed="$failed $target"
done <<END
$targets
END

echo "fuzz: $FUZZREQUESTS random requests"
TOCSIN_RANDOM_REQUESTS=$FUZZREQUESTS TOCSIN_RANDOM_SEED=$SEED go test ./internal/api -count 1 -timeout 3h -run '^TestRandomRequests$' -v || failed="$failed TestRandomRequests"

[ -z "$failed" ] || { echo "fuzz: failed:$failed; the inputs are in testdata/fuzz of their packages" >&2; exit 1; }
