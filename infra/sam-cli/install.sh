#!/bin/sh
# Installs the SAM CLI that requirements.txt names, if it is not there yet, into a Python environment of its own, and prints the path of
# its `sam`. It needs python3 with its venv module, and the network the first time. What is on the PATH is not looked at:
#
#   sam=$(command -v sam || infra/sam-cli/install.sh)
#
# Environment:
#   TOCSIN_TOOLS=.local    folder for it, in the checkout unless it starts with /
#   PYTHON=python3
set -eu

cd "$(dirname "$0")/../.."
say() { echo "sam-cli: $*" >&2; }
die() { say "$*"; exit 1; }

: "${TOCSIN_TOOLS:=.local}" "${PYTHON:=python3}"
wanted=infra/sam-cli/requirements.txt
version=$(sed -n 's/^aws-sam-cli==//p' $wanted)
mkdir -p "$TOCSIN_TOOLS"
venv=$(cd "$TOCSIN_TOOLS" && pwd)/sam-$version

if [ "$(SAM_CLI_TELEMETRY=0 "$venv/bin/sam" --version 2>/dev/null)" != "SAM CLI, version $version" ]; then
	command -v "$PYTHON" >/dev/null || die "no $PYTHON here: install Python 3.10 or newer"
	say "installing SAM CLI $version, only this once"
	rm -rf "$venv"
	"$PYTHON" -m venv "$venv" >&2 || die "$PYTHON has no venv module: install it (Debian: apt-get install python3-venv)"
	"$venv/bin/pip" install --quiet --disable-pip-version-check -r $wanted >&2
fi
echo "$venv/bin/sam"
