package bench

import (
	"fmt"
	"slices"
	"strings"
)

// A request is what is measured, through the gateway. In its path, body and header value
// {i} is the id of an incident made for it, on both monitors and with one comment, {c} that
// comment's id; {l} is the id of an incident made for it with 30 comments; {k} is the id of a
// key made for it; {m} is a text that is nowhere yet. A change is to change something: what
// leaves all but the time of the update as it was makes no row about it.
type request struct {
	route      string // as the template writes it
	name       string // what distinguishes it from other requests to the route
	method     string // "": GET
	path       string
	body       string
	header     [2]string // name and value; the value {etag} is that of the path's resource
	status     int       // 0: 200
	sequential int       // calls of DynamoDB that wait for one another: the design's round trips

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
	legacy       = "/api/incident"
	oneLegacy    = legacy + "/{incidentNumber}"

	fewPoints = 20

	// of the request with the idempotency key "replayed", which was sent before
	replayedBody = `{"title":"Outage","start_date_time":60}`
	newIncident  = `{"title":"Outage","start_date_time":60,"monitors":[{"monitor_tag":"all"},{"monitor_tag":"open"}]}`
	bothMonitors = `{"monitors":[{"monitor_tag":"all"},{"monitor_tag":"open"}]}`
	bothDegraded = `{"monitors":[{"monitor_tag":"all","impact":"DEGRADED"},{"monitor_tag":"open","impact":"DEGRADED"}]}`
)

func list(name, query string, calls int) request {
	return request{route: "GET " + incidents, name: name, path: incidents + query, sequential: calls, list: true}
}

func growing(r request) request {
	r.growsToItsMaximum = true
	return r
}

// with returns the request with a header more and so many calls in all.
func with(r request, more, header, value string, calls int) request {
	r.name += ", " + more
	r.header, r.sequential = [2]string{header, value}, calls
	return r
}

// idempotent returns the request with an idempotency key, which costs a call more.
func idempotent(r request) request {
	return with(r, "idempotency key", "Idempotency-Key", "{m}", r.sequential+1)
}

var (
	getOne        = request{route: "GET " + oneIncident, name: "one", path: incidents + "/4", sequential: 1}
	patchTitle    = request{route: "PATCH " + oneIncident, name: "title", method: "PATCH", path: incidents + "/1", body: `{"title":"{m}"}`, sequential: 2}
	patchMonitors = request{route: "PATCH " + oneIncident, name: "monitors", method: "PATCH", path: incidents + "/3", body: bothMonitors, sequential: 2}
	degradeBoth   = request{route: "PATCH " + oneIncident, name: "monitors", method: "PATCH", path: incidents + "/3", body: bothDegraded, sequential: 2}
	postIncident  = request{route: "POST " + incidents, name: "two monitors", method: "POST", path: incidents, body: newIncident, status: 201, sequential: 2}
	postComment   = request{route: "POST " + commentsPath, name: "one", method: "POST", path: incidents + "/1/comments", body: `{"comment":"News","state":"RESOLVED"}`, status: 201, sequential: 2}
	// Keys, transaction, a batch of 25, CLEANUP row.
	deleteIncident = request{route: "DELETE " + oneIncident, name: "two monitors, one comment", method: "DELETE", path: incidents + "/{i}", sequential: 4}
	postMonitor    = request{route: "POST " + monitors, name: "one", method: "POST", path: monitors, body: `{"tag":"{m}","name":"New"}`, status: 201, sequential: 2}
	postKey        = request{route: "POST " + keysPath, name: "one", method: "POST", path: keysPath, body: `{"name":"k","scopes":["admin"]}`, status: 201, sequential: 2}
	legacyComment  = request{route: "POST " + oneLegacy + "/comment", name: "one", method: "POST", path: legacy + "/1/comment", body: `{"body":"News"}`, sequential: 2}
)

// requests has lists first, since other requests make incidents and monitors.
var requests = []request{
	list("page of 10", "?limit=10", 1),
	list("page of 20", "?limit=20", 1),
	list("page of 50", "?limit=50", 1),
	list("page of 10, open", "?limit=10&status=open", 1),
	list("page of 10, closed", "?limit=10&status=closed", 1),
	list("page of 10, by start", "?limit=10&start_ts=1&end_ts=1763799960", 1),
	list("page of 10, by tag", "?limit=10&monitor_tags=all", 3),
	list("page of 20, by tag", "?limit=20&monitor_tags=all", 3),
	list("page of 50, by tag", "?limit=50&monitor_tags=all", 3),
	list("page of 10, by two tags", "?limit=10&monitor_tags=all,open", 3),
	list("page of 10, by an unknown tag", "?limit=10&monitor_tags=pluto", 1),
	list("page of 10, open, by the tag of open ones", "?limit=10&monitor_tags=open&status=open", 3),
	// The status is known only from the incidents: two thirds of them, or one, match,
	// so a second step has to look at more.
	growing(list("page of 10, open, by tag", "?limit=10&monitor_tags=all&status=open", 5)),
	growing(list("page of 10, closed, by tag", "?limit=10&monitor_tags=all&status=closed", 5)),
	{route: "GET " + legacy, name: "first page", path: legacy, sequential: 2, list: true},
	{route: "GET " + legacy, name: "page of 5, closed", path: legacy + "?state=closed&per_page=5", sequential: 2, list: true},
	{route: "GET " + legacy, name: "nothing found", path: legacy + "?created_before_utc=5", sequential: 1},
	{route: "GET " + monitors, name: "two", path: monitors, sequential: 1},
	{route: "GET " + oneMonitor, name: "one", path: monitors + "/all", sequential: 1},

	getOne,
	{route: "GET " + oneIncident, name: "none", path: incidents + "/9999999", status: 404, sequential: 1},
	{route: "GET " + commentsPath, name: "30 comments", path: incidents + "/9/comments", sequential: 1},
	{route: "GET " + oneComment, name: "one", path: incidents + "/1/comments/1", sequential: 1},
	{route: "GET " + oneLegacy, name: "one", path: legacy + "/4", sequential: 1},
	{route: "GET " + oneLegacy, name: "none", path: legacy + "/9999999", status: 404, sequential: 1},
	{route: "GET " + oneLegacy + "/comment", name: "30 comments", path: legacy + "/9/comment", sequential: 1},

	patchTitle,
	with(patchTitle, "If-Match any", "If-Match", "*", 2),
	with(patchTitle, "If-Match", "If-Match", "{etag}", 2),
	{route: "PATCH " + oneIncident, name: "title, If-Match refused", method: "PATCH", path: incidents + "/1", body: `{"title":"New"}`, header: [2]string{"If-Match", `"old"`}, status: 412, sequential: 1},
	{route: "PATCH " + oneIncident, name: "end", method: "PATCH", path: incidents + "/1", body: `{"end_date_time":1763800020}`, sequential: 2},
	{route: "PATCH " + oneIncident, name: "end null", method: "PATCH", path: incidents + "/1", body: `{"end_date_time":null}`, sequential: 2},
	{route: "PATCH " + oneIncident, name: "start", method: "PATCH", path: incidents + "/2", body: `{"start_date_time":60}`, sequential: 2},
	patchMonitors,
	with(degradeBoth, "If-Match", "If-Match", "{etag}", 2),
	postIncident,
	idempotent(postIncident),
	{route: "POST " + incidents, name: "replayed", method: "POST", path: incidents, body: replayedBody, header: [2]string{"Idempotency-Key", "replayed"}, status: 201, sequential: 1},
	postComment,
	idempotent(postComment),
	{route: "PATCH " + oneComment, name: "text", method: "PATCH", path: incidents + "/1/comments/1", body: `{"comment":"Other"}`, sequential: 2},
	{route: "DELETE " + oneComment, name: "one", method: "DELETE", path: incidents + "/{i}/comments/{c}", sequential: 1},
	{route: "DELETE " + oneComment, name: "none", method: "DELETE", path: incidents + "/1/comments/9999999", status: 404, sequential: 1},
	deleteIncident,
	with(deleteIncident, "If-Match", "If-Match", "{etag}", 4),
	{route: "DELETE " + oneIncident, name: "30 comments", method: "DELETE", path: incidents + "/{l}", sequential: 5},
	{route: "DELETE " + oneIncident, name: "none", method: "DELETE", path: incidents + "/9999999", status: 404, sequential: 1},

	{route: "POST " + legacy, name: "two tags", method: "POST", path: legacy, body: `{"title":"Outage","tags":["all","open"],"body":"text","isResolved":true}`, sequential: 2},
	{route: "PATCH " + oneLegacy, name: "one", method: "PATCH", path: legacy + "/3", body: `{"title":"Outage","tags":["all"],"body":"text"}`, sequential: 2},
	{route: "POST " + oneLegacy + "/status", name: "identified", method: "POST", path: legacy + "/3/status", body: `{"isIdentified":true}`, sequential: 2},
	{route: "POST " + oneLegacy + "/status", name: "nothing", method: "POST", path: legacy + "/3/status", body: `{}`, sequential: 1},
	legacyComment,
	idempotent(legacyComment),

	{route: "POST " + statusPath, name: "one point", method: "POST", path: statusPath, body: points("all"), sequential: 2},
	{route: "POST " + statusPath, name: "one point, an alert rule", method: "POST", path: statusPath, body: points("watched"), sequential: 3},
	{route: "POST " + statusPath, name: "20 points of 20 monitors", method: "POST", path: statusPath, body: points(tags(fewPoints)...), sequential: 2},
	{route: "POST " + statusPath, name: "20 points of one monitor", method: "POST", path: statusPath, body: points(repeated("all", fewPoints)...), sequential: 2},
	{route: "POST /api/status", name: "one point", method: "POST", path: "/api/status", body: `{"status":"UP","latency":1,"tag":"all"}`, sequential: 2},
	{route: "GET /api/status", name: "the day so far", path: "/api/status?tag=all", sequential: 2},
	{route: "GET " + oneMonitor + "/data/{timestamp}", name: "one", path: monitors + "/filled/data/{minute}", sequential: 2},
	{route: "GET " + oneMonitor + "/data", name: "an hour", path: monitors + "/filled/data?start_ts={hour}&end_ts={minute}", sequential: 2},
	{route: "GET " + oneMonitor + "/uptime", name: "90 full days", path: monitors + "/filled/uptime?days=90", sequential: 2},
	{route: "PATCH " + oneMonitor + "/data/{timestamp}", name: "status and latency", method: "PATCH", path: monitors + "/filled/data/{minute}", body: `{"status":"DOWN","latency":5}`, sequential: 3},

	postMonitor,
	idempotent(postMonitor),
	{route: "POST " + monitors, name: "refused, idempotency key", method: "POST", path: monitors, body: `{"tag":"all","name":"New"}`, header: [2]string{"Idempotency-Key", "{m}"}, status: 400, sequential: 4},
	{route: "PATCH " + oneMonitor, name: "name", method: "PATCH", path: monitors + "/all", body: `{"name":"New"}`, sequential: 2},
	{route: "GET " + keysPath, name: "two", path: keysPath, sequential: 1},
	postKey,
	idempotent(postKey),
	{route: "DELETE " + keysPath + "/{key_id}", name: "one", method: "DELETE", path: keysPath + "/{k}", sequential: 3},
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

// points is a body with a point for each of the tags, the n-th one n minutes old.
func points(tags ...string) string {
	var all []string
	for n, tag := range tags {
		all = append(all, fmt.Sprintf(`{"monitor_tag":%q,"status":"UP","latency":123.4,"timestamp":{minute-%d}}`, tag, n))
	}
	return `{"points":[` + strings.Join(all, ",") + `]}`
}
