#!/bin/sh
# Makes the container image that `sam local` runs provided.al2023 functions in, on a machine that can't pull it.
#
#   infra/local/make-lambda-image.sh [x86_64|arm64]      (the machine's own processor when not given)
#
# It is not Amazon Linux: nothing but the Lambda runtime emulator that comes with SAM CLI, CA certificates and empty folders.
# Our functions are static binaries and need no more. lambda-image.sh beside this file calls it where AWS's can't be pulled.
set -eu

die() { echo "make-lambda-image.sh: $*" >&2; exit 1; }

machine=$(uname -m)
arch=${1:-$machine}
case $arch in
	x86_64 | amd64) arch=x86_64 platform=linux/amd64 ;;
	arm64 | aarch64) arch=arm64 platform=linux/arm64 ;;
	*) die "no such architecture: $arch" ;;
esac

sam=$(command -v "${SAM:-sam}") || die 'no sam here: put it on the PATH or set SAM to it'
# sam is a Python script: its interpreter, named in its first line, knows where the emulator is.
python=$(sed -n '1s/^#! *//p' "$sam")
if ! [ -x "$python" ]; then # one that is not installed by pip
	sam=$("$(dirname "$0")/../sam-cli/install.sh")
	python=$(sed -n '1s/^#! *//p' "$sam")
fi
emulator=$("$python" -c 'import pathlib, samcli; print(pathlib.Path(samcli.__file__).parent / "local/rapid/aws-lambda-rie-'"$arch"'")')
[ -f "$emulator" ] || die "no emulator at $emulator"

certificates=
for file in /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem; do
	if [ -f "$file" ]; then certificates=$file; break; fi
done
[ -n "$certificates" ] || die 'no CA certificates here (Debian: ca-certificates)'

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir -p "$root/tmp" "$root/opt" "$root/var/task" "$root/var/runtime" "$root/var/rapid" "$root/var/empty" "$root/etc/pki/tls/certs"
chmod 1777 "$root/tmp"
cp "$emulator" "$root/var/rapid/aws-lambda-rie"
chmod 755 "$root" "$root/var/rapid/aws-lambda-rie"
cp -L "$certificates" "$root/etc/pki/tls/certs/ca-bundle.crt" # where Amazon Linux has it

# The tag under which SAM CLI looks for what it has made of the real image.
tag=public.ecr.aws/lambda/provided:al2023-rapid-$arch
tar -C "$root" --numeric-owner -cf - . | docker import --platform "$platform" \
	--change 'ENV PATH=/usr/local/bin:/usr/bin:/bin:/opt/bin LAMBDA_TASK_ROOT=/var/task LAMBDA_RUNTIME_DIR=/var/runtime' \
	--change 'WORKDIR /var/task' --change 'LABEL tocsin=home-made' \
	- "$tag" >/dev/null
echo "made $tag"
