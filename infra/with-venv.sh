#!/bin/sh
# Runs infra/NAME/run.sh with the Python packages of infra/NAME/requirements.txt, which come into .local/NAME/venv the first time:
#
#   infra/with-venv.sh test-api
#
# It needs python3 with its venv module, and the network the first time. run.sh finds the packages' folder in VENV and runs in the
# checkout's.
#
# Environment:
#   PYTHON=python3
set -eu

cd "$(dirname "$0")/.."
name=$1
say() { echo "$name: $*" >&2; }
die() { say "$*"; exit 1; }

: "${PYTHON:=python3}"
command -v "$PYTHON" >/dev/null || die "no $PYTHON here: install Python 3.10 or newer"

wanted=infra/$name/requirements.txt
VENV=$PWD/.local/$name/venv
export PYTHON VENV

# In the background, so that a signal ends it at once.
pip=
trap '[ -z "$pip" ] || kill "$pip" 2>/dev/null || true' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

if ! cmp -s "$wanted" "$VENV/installed"; then
	say "installing what $wanted names, only this once"
	rm -rf "$VENV"
	mkdir -p "${VENV%/*}"
	"$PYTHON" -m venv "$VENV" 2>/dev/null || die "$PYTHON has no venv module: install it (Debian: apt-get install python3-venv)"
	"$VENV/bin/pip" install --quiet --disable-pip-version-check -r "$wanted" &
	pip=$!
	wait "$pip"
	pip=
	cp "$wanted" "$VENV/installed"
fi
exec "infra/$name/run.sh"
