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

here=infra/test-page
work=$PWD/.local/test-page

. infra/functions.sh
with_npm 'axe-core and html-validate'
serve DATA=demo

say 'in a browser'
rm -rf .local/page
TOCSIN_PAGES=$url .local/bin/tocsin engine --memory -- go test -tags browser -count 1 -timeout 20m ./internal/pagetest

say 'html-validate'
"$work/npm/node_modules/.bin/html-validate" --config $here/htmlvalidate.json --ext html .local/page/html

say 'as an exporter'
mkdir -p "$work/exporter"
"$VENV/bin/python" $here/exporter.py "$url" "$work/exporter"

check_log
