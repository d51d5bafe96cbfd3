#!/bin/sh
# Deploys the stack to an emulator of AWS on this machine and looks whether it works: test_deploy.py, which has the steps. It needs Go, make
# and python3 with its venv module; the packages of requirements.txt, and the SAM CLI when there is none, come into .local on the first run.
# Nothing of it runs afterwards.
#
# Environment:
#   SAM=sam              the SAM CLI
#   PYTHON=python3
set -eu

cd "$(dirname "$0")/../.."
say() { echo "test-deploy: $*" >&2; }
die() { say "$*"; exit 1; }

: "${PYTHON:=python3}" "${SAM:=sam}"

command -v "$PYTHON" >/dev/null || die "no $PYTHON here: install Python 3.10 or newer"
command -v curl >/dev/null || die 'no curl here'

pip=
trap '[ -z "$pip" ] || kill "$pip" 2>/dev/null || true' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

here=infra/test-deploy
work=$PWD/.local/test-deploy
venv=$work/venv
mkdir -p "$work"
if ! cmp -s $here/requirements.txt "$venv/installed"; then
	say 'installing the emulator, only this once'
	rm -rf "$venv"
	"$PYTHON" -m venv "$venv" 2>/dev/null || die "$PYTHON has no venv module: install it (Debian: apt-get install python3-venv)"
	"$venv/bin/pip" install --quiet --disable-pip-version-check -r $here/requirements.txt &
	pip=$!
	wait "$pip"
	pip=
	cp $here/requirements.txt "$venv/installed"
fi

sam=$(command -v "$SAM" || PYTHON=$PYTHON infra/sam-cli/install.sh)
rm -rf "$work/build" "$work/tmp"
PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 exec "$venv/bin/python" $here/test_deploy.py "$work" "$sam"
