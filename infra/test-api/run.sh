#!/bin/sh
# Schemathesis with all its checks against the OpenAPI document, through the local gateway: the service runs here, in memory, for as long as the
# test takes. infra/with-venv.sh starts it.
#
# Environment:
#   EXAMPLES=30          requests made up for each operation and phase; more find more
#   SEED=1               what the requests are made from
set -eu

cd "$(dirname "$0")/../.."
say() { echo "test-api: $*" >&2; }
die() { say "$*"; exit 1; }

: "${EXAMPLES:=30}" "${SEED:=1}"

command -v curl >/dev/null || die 'no curl here'

here=infra/test-api
work=$PWD/.local/test-api

. infra/functions.sh
serve CLOSER=off DATA=memory

KEPT_MONITORS=kept-1,kept-2,kept-3 ADDRESS=$url
export KEPT_MONITORS ADDRESS
for tag in $(echo "$KEPT_MONITORS" | tr , ' '); do
	curl -fsS -o /dev/null -H "Authorization: Bearer $API_KEY" -d "{\"tag\":\"$tag\",\"name\":\"$tag\"}" "$url/api/v4/monitors" || die "the monitor $tag could not be made"
done
# A rule, an alert, a maintenance and an integration, so that there is one of each.
for call in 'alert-rules {"alert_for":"STATUS","alert_value":"DOWN","monitor_tags":["kept-1"]}' 'status {"points":[{"monitor_tag":"kept-1","status":"DOWN"}]}' \
	'maintenances {"title":"kept","start_date_time":4102444800,"rrule":"FREQ=DAILY;COUNT=3","duration_seconds":60}' \
	'integrations {"name":"kept","kind":"generic"}'; do
	curl -fsS -o /dev/null -H "Authorization: Bearer $API_KEY" -d "${call#* }" "$url/api/v4/${call%% *}" || die 'what is to be there could not be made'
done

# From a folder of its own: what the tools leave behind is not to be in the tree.
status=0
(
	cd "$work"
	SCHEMATHESIS_HOOKS=hooks PYTHONPATH="$OLDPWD/$here" PYTHONDONTWRITEBYTECODE=1 exec "$VENV/bin/schemathesis" --config-file "$OLDPWD/$here/schemathesis.toml" run "$url/openapi.json" \
		--checks all --max-examples "$EXAMPLES" --seed "$SEED" --no-color
) || status=$?
kill -0 "$server" 2>/dev/null || die 'tocsin serve has ended before the test'
check_log
exit "$status"
