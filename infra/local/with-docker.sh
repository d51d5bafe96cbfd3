#!/bin/sh
# Runs a command with a Docker engine: the one that answers, or else one of its own, which it starts before and stops after.
#
#   infra/local/with-docker.sh COMMAND [ARG]...
#
# An engine of its own needs root and dockerd (Debian: apt-get install docker.io). Everything of it is in a temporary folder, images and
# containers too, and the command finds it by DOCKER_HOST. It leaves the firewall as it is: its containers reach this machine and are
# reached from it, but no other network. The exit status is the command's.
set -eu

say() { echo "with-docker.sh: $*" >&2; }
die() { say "$*"; exit 1; }

[ $# -gt 0 ] || die 'say which command: with-docker.sh COMMAND [ARG]...'
command -v docker >/dev/null || die 'no docker here: install it (Debian: apt-get install docker.io)'
if docker info >/dev/null 2>&1; then
	exec "$@"
fi
[ "$(id -u)" = 0 ] || die 'no Docker engine answers, and only root can start one'
command -v dockerd >/dev/null || die 'no Docker engine answers, and there is no dockerd to start one (Debian: apt-get install docker.io)'
for tool in setsid flock ip; do
	command -v $tool >/dev/null || die "no $tool here, which an engine of its own needs (Debian: apt-get install util-linux iproute2)"
done

work=$(mktemp -d /tmp/tocsin-docker.XXXXXX)
engine= command= ready= bridge=

# end PID: SIGTERM, and the time that it takes.
end() {
	kill "$1" 2>/dev/null || true
	wait "$1" 2>/dev/null || true
}
# start: an engine in a session of its own, so that Ctrl-C at a terminal ends the command first.
start() {
	setsid dockerd --host "unix://$work/docker.sock" --data-root "$work/data" --exec-root "$work/exec" --pidfile "$work/pid" \
		--iptables=false --ip-masq=false --ip-forward=false >>"$work/log" 2>&1 9>&- &
	engine=$!
	tries=0
	until docker info >/dev/null 2>&1; do
		kill -0 "$engine" 2>/dev/null || { tail -n 20 "$work/log" >&2; say 'dockerd has ended'; return 1; }
		tries=$((tries + 1))
		[ "$tries" -lt 120 ] || { tail -n 20 "$work/log" >&2; say 'dockerd does not answer'; return 1; }
		sleep 0.5
	done
}
stop() {
	trap '' INT TERM
	[ -z "$command" ] || end "$command"
	if [ -n "$engine" ]; then
		# One that was killed has left its containers running: the next one on the same folder ends them.
		[ -z "$ready" ] || kill -0 "$engine" 2>/dev/null || start || true
		end "$engine" # with its containerd and its containers
	fi
	[ -z "$bridge" ] || ip link delete $bridge 2>/dev/null || true
	# What a killed engine would leave.
	awk -v work="$work/" 'index($2, work) == 1 { print $2 }' /proc/mounts | sort -r | while read -r mounted; do umount "$mounted" || true; done
	rm -rf "$work"
	rmdir /run/docker/plugins /run/docker 2>/dev/null || true
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# One at a time: two engines would give the same addresses on the same bridge.
exec 9<"$(command -v dockerd)"
flock -n 9 || { say 'waiting for another one to end'; flock 9; }

export DOCKER_HOST="unix://$work/docker.sock"
unset DOCKER_CONTEXT
ip link show docker0 >/dev/null 2>&1 || bridge=docker0 # else it is not ours to take away
start || exit 1
ready=yes
say "started a Docker engine ($(docker info -f '{{.ServerVersion}}, {{.Driver}}'))"

# In the background, so that a signal is acted upon at once.
"$@" <&0 9>&- &
command=$!
status=0
wait "$command" || status=$?
command=
exit "$status"
