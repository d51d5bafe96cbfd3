#!/bin/sh
# Starts a function once, in a container of its own, with the event in a file, while sam-local.sh runs: `sam local invoke` with the right
# options, and with a status that tells how it went, which sam's own does not.
#
#   infra/local/invoke.sh FUNCTION EVENT      such as: infra/local/invoke.sh CloserFunction infra/events/closer.json
#
# The function's log comes on stderr, its answer on stdout.
#
# Environment:
#   PORT=3000         the port that sam-local.sh was given
#   API_KEY=kener_…   takes the place of API_KEY in the event
#   LOG_LEVEL=INFO    DEBUG, INFO, WARN or ERROR
#   SAM=sam           the SAM CLI
set -eu

say() { echo "invoke.sh: $*" >&2; }
die() { say "$*"; exit 1; }

[ $# = 2 ] || die 'say which function and which event: invoke.sh CloserFunction infra/events/closer.json'
function=$1
event=$(sed "s/API_KEY/${API_KEY:-API_KEY}/" "$2")
cd "$(dirname "$0")/../.."
. infra/local/sam-env.sh
read_endpoint

work=$(mktemp -d)
sam=
stop() {
	trap '' INT TERM
	if [ -n "$sam" ]; then
		kill "$sam" 2>/dev/null || true
		wait "$sam" 2>/dev/null || true
	fi
	rm -rf "$work"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

printf '%s\n' "$event" >"$work/event.json"
# AWS refuses what is no JSON, SAM does not.
"${PYTHON:-python3}" -m json.tool "$work/event.json" >/dev/null || die "$2 is no JSON"
sam_local invoke "$function" --event "$work/event.json" >"$work/answer" &
sam=$!
status=0
wait "$sam" || status=$?
sam=
cat "$work/answer"
echo
[ "$status" = 0 ] || exit "$status"
grep -q '[^[:space:]]' "$work/answer" || die "$function did not answer"
! grep -q '"errorMessage"' "$work/answer" || die "$function failed"
