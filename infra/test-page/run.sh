#!/bin/sh
# Tests the public pages as readers see them: in a browser, in all modes, with axe-core; their HTML with html-validate; and a server that has
# them, through its feeds and as a Prometheus exporter for Statuspage's format reads it. infra/with-venv.sh starts it. What npm brings comes into
# .local on the first run. The pictures are in .local/page afterwards.
#
# Environment:
#   CHROMIUM=            the browser, when it is not where Debian puts it
set -eu

cd "$(dirname "$0")/../.."
say() { echo "test-page: $*" >&2; }
die() { say "$*"; exit 1; }

command -v npm >/dev/null || die 'no npm here: install it (Debian: apt-get install npm)'

here=infra/test-page
work=$PWD/.local/test-page

if ! cmp -s $here/package-lock.json "$work/npm/installed"; then
	say 'fetching axe-core and html-validate with npm, only this once'
	rm -rf "$work/npm"
	mkdir -p "$work/npm"
	cp $here/package.json $here/package-lock.json "$work/npm"
	(cd "$work/npm" && npm ci --silent --no-audit --no-fund)
	cp $here/package-lock.json "$work/npm/installed"
fi

API_KEY=kener_$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')
export API_KEY
server=
stop() {
	trap '' INT TERM
	if [ -n "$server" ]; then
		kill "$server" 2>/dev/null || true
		wait "$server" 2>/dev/null || true
	fi
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

: >"$work/serve" # an earlier run may have left another address
DATA=demo PORT=0 .local/bin/tocsin serve >"$work/serve" 2>"$work/log" &
server=$!
tries=0
until url=$(sed -n 's/^ready //p' "$work/serve") && [ -n "$url" ]; do
	kill -0 "$server" 2>/dev/null || { cat "$work/log" >&2; die 'tocsin serve has ended'; }
	tries=$((tries + 1))
	[ "$tries" -lt 300 ] || die 'tocsin serve is not ready'
	sleep 0.2
done

say 'in a browser'
rm -rf .local/page
TOCSIN_PAGES=$url .local/bin/tocsin engine --memory -- go test -tags browser -count 1 -timeout 20m ./internal/pagetest

say 'html-validate'
"$work/npm/node_modules/.bin/html-validate" --config $here/htmlvalidate.json --ext html .local/page/html

say 'as an exporter'
mkdir -p "$work/exporter"
"$VENV/bin/python" $here/exporter.py "$url" "$work/exporter"

if grep -E '"(status":5|cause":"panic)' "$work/log" >"$work/failures"; then
	head -n 5 "$work/failures" >&2
	die "$(wc -l <"$work/failures") failures of the service are in its log, $work/log"
fi
