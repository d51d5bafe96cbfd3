#!/bin/sh
# The functions as AWS runs them: built by `sam build`, in Lambda containers behind `sam local start-api`, with DynamoDB Local.
# Slower and less exact than `make run` as far as HTTP goes, but the processes are the real ones: their binary, their environment,
# the Lambda runtime's protocol.
#
#   infra/local/sam-local.sh                    serve on http://127.0.0.1:3000 until Ctrl-C
#   infra/local/sam-local.sh COMMAND [ARG]...   serve, run the command with BASE_URL and API_KEY set, stop, exit with its code
#
# Environment:
#   PORT=3000        port of the API
#   API_KEY=kener_…  the API key to make (kener_ and 64 hex digits); else a new one is made and printed
#   PULL=no          don't pull the container image: use the one that infra/local/make-lambda-image.sh has made
#   SAM=sam          the SAM CLI
#
# Needs Go, Java 17, Maven (the first time), Docker and SAM CLI. The data are in memory and gone at the end, and so are the containers.
set -eu

cd "$(dirname "$0")/../.."
die() { echo "sam-local.sh: $*" >&2; exit 1; }

: "${PORT:=3000}" "${SAM:=sam}" "${PULL:=yes}"
# The local table's name: in `sam local`, !Ref Table gives the table's logical id.
table=Table

# SAM CLI and the SDK want an account and a region, although nothing reaches AWS. Without AWS_MAX_ATTEMPTS=1 and the last one, each
# sam command looks for credentials for ten seconds.
export AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1
export AWS_MAX_ATTEMPTS=1 AWS_EC2_METADATA_DISABLED=true SAM_CLI_TELEMETRY=0
unset AWS_PROFILE AWS_SESSION_TOKEN

if [ -z "${SAM_LOCAL_ENGINE:-}" ]; then
	command -v "$SAM" >/dev/null || die "no $SAM here: install AWS SAM CLI (pip install aws-sam-cli), or set SAM to it"
	docker info >/dev/null 2>&1 || die 'no Docker here, or its daemon does not run'
	case $(uname -m) in
		x86_64 | amd64) SAM_LOCAL_ARCHITECTURE=x86_64 ;;
		*) SAM_LOCAL_ARCHITECTURE=arm64 ;;
	esac
	if [ -z "${API_KEY:-}" ]; then
		API_KEY=kener_$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')
		echo "sam-local.sh: API key $API_KEY"
	fi
	export API_KEY PORT SAM PULL SAM_LOCAL_ARCHITECTURE SAM_LOCAL_ENGINE=yes
	make -s .local/bin/tocsin
	make -s build "SAM=$SAM" "ARCHITECTURE=$SAM_LOCAL_ARCHITECTURE"
	# Starts DynamoDB Local, makes the table and the key, runs this script again and stops DynamoDB Local after it.
	exec .local/bin/tocsin engine --memory --table "$table" -- "infra/local/$(basename "$0")" "$@"
fi

# The containers reach this machine, and DynamoDB Local on it, by this name.
endpoint=http://host.docker.internal:${TOCSIN_TEST_ENDPOINT##*:}
pull=
[ "$PULL" = yes ] || pull=--skip-pull-image

"$SAM" local start-api --port "$PORT" --warm-containers EAGER $pull \
	--add-host host.docker.internal:host-gateway \
	--parameter-overrides "Architecture=$SAM_LOCAL_ARCHITECTURE DynamoDBEndpoint=$endpoint" &
pid=$!

# SAM CLI removes its containers when it is told to end; being killed it would leave them.
stop() {
	trap '' INT TERM
	kill "$pid" 2>/dev/null || true
	wait "$pid" 2>/dev/null || true
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

if [ $# -eq 0 ]; then
	wait "$pid"
	exit
fi

export BASE_URL="http://127.0.0.1:$PORT"
tries=0
until curl -fsS -o /dev/null "$BASE_URL/healthcheck" 2>/dev/null; do
	kill -0 "$pid" 2>/dev/null || die 'sam local start-api has ended'
	tries=$((tries + 1))
	[ "$tries" -lt 120 ] || die 'sam local start-api does not answer'
	sleep 1
done
"$@"
