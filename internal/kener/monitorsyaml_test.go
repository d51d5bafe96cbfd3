package kener_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/definitions"
	"tocsin/internal/kener"
	"tocsin/internal/statuspage"
)

// monitorFiles are forms of monitors.yaml that the releases of Kener before 4 had, what
// becomes of them, and what is left out.
var monitorFiles = []struct{ name, in, want, leftOut string }{
	{
		"the first releases: the check in the monitor itself",
		`
- name: Search page
  description: Where people look for things
  tag: "search-page"
  image: "/search.png"
  method: GET
  url: https://search.example.com/start
- name: Earth
  tag: "earth"
  noData: UP
- name: Make an order
  tag: "orders"
  method: post
  url: https://api.example.com/orders/$ORDER
  headers:
    x-client-id: $CLIENT
    x-api-version: 2022-09-01
  body: '{"n":1}'
  timeout: 9000
  eval: |
    (function (code, time) { return {status: "UP", latency: time} })
`, `monitors:
- tag: search-page
  name: Search page
  description: Where people look for things
  image: /search.png
  monitor_type: API
  type_data:
    method: GET
    url: https://search.example.com/start
- tag: earth
  name: Earth
  default_status: UP
  monitor_type: NONE
- tag: orders
  name: Make an order
  monitor_type: API
  type_data:
    body: '{"n":1}'
    headers:
    - key: x-client-id
      value: $CLIENT
    - key: x-api-version
      value: '2022-09-01'
    method: POST
    timeout: 9000
    url: https://api.example.com/orders/$ORDER
`, `monitor "orders": eval is left out: no code is run here
`,
	},
	{
		"a section for the check, and no method",
		`
- name: Start page
  tag: start
  image: https://example.com/logo.svg
  category: "Web sites"
  api:
      url: https://www.example.com/
      hideURLForGet: true
- name: Earth
  description: |
    Our <b>planet</b>

    and the only one
  tag: earth
  defaultStatus: "UP"
  cron: "*/2 * * * *"
`, `monitors:
- tag: start
  name: Start page
  image: https://example.com/logo.svg
  category_name: Web sites
  monitor_type: API
  type_data:
    method: GET
    url: https://www.example.com/
- tag: earth
  name: Earth
  description: |
    Our <b>planet</b>

    and the only one
  default_status: UP
  cron: '*/2 * * * *'
  monitor_type: NONE
`, `monitor "start": api.hideURLForGet is left out: there is no such field here
`,
	},
	{
		"Kener 1: pings and thresholds",
		`
- name: Mail
  tag: mail
  hidden: true
  dayDegradedMinimumCount: 3
  dayDownMinimumCount: 2
  includeDegradedInDowntime: true
  ping:
      hostsV4:
          - mail.example.com
          - 192.0.2.7
      hostsV6:
          - 2001:db8::7
- {name: Sun, tag: sun, hidden: false, includeDegradedInDowntime: false, defaultStatus: degraded}
`, `monitors:
- tag: mail
  name: Mail
  is_hidden: 'YES'
  include_degraded_in_downtime: 'YES'
  monitor_type: PING
  type_data:
    hosts:
    - count: 3
      host: mail.example.com
      timeout: 1000
      type: DOMAIN
    - count: 3
      host: 192.0.2.7
      timeout: 1000
      type: IP4
    - count: 3
      host: 2001:db8::7
      timeout: 1000
      type: IP6
- tag: sun
  name: Sun
  default_status: DEGRADED
  is_hidden: 'NO'
  include_degraded_in_downtime: 'NO'
  monitor_type: NONE
`, `monitor "mail": dayDegradedMinimumCount is left out: it can't be set here
monitor "mail": dayDownMinimumCount is left out: it can't be set here
`,
	},
	{
		"Kener 2: names, and alerts",
		`
- name: Zone
  tag: zone
  dns:
      host: "www.example.com"
      lookupRecord: "cname"
      nameServer: "192.0.2.53"
      matchType: "ANY"
      values:
          - "pages.example.net"
  alerts:
      DOWN:
          failureThreshold: 2
          successThreshold: 61
          createIncident: true
          description: "Runbook: https://wiki.example.com/zone"
          triggers:
              - Chat
      DEGRADED:
          failureThreshold: 5
      FLAPPING: {}
- name: Both
  tag: both
  api: {url: "https://both.example.com"}
  alerts: {DOWN: {severity: warning}, DEGRADED: {}}
`, `monitors:
- tag: zone
  name: Zone
  monitor_type: DNS
  type_data:
    host: www.example.com
    lookupRecord: CNAME
    matchType: ANY
    nameServer: 192.0.2.53
    values:
    - pages.example.net
- tag: both
  name: Both
  monitor_type: API
  type_data:
    method: GET
    url: https://both.example.com
alert_rules:
- alert_for: STATUS
  alert_value: DOWN
  monitor_tags: [zone]
  failure_threshold: 2
  success_threshold: 60
  severity: CRITICAL
  create_incident: true
  description: 'Runbook: https://wiki.example.com/zone'
  is_active: true
- alert_for: STATUS
  alert_value: DEGRADED
  monitor_tags: [zone]
  failure_threshold: 5
  success_threshold: 1
  severity: WARNING
  create_incident: false
  is_active: true
- alert_for: STATUS
  alert_value: DOWN
  monitor_tags: [both]
  failure_threshold: 1
  success_threshold: 1
  severity: WARNING
  create_incident: false
  is_active: true
`, `monitor "zone": alerts.DOWN.successThreshold "61" is kept as 60: it must be from 1 to 60
monitor "zone": alerts.DOWN.triggers is left out: alerts send no messages here
monitor "zone": alerts.FLAPPING is left out: there is no such field here
monitor "both": alerts.DEGRADED is left out: the alert of DOWN has the severity WARNING too
`,
	},
	{
		"Kener 3: the fields of its table",
		`
- id: 7
  tag: Shop_API
  name: Shop
  description: ""
  image: null
  cron: "* * * * *"
  default_status: NONE
  status: INACTIVE
  category_name: Home
  monitor_type: API
  type_data: '{"url":"https://shop.example.com","method":"GET","headers":[{"key":"A","value":"b"},{"key":"","value":"c"}],"body":"","timeout":10000,"eval":"","hideURLForGet":"NO","allowSelfSignedCert":true}'
  include_degraded_in_downtime: "NO"
  is_hidden: "YES"
  down_trigger: '{"trigger_type":"DOWN","failureThreshold":3,"successThreshold":2,"createIncident":"YES","active":false,"severity":"critical","description":"Gone"}'
- tag: db
  name: Database
  monitorType: tcp
  typeData:
    hosts: [{type: IP4, host: 192.0.2.9, port: 5432, timeout: 500}, {host: db.example.com, port: "5432", count: 3}, {port: 1}]
    tcpEval: x
- {tag: cert, name: Certificate, monitor_type: SSL, type_data: {host: example.com, port: 443, degradedRemainingHours: 240, downRemainingHours: "24"}}
- {tag: rows, name: Rows, monitor_type: SQL, type_data: {dbType: pg, connectionString: "postgresql://u@db/x", query: SELECT 1, timeout: 5000}}
- {tag: job, name: Job, monitor_type: HEARTBEAT, type_data: {degradedRemainingMinutes: 5, downRemainingMinutes: 10, secretString: s}}
- {tag: game, name: Game, monitor_type: GAMEDIG, type_data: {gameId: minecraft, host: game.example.com, port: 25565, guessPort: false}}
- {tag: all, name: All, monitor_type: GROUP, type_data: {monitors: [{id: 7, name: Shop, tag: Shop_API}, {tag: db, weight: 0.5}, {tag: gone}], timeout: 3000, hideMonitors: false}}
`, `monitors:
- tag: shop_api
  name: Shop
  category_name: Home
  status: INACTIVE
  default_status: NONE
  is_hidden: 'YES'
  include_degraded_in_downtime: 'NO'
  cron: '* * * * *'
  monitor_type: API
  type_data:
    allowSelfSignedCert: true
    headers:
    - key: A
      value: b
    method: GET
    timeout: 10000
    url: https://shop.example.com
- tag: db
  name: Database
  monitor_type: TCP
  type_data:
    hosts:
    - host: 192.0.2.9
      port: 5432
      timeout: 500
      type: IP4
    - host: db.example.com
      port: 5432
      timeout: 1000
      type: DOMAIN
- tag: cert
  name: Certificate
  monitor_type: SSL
  type_data:
    degradedRemainingHours: 240
    downRemainingHours: 24
    host: example.com
    port: '443'
- tag: rows
  name: Rows
  monitor_type: SQL
  type_data:
    connectionString: postgresql://u@db/x
    dbType: pg
    query: SELECT 1
    timeout: 5000
- tag: job
  name: Job
  monitor_type: HEARTBEAT
  type_data:
    degradedRemainingMinutes: 5
    downRemainingMinutes: 10
    secretString: s
- tag: game
  name: Game
  monitor_type: GAMEDIG
  type_data:
    gameId: minecraft
    guessPort: false
    host: game.example.com
    port: 25565
- tag: all
  name: All
  monitor_type: GROUP
  type_data:
    monitors:
    - tag: shop_api
    - tag: db
      weight: 0.5
alert_rules:
- alert_for: STATUS
  alert_value: DOWN
  monitor_tags: [shop_api]
  failure_threshold: 3
  success_threshold: 2
  severity: CRITICAL
  create_incident: true
  description: Gone
  is_active: false
`, `monitor 1: its tag "Shop_API" is kept as "shop_api"
monitor "shop_api": id is left out: there is no such field here
monitor "shop_api": type_data.eval is left out: no code is run here
monitor "shop_api": type_data.hideURLForGet is left out: there is no such field here
monitor "shop_api": down_trigger.trigger_type is left out: there is no such field here
monitor "db": type_data.hosts[1].count is left out: there is no such field here
monitor "db": type_data.hosts[2] is left out: it has no host
monitor "db": type_data.tcpEval is left out: no code is run here
monitor "all": type_data.monitors[2] is left out: there is no monitor "gone"
monitor "all": type_data.timeout is left out: there is no such field here
monitor "all": type_data.hideMonitors is left out: there is no such field here
`,
	},
	{
		"an early Kener 3: pings with ports, and more than one check",
		`
- tag: two
  name: Two
  ping: {hostsV4: ["mail.example.com:465", 192.0.2.1]}
  api: {url: "https://two.example.com"}
- {tag: one, name: One, monitor_type: PING, type_data: {hostsV4: ["mail.example.com:465"], hostsV6: ["2001:db8::1:443"], pingEval: x}}
`, `monitors:
- tag: two
  name: Two
  monitor_type: API
  type_data:
    method: GET
    url: https://two.example.com
- tag: one
  name: One
  monitor_type: PING
  type_data:
    hosts:
    - count: 3
      host: mail.example.com
      timeout: 1000
      type: DOMAIN
    - count: 3
      host: 2001:db8::1:443
      timeout: 1000
      type: IP6
`, `monitor "two": ping is left out: a monitor has one check, and this one has API
monitor "one": type_data.hostsV4[0]: the port of "mail.example.com:465" is left out
monitor "one": type_data.pingEval is left out: no code is run here
`,
	},
	{
		"tags that are none, are missing or are there twice",
		`
- {name: Admin, tag: admin}
- {name: Users, tag: admin}
- {name: Billing Service (EU)}
- {name: Земля}
- {tag: nameless}
- {tag: 42, name: 7}
- {tag: " spaced ", name: " padded "}
- {description: nothing}
- just a text
- {tag: admin, name: Third}
- {tag: all, name: All, monitor_type: GROUP, type_data: {monitors: [{tag: admin}]}}
`, `monitors:
- tag: admin
  name: Admin
  monitor_type: NONE
- tag: admin-2
  name: Users
  monitor_type: NONE
- tag: billing-service--eu
  name: Billing Service (EU)
  monitor_type: NONE
- tag: monitor-4
  name: Земля
  monitor_type: NONE
- tag: nameless
  name: nameless
  monitor_type: NONE
- tag: '42'
  name: '7'
  monitor_type: NONE
- tag: spaced
  name: padded
  monitor_type: NONE
- tag: admin-3
  name: Third
  monitor_type: NONE
- tag: all
  name: All
  monitor_type: GROUP
  type_data:
    monitors:
    - tag: admin
`, `monitor 2: its tag "admin" is kept as "admin-2"
monitor 3: it has no tag: it gets "billing-service--eu"
monitor 4: it has no tag: it gets "monitor-4"
monitor 5: it has no name: it is called "nameless"
monitor 8: left out: it has neither a tag nor a name
monitor 9: left out: it is no mapping
monitor 10: its tag "admin" is kept as "admin-3"
`,
	},
	{
		"aliases and merged mappings",
		`
- name: One
  tag: one
  api: &check
    url: https://one.example.com
    headers: &headers {Accept: text/html}
- name: Two
  tag: two
  api:
    <<: *check
    url: https://two.example.com
- name: Three
  tag: three
  api: {url: "https://three.example.com", headers: *headers}
`, `monitors:
- tag: one
  name: One
  monitor_type: API
  type_data:
    headers:
    - key: Accept
      value: text/html
    method: GET
    url: https://one.example.com
- tag: two
  name: Two
  monitor_type: API
  type_data:
    headers:
    - key: Accept
      value: text/html
    method: GET
    url: https://two.example.com
- tag: three
  name: Three
  monitor_type: API
  type_data:
    headers:
    - key: Accept
      value: text/html
    method: GET
    url: https://three.example.com
`, ``,
	},
	{
		"what makes no sense",
		`
- tag: a
  name: A
  description: [x]
  image: "logo.png"
  status: PAUSED
  hidden: maybe
  defaultStatus: GREEN
  confirmation: 5
  api: {method: GET, timeout: soon}
- {tag: b, name: B, image: "javascript:alert(1)", dns: {host: x}}
- {tag: c, name: C, image: "//elsewhere.example/x.png", monitor_type: QUANTUM, type_data: {}}
- {tag: d, name: D, api: null, ping: {}, externalUrl: "javascript:alert(1)"}
- tag: e
  name: E
  image: /\evil.example/x.png
  external_url: "http:///x"
  status: inactive
  alerts:
    DOWN: {failureThreshold: 61, successThreshold: 99999999999999999999}
    DEGRADED: {failureThreshold: 0, successThreshold: many}
`, `monitors:
- tag: a
  name: A
  status: INACTIVE
  default_status: NONE
  monitor_type: NONE
- tag: b
  name: B
  monitor_type: NONE
- tag: c
  name: C
  monitor_type: NONE
- tag: d
  name: D
  monitor_type: NONE
- tag: e
  name: E
  status: INACTIVE
  monitor_type: NONE
alert_rules:
- alert_for: STATUS
  alert_value: DOWN
  monitor_tags: [e]
  failure_threshold: 60
  success_threshold: 60
  severity: CRITICAL
  create_incident: false
  is_active: true
- alert_for: STATUS
  alert_value: DEGRADED
  monitor_tags: [e]
  failure_threshold: 1
  success_threshold: 1
  severity: WARNING
  create_incident: false
  is_active: true
`, `monitor "a": description is left out: it is no text
monitor "a": image "logo.png" is left out: it must be an http or https address, or a path that starts with /
monitor "a": status "PAUSED" is kept as INACTIVE: it must be one of ACTIVE, INACTIVE
monitor "a": hidden "MAYBE" is left out: it must be true or false
monitor "a": defaultStatus "GREEN" is kept as NONE: it must be one of UP, DOWN, DEGRADED, MAINTENANCE, NO_DATA, NONE
monitor "a": confirmation is left out: there is no such field here
monitor "a": api.timeout "soon" is left out: it is no number
monitor "a": its check API is left out: it has no url
monitor "b": image "javascript:alert(1)" is left out: it must be an http or https address, or a path that starts with /
monitor "b": its check DNS is left out: it has no lookupRecord, values
monitor "c": image "//elsewhere.example/x.png" is left out: it must be an http or https address, or a path that starts with /
monitor "c": its check is left out: there is no type "QUANTUM"
monitor "d": externalUrl "javascript:alert(1)" is left out: it must be an http or https address, or a path that starts with /
monitor "d": its check PING is left out: it has no hosts
monitor "e": image "/\\evil.example/x.png" is left out: it must be an http or https address, or a path that starts with /
monitor "e": external_url "http:///x" is left out: it must be an http or https address, or a path that starts with /
monitor "e": alerts.DOWN.failureThreshold "61" is kept as 60: it must be from 1 to 60
monitor "e": alerts.DOWN.successThreshold "99999999999999999999" is kept as 60: it must be from 1 to 60
monitor "e": alerts.DEGRADED.failureThreshold "0" is kept as 1: it must be from 1 to 60
monitor "e": alerts.DEGRADED.successThreshold "many" is kept as 1: it must be from 1 to 60
`,
	},
	{
		"every default status, and types that only Kener 4 has",
		`
- {tag: a, name: A, defaultStatus: maintenance, monitor_type: DOCKER, type_data: {container: web, port: 2375, ok: true, eval: x, at: .nan}}
- {tag: b, name: B, noData: NO_DATA, monitor_type: PROMETHEUS, type_data: '{"query":"up","labels":{"job":["a",null,0.5]}}'}
- {tag: c, name: C, monitor_type: GRPC, type_data: {deep: ` + strings.Repeat("[", 51) + `1` + strings.Repeat("]", 51) + `, host: c.example.com}}
`, `monitors:
- tag: a
  name: A
  default_status: MAINTENANCE
  monitor_type: DOCKER
  type_data:
    container: web
    ok: true
    port: 2375
- tag: b
  name: B
  default_status: NO_DATA
  monitor_type: PROMETHEUS
  type_data:
    labels:
      job:
      - a
      - null
      - 0.5
    query: up
- tag: c
  name: C
  monitor_type: GRPC
  type_data:
    host: c.example.com
`, `monitor "a": type_data.eval is left out: no code is run here
monitor "a": type_data.at is left out: it can't be written as JSON, or is nested too deep
monitor "c": type_data.deep is left out: it can't be written as JSON, or is nested too deep
`,
	},
	{"an empty list", "[]", "monitors: []\n", ""},
}

func TestConvertMonitors(t *testing.T) {
	for _, tt := range monitorFiles {
		t.Run(tt.name, func(t *testing.T) {
			var leftOut strings.Builder
			got, err := kener.ConvertMonitors([]byte(tt.in), func(format string, args ...any) { fmt.Fprintf(&leftOut, format+"\n", args...) })
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, string(got)); diff != "" {
				t.Errorf("definitions (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.leftOut, leftOut.String()); diff != "" {
				t.Errorf("what is left out (-want +got):\n%s", diff)
			}
			if _, err := definitions.Parse(got); err != nil {
				t.Errorf("it can't be imported: %v", err)
			}
		})
	}
}

func TestConvertMonitorsRefuses(t *testing.T) {
	for _, in := range []string{"", "monitors: []", "text", "- {a: b", "a: 1\n---\nb: 2", "\xff"} {
		if got, err := kener.ConvertMonitors([]byte(in), t.Logf); err == nil {
			t.Errorf("%q becomes %s", in, got)
		}
	}
}

// FuzzConvertMonitors makes monitors of any list, which can be imported unless one of them
// is too large.
func FuzzConvertMonitors(f *testing.F) {
	for _, tt := range monitorFiles {
		f.Add(tt.in)
	}
	f.Add("- &a {name: x, <<: *a, api: *a}")
	f.Add("- {name: \"\\u0000\\u2028\\ufeff\", tag: \"\\x1b\", description: \"a\\r\\n b\", api: {url: \"\\t\", headers: {? [x] : y}}}")
	f.Fuzz(func(t *testing.T, in string) {
		got, err := kener.ConvertMonitors([]byte(in), func(string, ...any) {})
		if err != nil {
			return
		}
		if _, err := definitions.Parse(got); err != nil && !strings.Contains(err.Error(), statuspage.ErrMonitorTooLarge.Error()) {
			t.Errorf("%v\n%s", err, got)
		}
	})
}
