# Functions that the run.sh of several tests share. They source it, in the checkout's root, after they have defined say and die; $here is
# their folder and $work what they may fill.

# with_npm WHAT: brings what $here/package-lock.json names into $work/npm, the first time.
with_npm() {
	command -v npm >/dev/null || die 'no npm here: install it (Debian: apt-get install npm)'
	cmp -s "$here/package-lock.json" "$work/npm/installed" && return
	say "fetching $1 with npm, only this once"
	rm -rf "$work/npm"
	mkdir -p "$work/npm"
	cp "$here/package.json" "$here/package-lock.json" "$work/npm"
	(cd "$work/npm" && npm ci --silent --no-audit --no-fund)
	cp "$here/package-lock.json" "$work/npm/installed"
}

server=

# serve NAME=VALUE...: starts tocsin serve on a free port, with this environment and with API_KEY, until the script ends. Its address is in
# $url, its process id in $server, and its log in $work/log.
serve() {
	mkdir -p "$work"
	API_KEY=kener_$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')
	export API_KEY
	trap stop_serving EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	: >"$work/serve" # an earlier run may have left another address
	env PORT=0 "$@" .local/bin/tocsin serve >"$work/serve" 2>"$work/log" &
	server=$!
	tries=0
	until url=$(sed -n 's/^ready //p' "$work/serve") && [ -n "$url" ]; do
		kill -0 "$server" 2>/dev/null || { cat "$work/log" >&2; die 'tocsin serve has ended'; }
		tries=$((tries + 1))
		[ "$tries" -lt 300 ] || die 'tocsin serve is not ready'
		sleep 0.2
	done
}

stop_serving() {
	trap '' INT TERM
	[ -n "$server" ] || return 0
	kill "$server" 2>/dev/null || true
	wait "$server" 2>/dev/null || true
}

# check_log: ends the script when the server has failed at a request.
check_log() {
	grep -E '"(status":5|cause":"panic)' "$work/log" >"$work/failures" || return 0
	head -n 5 "$work/failures" >&2
	die "$(wc -l <"$work/failures") failures of the service are in its log, $work/log"
}
