#!/bin/sh
# Checks template.yaml, offline: sam validate, cfn-lint and checkov of the template, and cfn-lint of what SAM makes of it on AWS, which finds
# what only shows there, such as resources that wait for each other in a circle; and whether the documented rights of who deploys are enough for
# these resources. The template for other accounts in infra/forward gets cfn-lint. It needs the SAM CLI and python3 with its venv module; the
# packages of requirements.txt come into .local on the first run.
#
# Environment:
#   SAM=sam              the SAM CLI
set -eu

cd "$(dirname "$0")/../.."
say() { echo "validate: $*" >&2; }
die() { say "$*"; exit 1; }

: "${SAM:=sam}"

# A region and credentials are asked for although nothing is sent anywhere; without the last two SAM CLI looks for credentials for ten seconds.
export SAM_CLI_TELEMETRY=0 AWS_ACCESS_KEY_ID=none AWS_SECRET_ACCESS_KEY=none AWS_MAX_ATTEMPTS=1 AWS_EC2_METADATA_DISABLED=true
export AWS_DEFAULT_REGION="${AWS_DEFAULT_REGION:-${AWS_REGION:-us-east-1}}"
unset AWS_PROFILE AWS_SESSION_TOKEN

command -v "$SAM" >/dev/null || die "no $SAM here: install AWS SAM CLI (pip install aws-sam-cli), or set SAM to it"

here=infra/validate
work=$PWD/.local/validate

say 'sam validate --lint'
"$SAM" validate --lint

say 'cfn-lint'
"$VENV/bin/cfn-lint" template.yaml infra/forward/alarms.yaml

# Both values of what changes most of the resources.
for parameters in '' GradualDeployment=true; do
	say "cfn-lint of what SAM makes of it${parameters:+ with $parameters}"
	# shellcheck disable=SC2086 # none or one
	"$VENV/bin/python" $here/transform.py template.yaml $parameters >"$work/transformed.json"
	"$VENV/bin/cfn-lint" "$work/transformed.json"
	"$VENV/bin/python" -B $here/check_rights.py "$work/transformed.json"
done

say 'checkov'
"$VENV/bin/checkov" --file template.yaml --config-file .checkov.yaml
# It leaves out what the defaults of the parameters do not make.
say 'checkov with CloudFront=true'
sed "/^  CloudFront:/,/^    Default:/s/'false'\$/'true'/" template.yaml >"$work/cloudfront.yaml"
"$VENV/bin/checkov" --file "$work/cloudfront.yaml" --config-file .checkov.yaml
