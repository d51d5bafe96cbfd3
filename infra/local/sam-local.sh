#!/usr/bin/env bash
# The functions as AWS runs them: what `sam build` makes, in Lambda containers behind `sam local start-api`, with DynamoDB Local.
# How to use it, and what it needs, is in README.md beside this file.
#
#   infra/local/sam-local.sh                    serve until Ctrl-C
#   infra/local/sam-local.sh COMMAND [ARG]...   serve, run the command with BASE_URL, PORT and API_KEY set, stop, exit with its status
#
# Environment:
#   PORT=3000        port of the API; the next one is the local gateway's
#   API_KEY=kener_…  the API key to use (kener_ and 64 hex digits); else one is made and printed
#   PULL=no          don't pull the container image: use the home-made one
#   SAM=sam          the SAM CLI; when there is none, infra/sam-cli/install.sh installs it
#
# Nothing stays behind: the data are in memory, and DynamoDB Local and the containers are stopped.
set -eu

cd "$(dirname "$0")/../.."
say() { echo "sam-local.sh: $*" >&2; }
die() { say "$*"; exit 1; }

. infra/local/sam-env.sh
export BASE_URL PORT
for port in "$PORT" "$gateway_port"; do
	if curl -s -o /dev/null --max-time 2 "http://127.0.0.1:$port/"; then
		die "port $port is taken: stop what uses it, or choose another one, for instance PORT=$((PORT + 10))"
	fi
done

if [ -z "${API_KEY:-}" ]; then
	API_KEY=kener_$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')
fi
export API_KEY

work=$(mktemp -d)
gateway= api= command= group= endpoint=
# end PID: SIGTERM, and time to act on it.
end() {
	kill "$1" 2>/dev/null || true
	wait "$1" 2>/dev/null || true
}
stop() {
	trap '' INT TERM
	[ -z "$group" ] || kill -- "-$group" 2>/dev/null || true
	# The local gateway stops DynamoDB Local.
	for pid in $command $api $gateway; do
		end "$pid"
	done
	# SAM CLI 1.170.0 forgets some of the containers that it has started all at once. Ours are those that know our engine.
	if [ -n "$endpoint" ]; then
		for id in $(docker ps -aq); do
			if docker inspect -f '{{range .Config.Env}}{{println .}}{{end}}' "$id" 2>/dev/null | grep -qxF "DYNAMODB_ENDPOINT=$endpoint"; then
				docker rm -f "$id" >/dev/null 2>&1 || true
			fi
		done
	fi
	rm -rf "$work"
	rmdir ".local/data/$gateway_port" 2>/dev/null || true # unless it has data of make run
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# run COMMAND [ARG]...: in the background, so that a signal is acted upon at once.
run() {
	"$@" <&0 &
	command=$!
	status=0
	wait "$command" || status=$?
	command=
	return "$status"
}

run make -s .local/bin/tocsin
# In a process group of its own: sam build leaves the compilers running when it is stopped.
set -m
make -s build "SAM=$SAM" "ARCHITECTURE=$architecture" >&2 </dev/null &
command=$! group=$!
set +m
wait "$command"
command= group=
run infra/local/lambda-image.sh "$architecture"

# wait_for URL PID NAME LOG
wait_for() {
	tries=0
	until curl -fsS -o /dev/null "$1" 2>/dev/null; do
		kill -0 "$2" 2>/dev/null || { tail -n 40 "$4" >&2; die "$3 has ended"; }
		tries=$((tries + 1))
		[ "$tries" -lt 360 ] || { tail -n 40 "$4" >&2; die "$3 does not answer"; }
		sleep 0.5
	done
}

# The local gateway starts DynamoDB Local, makes the table and the key, and writes down where the engine is.
DATA=memory PORT=$gateway_port .local/bin/tocsin serve >"$work/serve" 2>"$work/serve.log" &
gateway=$!
wait_for "http://127.0.0.1:$gateway_port/healthcheck" "$gateway" 'tocsin serve' "$work/serve.log"
read_endpoint
# The example monitors, so that the tour of the README works here too.
.local/bin/tocsin monitors import --local --port "$gateway_port" --examples >&2

sam_local start-api --port "$PORT" --warm-containers EAGER >"$work/api.log" 2>&1 &
api=$!
wait_for "$BASE_URL/healthcheck" "$api" 'sam local start-api' "$work/api.log"

if [ $# -gt 0 ]; then
	run "$@" || { say 'the last of what sam local start-api said:'; tail -n 40 "$work/api.log" >&2; exit "$status"; }
	exit
fi
cat <<END

ready $BASE_URL in containers, and http://127.0.0.1:$gateway_port without, on the same table

API key: $API_KEY

For another terminal:

KEY=$API_KEY

Try it:

# an incident
curl -sS $BASE_URL/api/v4/incidents -H "Authorization: Bearer \$KEY" -d '{"title":"Checkout is slow","start_date_time":'\$(date +%s)',"monitors":[{"monitor_tag":"checkout"}]}'

# all incidents
curl -sS $BASE_URL/api/v4/incidents -H "Authorization: Bearer \$KEY"

# one run of the closer
PORT=$PORT infra/local/invoke.sh CloserFunction infra/events/closer.json

What the functions log follows. Ctrl-C stops all of it.

END
tail -n +1 -f "$work/api.log" >&2 &
command=$!
wait "$api" || true
die 'sam local start-api has ended'
