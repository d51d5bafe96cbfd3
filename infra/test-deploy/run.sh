#!/bin/sh
# Deploys the stack to an emulator of AWS on this machine and looks whether it works: test_deploy.py, which has the steps. It needs Go and
# make; the SAM CLI comes into .local on the first run when there is none. Nothing of it runs afterwards. infra/with-venv.sh starts it.
#
# Environment:
#   SAM=sam              the SAM CLI
set -eu

cd "$(dirname "$0")/../.."
say() { echo "test-deploy: $*" >&2; }
die() { say "$*"; exit 1; }

: "${SAM:=sam}"

command -v curl >/dev/null || die 'no curl here'

work=$PWD/.local/test-deploy
sam=$(command -v "$SAM" || infra/sam-cli/install.sh)
rm -rf "$work/build" "$work/tmp"
PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 exec "$VENV/bin/python" infra/test-deploy/test_deploy.py "$work" "$sam"
