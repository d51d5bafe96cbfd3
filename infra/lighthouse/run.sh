#!/bin/sh
# Looks at the public pages of a server with demo data with Lighthouse. Accessibility, best practices and SEO have to be 100; performance is
# printed only: on a busy machine it says how busy that is. Lighthouse comes into .local on the first run, with npm.
#
# Environment:
#   CHROMIUM=/usr/bin/chromium
set -eu

cd "$(dirname "$0")/../.."
say() { echo "lighthouse: $*" >&2; }
die() { say "$*"; exit 1; }

: "${CHROMIUM:=/usr/bin/chromium}"

[ -x "$CHROMIUM" ] || die "no $CHROMIUM here: install Chromium (Debian: apt-get install chromium), or say where it is, CHROMIUM=/path/to/chromium"

here=infra/lighthouse
work=$PWD/.local/lighthouse

. infra/functions.sh
with_npm Lighthouse
serve DATA=demo

low=
for path in / /monitors/checkout /incidents/3 /history; do
	CHROME_PATH=$CHROMIUM "$work/npm/node_modules/.bin/lighthouse" "$url$path" --quiet --output json --output-path "$work/report.json" \
		--only-categories performance,accessibility,best-practices,seo --chrome-flags='--headless --no-sandbox'
	node -e '
		const report = JSON.parse(require("fs").readFileSync(process.argv[1]));
		const scores = Object.values(report.categories).map(c => [c.title, Math.round(c.score * 100)]);
		console.log(process.argv[2] + ": " + scores.map(s => s.join(" ")).join(", "));
		const failed = Object.values(report.audits).filter(a => a.score === 0 && a.scoreDisplayMode === "binary").map(a => a.id);
		if (scores.some(([title, score]) => title !== "Performance" && score !== 100)) { console.log("  " + failed.join(", ")); process.exit(1); }
	' "$work/report.json" "$path" || low=yes
done
[ -z "$low" ] || die 'some scores are below 100'
