# What sam-local.sh and invoke.sh have in common. They source it, in the root of the checkout, after they have said what die does.

: "${PORT:=3000}"
BASE_URL=http://127.0.0.1:$PORT
# The local gateway, which runs besides on the same table, has the next port.
gateway_port=$((PORT + 1))

command -v docker >/dev/null || die 'no Docker here: install it and start its engine'
docker info >/dev/null 2>&1 || die 'no Docker engine answers: start it (as root on Debian: infra/local/with-docker.sh COMMAND)'
command -v curl >/dev/null || die 'no curl here'

# SAM CLI and the SDK want an account and a region, although nothing goes to AWS. Without the last two, every sam command looks for
# credentials for ten seconds.
export AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1
export SAM_CLI_TELEMETRY=0 AWS_MAX_ATTEMPTS=1 AWS_EC2_METADATA_DISABLED=true
unset AWS_PROFILE AWS_SESSION_TOKEN

if [ -n "${SAM:-}" ]; then
	command -v "$SAM" >/dev/null || die "no $SAM here, which SAM names"
else
	SAM=$(command -v sam || infra/sam-cli/install.sh)
fi
export SAM
case $(uname -m) in
	x86_64 | amd64) architecture=x86_64 ;;
	*) architecture=arm64 ;;
esac

# read_endpoint: where the containers find DynamoDB Local, under the name that --add-host gives to this machine.
read_endpoint() {
	engine=$(cat ".local/data/$gateway_port/endpoint" 2>/dev/null) || die "nothing serves on port $gateway_port"
	endpoint=http://host.docker.internal:${engine##*:}
}

# sam_local COMMAND [OPTION]... becomes `sam local` with what every command needs here: the image of lambda-image.sh; the table's name,
# which in sam local is not what !Ref Table gives; this machine's name; the template's parameters.
sam_local() {
	exec "$SAM" local "$@" --skip-pull-image --env-vars infra/local/environment.json \
		--add-host host.docker.internal:host-gateway \
		--parameter-overrides "Architecture=$architecture DynamoDBEndpoint=$endpoint LogLevel=${LOG_LEVEL:-INFO}"
}
