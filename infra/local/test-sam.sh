#!/bin/sh
# The functions in Lambda containers, end to end: the README's tour over HTTP, then each function that has a schedule, and one GET and one
# POST as events. sam-local.sh builds and starts what this needs and stops it after; a Docker engine must answer.
set -eu

cd "$(dirname "$0")/../.."
say() { echo "test-sam: $*" >&2; }
die() { say "$*"; exit 1; }

if [ $# = 0 ]; then
	: "${PYTHON:=python3}"
	command -v "$PYTHON" >/dev/null || die "no $PYTHON here: install Python 3.10 or newer"
	# Two free ports, one after the other.
	PORT=$("$PYTHON" -c '
import random, socket
while True:
    port = random.randrange(20000, 32000)
    try:
        for p in (port, port + 1):
            with socket.socket() as s:
                s.bind(("127.0.0.1", p))
    except OSError:
        continue
    print(port)
    break
')
	# The closer of the local gateway would do what is to be done in a container.
	export PORT PYTHON CLOSER=off
	exec infra/local/sam-local.sh infra/local/test-sam.sh running
fi

log=$(mktemp)
child=
stop() {
	trap '' INT TERM
	if [ -n "$child" ]; then
		kill "$child" 2>/dev/null || true
		wait "$child" 2>/dev/null || true
	fi
	rm -f "$log"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# await: the command in the background, where a signal is acted upon at once.
await() {
	status=0
	wait "$child" || status=$?
	child=
	return "$status"
}
# invoke FUNCTION EVENT TEXT...: the function's answer and log must have every one of the texts.
invoke() {
	function=$1 event=infra/events/$2.json
	shift 2
	say "$function with $event"
	infra/local/invoke.sh "$function" "$event" >"$log" 2>&1 &
	child=$!
	await || { cat "$log" >&2; die "$function failed"; }
	for text; do
		grep -qF -- "$text" "$log" || { cat "$log" >&2; die "$function did not say: $text"; }
	done
}
# api PATH [BODY]
api() {
	curl -fsS --max-time 60 -H "Authorization: Bearer $API_KEY" ${2:+-d "$2"} "$BASE_URL/api/v4/$1" || die "$1: no answer"
}
# expect TEXT PATTERN
expect() {
	case $1 in
		*"$2"*) ;;
		*) die "no $2 in $1" ;;
	esac
}

say 'the tour'
"$PYTHON" infra/tour/tour.py "$BASE_URL" --seconds 35 &
child=$!
await || die 'the tour failed'

say 'the page, which has no place to be read from here'
[ "$(curl -sS -o /dev/null -w '%{http_code}' --max-time 60 "$BASE_URL/")" = 503 ] || die 'the page is not a 503'

say 'an incident that nobody closed'
now=$(date +%s)
end=$(((now - 3600) / 60 * 60))
made=$(api incidents '{"title":"Nobody closed this","start_date_time":'$((now - 7200))',"end_date_time":'$end'}')
expect "$made" '"state":"INVESTIGATING"'
id=$(echo "$made" | sed 's/^{"incident":{"id":\([0-9]*\),.*/\1/')
invoke CloserFunction closer "close incident $id" 'Nobody closed this' '"IncidentsClosed":1,' '"CloserFailures":0,'
closed=$(api "incidents/$id")
expect "$closed" '"state":"RESOLVED"'
expect "$closed" '"end_date_time":'$end,

say 'a rule about missing data'
expect "$(api alert-rules '{"alert_for":"NO_DATA","alert_value":5,"monitor_tags":["website"]}')" '"alert_for":"NO_DATA"'
export LOG_LEVEL=DEBUG # a run that found nothing says so only then
invoke MinuteFunction minute '"message":"missing data","service":"minute","rules":1,"monitors":1,'
unset LOG_LEVEL

invoke IncidentsFunction post-incident '"status":201,' 'Made by an event'
invoke IncidentsFunction get-incidents '"status":200,' 'Made by an event'
say 'all good'
