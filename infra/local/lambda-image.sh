#!/bin/sh
# Sees to it that the Docker engine has an image to run provided.al2023 functions in, with `sam local --skip-pull-image`, and says which:
# AWS's where it can be pulled, else the home-made one.
#
#   infra/local/lambda-image.sh x86_64|arm64
#
# Environment:
#   PULL=no    the home-made one in any case
set -eu

say() { echo "lambda-image.sh: $*" >&2; }

here=$(dirname "$0")
architecture=$1
# SAM CLI makes the first of the second.
tag=public.ecr.aws/lambda/provided:al2023-rapid-$architecture
base=public.ecr.aws/lambda/provided:al2023-$architecture

output=$(mktemp)
pull=
stop() {
	[ -z "$pull" ] || kill "$pull" 2>/dev/null || true
	rm -f "$output"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# pull_base: the registry has 15 seconds to answer, and the image 5 minutes to come.
pull_base() {
	docker pull "$base" >"$output" 2>&1 &
	pull=$!
	seconds=0
	while kill -0 "$pull" 2>/dev/null; do
		if [ "$seconds" -ge 300 ] || { [ "$seconds" -ge 15 ] && ! grep -q 'Pulling from' "$output"; }; then
			kill "$pull" 2>/dev/null || true
			break
		fi
		sleep 1
		seconds=$((seconds + 1))
	done
	pulled=0
	wait "$pull" 2>/dev/null || pulled=$?
	pull=
	return "$pulled"
}

home_made() { [ "$(docker image inspect -f '{{index .Config.Labels "tocsin"}}' "$tag" 2>/dev/null)" = home-made ]; }

if [ "${PULL:-}" = no ]; then
	say 'using the home-made image, as PULL=no says'
	"$here/make-lambda-image.sh" "$architecture" >&2
elif pull_base || docker image inspect "$base" >/dev/null 2>&1; then
	say "using AWS's image"
	# SAM CLI keeps what it has made, or what we have, until it is gone.
	if home_made || grep -q 'Downloaded newer image' "$output"; then
		docker image rm -f "$tag" >/dev/null 2>&1 || true
	fi
else
	reason=$(tail -n 1 "$output")
	say "using the home-made image: AWS's can't be pulled here (${reason:-no answer})"
	"$here/make-lambda-image.sh" "$architecture" >&2
fi
