package bench

import (
	"fmt"
	"slices"
	"strings"
)

// A request is what is measured, through the gateway. In its path, body and header value
// {i} is the id of an incident made for it, on both monitors and with one comment, {c} that
// comment's id; {l} is the id of an incident made for it with 30 comments; {k} is the id of a
// key made for it; {t} is the tag of a monitor made for it, {w} that of one with an alert rule
// whose id is {r}, {d} that of one that is down, with an open alert of the rule {o}; {s} is the
// id of a daily maintenance made for it, on both monitors, and {e} that of its first event; {p}
// is the path of a page made for it, with both monitors; {n} is the id of an integration made for it; {m} is a text that is nowhere yet. A change is to change something: what leaves all but the time of
// the update as it was makes no row about it.
type request struct {
	route  string // as the template writes it
	name   string // what distinguishes it from other requests to the route
	method string // "": GET
	path   string
	body   string
	header [2]string // name and value; the value {etag} is that of the path's resource
	status int       // 0: 200

	list bool // the answer of a small table is shorter
	// Whether it must look at more incidents than it shows, in a table that has them.
	growsToItsMaximum bool
}

const (
	incidents    = "/api/v4/incidents"
	oneIncident  = incidents + "/{incident_id}"
	commentsPath = oneIncident + "/comments"
	oneComment   = commentsPath + "/{comment_id}"
	monitors     = "/api/v4/monitors"
	oneMonitor   = monitors + "/{monitor_tag}"
	statusPath   = "/api/v4/status"
	keysPath     = "/api/v4/keys"
	rulesPath    = "/api/v4/alert-rules"
	oneRule      = rulesPath + "/{alert_rule_id}"
	alertsPath   = "/api/v4/alerts"

	maintenances   = "/api/v4/maintenances"
	oneMaintenance = maintenances + "/{maintenance_id}"
	eventsPath     = oneMaintenance + "/events"
	oneEvent       = eventsPath + "/{event_id}"

	pagesPath = "/api/v4/pages"
	onePage   = pagesPath + "/{page_path}"
	sitePath  = "/api/v4/site"
	oneKey    = sitePath + "/{key}"

	integrationsPath = "/api/v4/integrations"
	oneIntegration   = integrationsPath + "/{integration_id}"

	legacy    = "/api/incident"
	oneLegacy = legacy + "/{incidentNumber}"

	fewPoints = 20

	// of the request with the idempotency key "replayed", which was sent before
	replayedBody = `{"title":"Outage","start_date_time":60}`
	daily        = `{"title":"Backup","start_date_time":{minute},"rrule":"FREQ=DAILY","duration_seconds":600,"monitors":[{"monitor_tag":"all"},{"monitor_tag":"open"}]}`
	onceOnly     = `{"title":"Move","start_date_time":{minute},"rrule":"FREQ=MINUTELY;COUNT=1","duration_seconds":600,"monitors":[{"monitor_tag":"all"},{"monitor_tag":"open"}]}`
	newIncident  = `{"title":"Outage","start_date_time":60,"monitors":[{"monitor_tag":"all"},{"monitor_tag":"open"}]}`
	bothMonitors = `{"monitors":[{"monitor_tag":"all"},{"monitor_tag":"open"}]}`
	bothDegraded = `{"monitors":[{"monitor_tag":"all","impact":"DEGRADED"},{"monitor_tag":"open","impact":"DEGRADED"}]}`
)

func list(name, query string) request {
	return request{route: "GET " + incidents, name: name, path: incidents + query, list: true}
}

func maintenanceList(name, query string) request {
	return request{route: "GET " + maintenances, name: name, path: maintenances + query, list: true}
}

func growing(r request) request {
	r.growsToItsMaximum = true
	return r
}

// with returns the request with a header more.
func with(r request, more, header, value string) request {
	r.name += ", " + more
	r.header = [2]string{header, value}
	return r
}

// idempotent returns the request with an idempotency key.
func idempotent(r request) request {
	return with(r, "idempotency key", "Idempotency-Key", "{m}")
}

var (
	getOne        = request{route: "GET " + oneIncident, name: "one", path: incidents + "/4"}
	patchTitle    = request{route: "PATCH " + oneIncident, name: "title", method: "PATCH", path: incidents + "/1", body: `{"title":"{m}"}`}
	patchMonitors = request{route: "PATCH " + oneIncident, name: "monitors", method: "PATCH", path: incidents + "/3", body: bothMonitors}
	degradeBoth   = request{route: "PATCH " + oneIncident, name: "monitors", method: "PATCH", path: incidents + "/3", body: bothDegraded}
	postIncident  = request{route: "POST " + incidents, name: "two monitors", method: "POST", path: incidents, body: newIncident, status: 201}
	postComment   = request{route: "POST " + commentsPath, name: "one", method: "POST", path: incidents + "/1/comments", body: `{"comment":"News","state":"RESOLVED"}`, status: 201}
	// Keys, transaction, a batch of 25, CLEANUP row.
	deleteIncident = request{route: "DELETE " + oneIncident, name: "two monitors, one comment", method: "DELETE", path: incidents + "/{i}"}
	postDaily      = request{route: "POST " + maintenances, name: "daily, two monitors", method: "POST", path: maintenances, body: daily, status: 201}
	patchWork      = request{route: "PATCH " + oneMaintenance, name: "title", method: "PATCH", path: maintenances + "/1", body: `{"title":"{m}"}`}
	postMonitor    = request{route: "POST " + monitors, name: "one", method: "POST", path: monitors, body: `{"tag":"{m}","name":"New"}`, status: 201}
	postKey        = request{route: "POST " + keysPath, name: "one", method: "POST", path: keysPath, body: `{"name":"k","scopes":["admin"]}`, status: 201}
	postPage       = request{route: "POST " + pagesPath, name: "two monitors", method: "POST", path: pagesPath, body: `{"page_path":"{m}","page_title":"T","page_header":"H","monitors":["all","open"]}`, status: 201}
	patchPage      = request{route: "PATCH " + onePage, name: "title", method: "PATCH", path: pagesPath + "/{p}", body: `{"page_title":"{m}"}`}
	patchSetting   = request{route: "PATCH " + oneKey, name: "one", method: "PATCH", path: sitePath + "/siteName", body: `{"value":"{m}"}`}
	postTool       = request{route: "POST " + integrationsPath, name: "one", method: "POST", path: integrationsPath, body: `{"name":"I","kind":"generic","options":{"monitors":["all"]}}`, status: 201}
	patchTool      = request{route: "PATCH " + oneIntegration, name: "options", method: "PATCH", path: integrationsPath + "/{n}", body: `{"options":{"monitors":["{m}"]}}`}
	rotateTool     = request{route: "POST " + oneIntegration + "/rotate", name: "one", method: "POST", path: integrationsPath + "/{n}/rotate"}
	legacyComment  = request{route: "POST " + oneLegacy + "/comment", name: "one", method: "POST", path: legacy + "/1/comment", body: `{"body":"News"}`}
)

// requests has first what lists incidents or monitors, since other requests make some, and
// more of them when they are measured again.
var requests = []request{
	list("page of 10", "?limit=10"),
	list("page of 20", "?limit=20"),
	list("page of 50", "?limit=50"),
	list("page of 10, open", "?limit=10&status=open"),
	list("page of 10, closed", "?limit=10&status=closed"),
	list("page of 10, by start", "?limit=10&start_ts=1&end_ts=1763799960"),
	list("page of 10, by tag", "?limit=10&monitor_tags=all"),
	list("page of 20, by tag", "?limit=20&monitor_tags=all"),
	list("page of 50, by tag", "?limit=50&monitor_tags=all"),
	list("page of 10, by two tags", "?limit=10&monitor_tags=all,open"),
	list("page of 10, by an unknown tag", "?limit=10&monitor_tags=pluto"),
	list("page of 10, open, by the tag of open ones", "?limit=10&monitor_tags=open&status=open"),
	// The status is known only from the incidents: two thirds of them, or one, match,
	// so a second step has to look at more.
	growing(list("page of 10, open, by tag", "?limit=10&monitor_tags=all&status=open")),
	growing(list("page of 10, closed, by tag", "?limit=10&monitor_tags=all&status=closed")),
	growing(list("page of 10, closed, by the tag of open ones", "?limit=10&monitor_tags=open&status=closed")),
	{route: "GET " + legacy, name: "first page", path: legacy, list: true},
	{route: "GET " + legacy, name: "page of 5, closed", path: legacy + "?state=closed&per_page=5", list: true},
	{route: "GET " + legacy, name: "nothing found", path: legacy + "?created_before_utc=5"},
	{route: "GET " + monitors, name: "two", path: monitors},
	{route: "GET " + oneMonitor, name: "one", path: monitors + "/all"},
	{route: "GET " + pagesPath, name: "home", path: pagesPath},
	{route: "GET " + onePage, name: "home, of all monitors", path: pagesPath + "/~home"},

	getOne,
	{route: "GET " + oneIncident, name: "none", path: incidents + "/9999999", status: 404},
	{route: "GET " + commentsPath, name: "30 comments", path: incidents + "/9/comments"},
	{route: "GET " + oneComment, name: "one", path: incidents + "/1/comments/1"},
	{route: "GET " + oneLegacy, name: "one", path: legacy + "/4"},
	{route: "GET " + oneLegacy, name: "none", path: legacy + "/9999999", status: 404},
	{route: "GET " + oneLegacy + "/comment", name: "30 comments", path: legacy + "/9/comment"},

	patchTitle,
	with(patchTitle, "If-Match any", "If-Match", "*"),
	with(patchTitle, "If-Match", "If-Match", "{etag}"),
	{route: "PATCH " + oneIncident, name: "title, If-Match refused", method: "PATCH", path: incidents + "/1", body: `{"title":"New"}`, header: [2]string{"If-Match", `"old"`}, status: 412},
	{route: "PATCH " + oneIncident, name: "end", method: "PATCH", path: incidents + "/1", body: `{"end_date_time":1763800020}`},
	{route: "PATCH " + oneIncident, name: "end null", method: "PATCH", path: incidents + "/1", body: `{"end_date_time":null}`},
	{route: "PATCH " + oneIncident, name: "start", method: "PATCH", path: incidents + "/2", body: `{"start_date_time":60}`},
	patchMonitors,
	with(degradeBoth, "If-Match", "If-Match", "{etag}"),
	postIncident,
	idempotent(postIncident),
	{route: "POST " + incidents, name: "replayed", method: "POST", path: incidents, body: replayedBody, header: [2]string{"Idempotency-Key", "replayed"}, status: 201},
	postComment,
	idempotent(postComment),
	{route: "PATCH " + oneComment, name: "text", method: "PATCH", path: incidents + "/1/comments/1", body: `{"comment":"Other"}`},
	{route: "DELETE " + oneComment, name: "one", method: "DELETE", path: incidents + "/{i}/comments/{c}"},
	{route: "DELETE " + oneComment, name: "none", method: "DELETE", path: incidents + "/1/comments/9999999", status: 404},
	deleteIncident,
	with(deleteIncident, "If-Match", "If-Match", "{etag}"),
	{route: "DELETE " + oneIncident, name: "30 comments", method: "DELETE", path: incidents + "/{l}"},
	{route: "DELETE " + oneIncident, name: "none", method: "DELETE", path: incidents + "/9999999", status: 404},

	{route: "POST " + legacy, name: "two tags", method: "POST", path: legacy, body: `{"title":"Outage","tags":["all","open"],"body":"text","isResolved":true}`},
	{route: "PATCH " + oneLegacy, name: "one", method: "PATCH", path: legacy + "/3", body: `{"title":"Outage","tags":["all"],"body":"text"}`},
	{route: "POST " + oneLegacy + "/status", name: "identified", method: "POST", path: legacy + "/3/status", body: `{"isIdentified":true}`},
	{route: "POST " + oneLegacy + "/status", name: "nothing", method: "POST", path: legacy + "/3/status", body: `{}`},
	legacyComment,
	idempotent(legacyComment),

	statusOf("one point", points("all")),
	statusOf("one point, an alert rule", points("watched")),
	statusOf("20 points of 20 monitors", points(tags(fewPoints)...)),
	statusOf("100 points of 20 monitors", points(repeated(strings.Join(tags(fewPoints), " "), 5)...)),
	statusOf("20 points of one monitor", points(repeated("all", fewPoints)...)),
	{route: "POST /api/status", name: "one point", method: "POST", path: "/api/status", body: `{"status":"UP","latency":1,"tag":"all"}`},
	{route: "GET /api/status", name: "the day so far", path: "/api/status?tag=all"},
	{route: "GET " + oneMonitor + "/data/{timestamp}", name: "one", path: monitors + "/filled/data/{minute}"},
	{route: "GET " + oneMonitor + "/data", name: "an hour", path: monitors + "/filled/data?start_ts={hour}&end_ts={minute}"},
	{route: "GET " + oneMonitor + "/uptime", name: "90 full days", path: monitors + "/filled/uptime?days=90"},
	{route: "GET " + oneMonitor + "/uptime", name: "90 full days, a maintenance each night", path: monitors + "/nightly/uptime?days=90"},
	{route: "GET " + oneMonitor + "/uptime", name: "no point in 90 days", path: monitors + "/open/uptime?days=90"},
	{route: "PATCH " + oneMonitor + "/data", name: "an hour of another day", method: "PATCH", path: monitors + "/filled/data", body: `{"start_ts":{minute-10080},"end_ts":{minute-10021},"status":"DOWN","latency":5}`},
	{route: "PATCH " + oneMonitor + "/data/{timestamp}", name: "status and latency", method: "PATCH", path: monitors + "/filled/data/{minute}", body: `{"status":"DOWN","latency":5}`},

	{route: "GET " + rulesPath, name: "22", path: rulesPath},
	{route: "GET " + oneRule, name: "one", path: rulesPath + "/1"},
	{route: "GET " + alertsPath, name: "one", path: alertsPath},
	{route: "GET " + alertsPath, name: "by monitor", path: alertsPath + "?monitor_tag=down"},
	{route: "GET " + alertsPath + "/{alert_id}", name: "one", path: alertsPath + "/1"},
	statusOf("one point, 20 alert rules", points("dense")),
	statusOf("one point, 20 alert rules, points hours apart", points("sparse")),
	statusOf("one point of the day before, 20 alert rules", `{"points":[{"monitor_tag":"dense","status":"UP","latency":1,"timestamp":{minute-1440}}]}`),
	statusOf("100 points, 20 alert rules", points(repeated("dense", 100)...)),
	statusOf("one point, which opens an alert", downPoint("{w}")),
	statusOf("one point, an alert is open", downPoint("{d}")),
	statusOf("one point, which resolves an alert", points("{d}")),
	{route: "POST " + rulesPath, name: "one", method: "POST", path: rulesPath, body: `{"alert_for":"STATUS","alert_value":"DOWN","monitor_tags":["{t}"],"create_incident":true}`, status: 201},
	{route: "PATCH " + oneRule, name: "threshold", method: "PATCH", path: rulesPath + "/{r}", body: `{"failure_threshold":2}`},
	{route: "PATCH " + oneRule, name: "not active, an open alert", method: "PATCH", path: rulesPath + "/{o}", body: `{"is_active":false}`},
	{route: "DELETE " + oneRule, name: "no alert", method: "DELETE", path: rulesPath + "/{r}"},
	{route: "DELETE " + oneRule, name: "an open alert", method: "DELETE", path: rulesPath + "/{o}"},
	{route: "DELETE " + oneMonitor, name: "nothing under it", method: "DELETE", path: monitors + "/{t}"},
	{route: "DELETE " + oneMonitor, name: "an open alert", method: "DELETE", path: monitors + "/{d}"},

	// Before those that make events, some more when they are measured again.
	growing(request{route: "GET " + maintenances + "/events", name: "page of 20, from now on", path: maintenances + "/events"}),
	{route: "GET " + maintenances + "/events", name: "by tag", path: maintenances + "/events?monitors=idle"},
	maintenanceList("page of 20", "?limit=20"),
	maintenanceList("page of 20, by tag", "?limit=20&monitor_tag=worked"),
	{route: "GET " + oneMaintenance, name: "one", path: maintenances + "/1"},
	{route: "GET " + oneMaintenance, name: "none", path: maintenances + "/9999999", status: 404},
	{route: "GET " + eventsPath, name: "ten", path: maintenances + "/{s}/events"},
	{route: "GET " + oneEvent, name: "one", path: maintenances + "/{s}/events/{e}"},
	postDaily,
	idempotent(postDaily),
	{route: "POST " + maintenances, name: "one-time, two monitors", method: "POST", path: maintenances, body: onceOnly, status: 201},
	patchWork,
	with(patchWork, "If-Match", "If-Match", "{etag}"),
	{route: "PATCH " + oneMaintenance, name: "another schedule", method: "PATCH", path: maintenances + "/{s}", body: `{"rrule":"FREQ=DAILY;INTERVAL=2"}`},
	{route: "DELETE " + oneMaintenance, name: "two monitors, ten events", method: "DELETE", path: maintenances + "/{s}"},
	{route: "PATCH " + oneEvent, name: "cancelled", method: "PATCH", path: maintenances + "/{s}/events/{e}", body: `{"status":"CANCELLED"}`},
	{route: "DELETE " + oneEvent, name: "one", method: "DELETE", path: maintenances + "/{s}/events/{e}"},

	{route: "GET " + onePage, name: "one", path: pagesPath + "/{p}"},
	{route: "GET " + onePage, name: "none", path: pagesPath + "/none", status: 404},
	postPage,
	idempotent(postPage),
	patchPage,
	with(patchPage, "If-Match", "If-Match", "{etag}"),
	{route: "PATCH " + onePage, name: "monitors", method: "PATCH", path: pagesPath + "/{p}", body: `{"monitors":["open"]}`},
	{route: "PATCH " + onePage, name: "path", method: "PATCH", path: pagesPath + "/{p}", body: `{"page_path":"{m}"}`},
	{route: "DELETE " + onePage, name: "two monitors", method: "DELETE", path: pagesPath + "/{p}"},
	{route: "GET " + sitePath, name: "none set", path: sitePath},
	{route: "GET " + oneKey, name: "one", path: sitePath + "/siteName"},
	patchSetting,
	with(patchSetting, "If-Match", "If-Match", "{etag}"),

	{route: "GET " + integrationsPath, name: "CloudWatch's alone", path: integrationsPath},
	{route: "GET " + oneIntegration, name: "one", path: integrationsPath + "/{n}"},
	{route: "GET " + oneIntegration, name: "none", path: integrationsPath + "/999", status: 404},
	{route: "GET " + oneIntegration + "/deliveries", name: "none", path: integrationsPath + "/{n}/deliveries"},
	postTool,
	idempotent(postTool),
	patchTool,
	with(patchTool, "If-Match", "If-Match", "{etag}"),
	rotateTool,
	idempotent(rotateTool),
	signal("firing, which opens an incident", "{m}", "firing"),
	signal("firing again", "{g}", "firing"),
	signal("resolved, and its incident with it", "{g}", "resolved"),
	signal("resolved, nothing is open", "{m}", "resolved"),
	{route: "DELETE " + oneIntegration, name: "one", method: "DELETE", path: integrationsPath + "/{n}"},

	postMonitor,
	idempotent(postMonitor),
	{route: "POST " + monitors, name: "refused, idempotency key", method: "POST", path: monitors, body: `{"tag":"all","name":"New"}`, header: [2]string{"Idempotency-Key", "{m}"}, status: 400},
	{route: "PATCH " + oneMonitor, name: "name", method: "PATCH", path: monitors + "/all", body: `{"name":"New"}`},
	{route: "GET " + keysPath, name: "two", path: keysPath},
	postKey,
	idempotent(postKey),
	{route: "DELETE " + keysPath + "/{key_id}", name: "one", method: "DELETE", path: keysPath + "/{k}"},
	{route: "GET /healthcheck", name: "any", path: "/healthcheck"},
	{route: "GET /openapi.json", name: "any", path: "/openapi.json"},
	{route: "GET /docs", name: "any", path: "/docs"},
}

// lists is how many of the requests come before anything is made for them.
var lists = slices.IndexFunc(requests, func(r request) bool { return r.route == getOne.route })

// tags returns the names of so many monitors that the test makes.
func tags(n int) []string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf("monitor-%02d", i))
	}
	return all
}

func repeated(tag string, n int) []string {
	return strings.Split(strings.Repeat(tag+" ", n-1)+tag, " ")
}

func statusOf(name, body string) request {
	return request{route: "POST " + statusPath, name: name, method: "POST", path: statusPath, body: body}
}

// signal is a request of another tool about a problem, to an integration that is known already.
func signal(name, key, status string) request {
	return request{route: "POST /hooks/{token}", name: name, method: "POST", path: "/hooks/{h}", body: fmt.Sprintf(`{"dedup_key":%q,"status":%q,"title":"T"}`, key, status)}
}

// downPoint is a body with one point.
func downPoint(tag string) string {
	return fmt.Sprintf(`{"points":[{"monitor_tag":%q,"status":"DOWN"}]}`, tag)
}

// points is a body with a point for each of the tags, the n-th one n minutes old.
func points(tags ...string) string {
	var all []string
	for n, tag := range tags {
		all = append(all, fmt.Sprintf(`{"monitor_tag":%q,"status":"UP","latency":123.4,"timestamp":{minute-%d}}`, tag, n))
	}
	return `{"points":[` + strings.Join(all, ",") + `]}`
}
