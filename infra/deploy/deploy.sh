#!/bin/sh
# Builds the functions and deploys the stack of one environment, which is what samconfig.toml has under its name; then says where the API is
# and how to make the first key. The first time, at a terminal, it asks the five questions of infra/deploy/main.go, whose answers go into
# samconfig.toml. Without a terminal it asks nothing: what is to be other than in that file comes in the options, and the region in AWS_REGION.
#
#   infra/deploy/deploy.sh [OPTION OF SAM DEPLOY]...
#
# Environment:
#   ENV=dev                  the environment
#   SAM=sam                  the SAM CLI
#   CONFIG=samconfig.toml    where the environments are
#   TEMPLATE=template.yaml   what is built
#   BUILD=.aws-sam/build     where the build goes
set -eu

cd "$(dirname "$0")/../.."
say() { echo "make deploy: $*" >&2; }
die() { say "$*"; exit 1; }

: "${ENV:=dev}" "${SAM:=sam}" "${CONFIG:=samconfig.toml}" "${TEMPLATE:=template.yaml}" "${BUILD:=.aws-sam/build}"
# SAM CLI looks for a relative path beside the template, which is the build's.
case $CONFIG in
	/*) ;;
	*) CONFIG=$PWD/$CONFIG ;;
esac
: "${SAM_CLI_TELEMETRY:=0}"
export SAM_CLI_TELEMETRY

# read_settings: what the file says of this environment; nothing when it does not know it.
read_settings() { settings=$(go run ./infra/deploy -show -env "$ENV" -config "$CONFIG") || exit 1; }

# setting NAME: the value of one of them, nothing when there is none.
setting() { printf '%s\n' "$settings" | sed -n "s/^$1=//p"; }

# outputs: the outputs of the stack, as JSON; fails when there is no such stack or it can't be read.
outputs() {
	region=$(setting region)
	profile=$(setting profile)
	"$SAM" list stack-outputs --stack-name "$(setting stack_name)" --output json ${region:+--region "$region"} ${profile:+--profile "$profile"}
}

# output KEY: the value of one output, of the JSON on stdin.
output() {
	sed -n '/"OutputKey": "'"$1"'"/{n;s/^ *"OutputValue": "\(.*\)",*$/\1/p;}'
}

[ -f "$CONFIG" ] || die "no $CONFIG here"

read_settings
if ! [ -t 0 ]; then
	[ -n "$settings" ] || die "$CONFIG knows no environment $ENV"
	set -- --no-progressbar "$@"
elif [ -z "$(setting region)" ]; then
	go run ./infra/deploy -env "$ENV" -config "$CONFIG" -template "$TEMPLATE" || exit 1
	read_settings
fi

# An account that can't be reached is known before the build.
if ! answer=$(outputs 2>&1); then
	case $answer in
		*'does not exist'*) say "there is no stack $(setting stack_name) yet: it will be made" ;;
		# The region may come in the options. A stack without outputs was begun but not made.
		*'No region information'* | *'Outputs do not exist'*) ;;
		*) die "$answer" ;;
	esac
fi

env -u MAKEFLAGS -u MAKELEVEL AWS_DEFAULT_REGION="${AWS_DEFAULT_REGION:-${AWS_REGION:-us-east-1}}" \
	"$SAM" build --config-file "$CONFIG" --config-env "$ENV" --template-file "$TEMPLATE" --base-dir "$PWD" --build-dir "$BUILD" \
	--parameter-overrides "Architecture=$(setting architecture)" >&2

"$SAM" deploy --no-fail-on-empty-changeset --config-file "$CONFIG" --config-env "$ENV" --template-file "$BUILD/template.yaml" "$@"

stack=$(setting stack_name)
answer=$(outputs) || die 'no outputs to show: the stack was not made, or its name was not saved'
table=$(echo "$answer" | output TableName)
region=$(setting region)
profile=$(setting profile)
account=${region:+" --region $region"}${profile:+" --profile $profile"}
cat <<EOF

The API:
    $(echo "$answer" | output ApiUrl)

The public page, within a minute:
    $(echo "$answer" | output PageUrl)

The first key, if there is none yet. It is shown this once:
    .local/bin/tocsin keys create --table $table$account --name first --scope admin

Update:  make deploy ENV=$ENV
Remove:  sam delete --stack-name $stack$account     (the table $table and the bucket $(echo "$answer" | output SiteBucketName) stay)
EOF
