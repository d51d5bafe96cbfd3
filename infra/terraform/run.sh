#!/bin/sh
# The example of docs/terraform.md, as it stands there, against a service of its own: applied, planned again, imported, changed and destroyed.
#
# Environment:
#   TERRAFORM=terraform  the program, or tofu
set -eu

cd "$(dirname "$0")/../.."
say() { echo "test-terraform: $*" >&2; }
die() { say "$*"; exit 1; }

: "${TERRAFORM:=terraform}"

command -v "$TERRAFORM" >/dev/null || die "no $TERRAFORM here"

page=docs/terraform.md
work=$PWD/.local/test-terraform
configuration=$work/configuration

. infra/functions.sh
serve CLOSER=off DATA=memory
export KENER_ENDPOINT="$url" KENER_API_TOKEN="$API_KEY" TF_IN_AUTOMATION=1

rm -rf "$configuration"
mkdir -p "$configuration"
sed -n '/^```hcl$/,/^```$/p' $page | sed '/^```/d' >"$configuration/status.tf"
sed -n 's/^    terraform import //p' $page >"$work/imports"
resources=$(grep -c '^resource ' "$configuration/status.tf") || die "no resource in $page"
[ "$(wc -l <"$work/imports")" -eq "$resources" ] || die "$page does not import each of the $resources resources"

run() { "$TERRAFORM" -chdir="$configuration" "$@" -no-color; }
api() { curl -fsS -H "Authorization: Bearer $API_KEY" "$url/api/v4/$1"; }
apply() { run apply -auto-approve -input=false; }
# 0 is a plan without a change, 2 one with some.
unchanged() { run plan -input=false -detailed-exitcode || die "$1: a plan still finds something to do"; }

say 'apply'
run init -input=false
run fmt -check -diff
apply
unchanged 'applied'

say 'import'
run state list >"$work/state"
while read -r resource; do run state rm "$resource"; done <"$work/state"
while read -r resource id; do
	"$TERRAFORM" -chdir="$configuration" import -no-color -input=false "$resource" "$id"
done <"$work/imports"
apply | tee "$work/applied"
grep -q '^Apply complete! Resources: 0 added, [0-9]* changed, 0 destroyed' "$work/applied" || die 'what was imported is made again'
unchanged 'imported'

say 'change'
sed -i 's/\[kener_monitor.checkout.tag, kener_monitor.website.tag\]/[kener_monitor.email.tag, kener_monitor.website.tag, kener_monitor.checkout.tag]/' "$configuration/status.tf"
apply
unchanged 'changed'
api pages/shop | grep -q '"monitors":\[{"monitor_tag":"email","position":0},{"monitor_tag":"website","position":1},{"monitor_tag":"checkout","position":2}\]' ||
	die "the page has its monitors in another order: $(api pages/shop)"

say 'destroy'
run destroy -auto-approve
for list in monitors incidents maintenances; do
	api $list | grep -q "^{\"$list\":\[\]" || die "$list are left: $(api $list)"
done
[ "$(api pages | grep -o '"page_path":"[^"]*"')" = '"page_path":"~home"' ] || die "pages are left: $(api pages)"
api site/siteName | grep -q '"Example Shop"' || die "the site's name is gone: $(api site/siteName)"
check_log
say 'as the page says'
