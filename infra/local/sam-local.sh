#!/bin/sh
# The functions as AWS runs them: what `sam build` makes, in Lambda containers behind `sam local start-api`, with DynamoDB Local.
# How to use it, and what it needs, is in README.md beside this file.
#
#   infra/local/sam-local.sh                    serve until Ctrl-C
#   infra/local/sam-local.sh COMMAND [ARG]...   serve, run the command with BASE_URL and API_KEY set, stop, exit with its status
#
# Environment:
#   PORT=3000        port of the API; the next one is the local gateway's
#   API_KEY=kener_…  the API key to use (kener_ and 64 hex digits); else one is made and printed
#   PULL=no          don't pull the container image: use the one that infra/local/make-lambda-image.sh has made
#   SAM=sam          the SAM CLI
#
# Nothing stays behind: the data are in memory, and DynamoDB Local and the containers are stopped.
set -eu

cd "$(dirname "$0")/../.."
say() { echo "sam-local.sh: $*" >&2; }
die() { say "$*"; exit 1; }

: "${PORT:=3000}" "${SAM:=sam}" "${PULL:=yes}"

# SAM CLI and the SDK want an account and a region, although nothing goes to AWS. Without the last two, every sam command looks for
# credentials for ten seconds.
export AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1
export SAM_CLI_TELEMETRY=0 AWS_MAX_ATTEMPTS=1 AWS_EC2_METADATA_DISABLED=true
unset AWS_PROFILE AWS_SESSION_TOKEN

command -v "$SAM" >/dev/null || die "no $SAM here: install AWS SAM CLI (pip install aws-sam-cli), or set SAM to it"
command -v curl >/dev/null || die 'no curl here'
docker info >/dev/null 2>&1 || die 'no Docker here, or its daemon does not run'
case $(uname -m) in
	x86_64 | amd64) architecture=x86_64 ;;
	*) architecture=arm64 ;;
esac
case $PULL in
	no) pull=--skip-pull-image ;;
	*) pull= ;;
esac
if [ -z "${API_KEY:-}" ]; then
	API_KEY=kener_$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')
	say "API key: $API_KEY"
fi
export API_KEY

make -s .local/bin/tocsin
make -s build "SAM=$SAM" "ARCHITECTURE=$architecture" >&2

work=$(mktemp -d)
gateway= api= endpoint=
stop() {
	trap '' INT TERM
	# SIGTERM, and time to act on it: the local gateway then stops DynamoDB Local.
	for pid in $api $gateway; do
		kill "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
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
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# wait_for URL PID NAME
wait_for() {
	tries=0
	until curl -fsS -o /dev/null "$1" 2>/dev/null; do
		kill -0 "$2" 2>/dev/null || die "$3 has ended"
		tries=$((tries + 1))
		[ "$tries" -lt 180 ] || die "$3 does not answer"
		sleep 1
	done
}

# The local gateway starts DynamoDB Local, makes the table and the key, and writes down where the engine is.
gateway_port=$((PORT + 1))
DATA=memory PORT=$gateway_port .local/bin/tocsin serve >"$work/serve" &
gateway=$!
wait_for "http://127.0.0.1:$gateway_port/healthcheck" "$gateway" 'tocsin serve'
engine=$(cat ".local/data/$gateway_port/endpoint")

# In sam local, !Ref Table gives the table's logical id, not a name: say which table it is.
echo '{"Parameters":{"TABLE_NAME":"tocsin"}}' >"$work/environment.json"

# The containers reach this machine, and DynamoDB Local on it, by the name that --add-host gives it.
endpoint=http://host.docker.internal:${engine##*:}
"$SAM" local start-api --port "$PORT" --warm-containers EAGER $pull \
	--env-vars "$work/environment.json" \
	--add-host host.docker.internal:host-gateway \
	--parameter-overrides "Architecture=$architecture DynamoDBEndpoint=$endpoint" >&2 &
api=$!
export BASE_URL="http://127.0.0.1:$PORT"
wait_for "$BASE_URL/healthcheck" "$api" 'sam local start-api'

# The example monitors, so that the tour of the README works here too.
.local/bin/tocsin monitors import --local --port "$gateway_port" --examples >&2 || die 'the example monitors could not be made'

if [ $# -eq 0 ]; then
	say "ready $BASE_URL, with the local gateway on the same table at http://127.0.0.1:$gateway_port"
	wait "$api"
else
	"$@"
fi
