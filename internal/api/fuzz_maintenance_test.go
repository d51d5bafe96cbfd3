package api_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tocsin/internal/function"
	"tocsin/internal/statuspage"
)

// FuzzMaintenanceWrite is FuzzWrite for maintenances and their events.
func FuzzMaintenanceWrite(f *testing.F) {
	client := &writeCounter{HTTPClient: http.DefaultClient}
	l := newLambdas(f, function.Options{HTTPClient: client, Now: func() time.Time { return testNow }})
	l.warm(f)
	routes := []request{
		{method: "POST", path: maintenancesPath},
		{method: "PATCH", path: maintenancePath(1)},
		{method: "PATCH", path: eventsPath(2) + "/2"},
	}
	for _, body := range oddBodies {
		if len(body) > 100_000 {
			continue // see FuzzWrite
		}
		for route := range routes {
			f.Add(uint8(route), []byte(body))
		}
	}
	for _, r := range recordedRequests(f, l) {
		for route := range routes {
			if routes[route].method == r.method && routePattern(routes[route].path) == routePattern(r.path) {
				f.Add(uint8(route), []byte(r.body))
			}
		}
	}
	f.Fuzz(func(t *testing.T, route uint8, body []byte) {
		r := routes[int(route)%len(routes)]
		before := l.read(t, r.path)
		writes := client.writes.Load()
		r.body, r.isBase64 = base64.StdEncoding.EncodeToString(body), true
		a, err := l.try(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		asked, isObject := object(body)
		message := errorMessage(a)
		if refused := message == "Invalid JSON body"; a.Status != http.StatusRequestEntityTooLarge && refused == isObject {
			t.Fatalf("the body %.200q is an object: %t, answer %d %.200s", body, isObject, a.Status, a.Body)
		}
		if message != "" {
			if !late.MatchString(message) && client.writes.Load() != writes {
				t.Errorf("%s %s %.200q is refused (%s) but the table was written to", r.method, r.path, body, message)
			}
			if after := l.read(t, r.path); after != before {
				t.Errorf("%s %s %.200q is refused (%s), and\n%s\nbecame\n%s", r.method, r.path, body, message, before, after)
			}
			return
		}
		var old map[string]any // nothing for a POST
		if r.method == "PATCH" {
			old = record(t, before)
		}
		got := record(t, a.Body)
		want := wantedMaintenance(asked, old)
		if strings.Contains(r.path, "/events/") {
			want = wantedEvent(asked, old)
		}
		for _, name := range slices.Sorted(maps.Keys(want)) {
			if !reflect.DeepEqual(want[name], got[name]) {
				t.Errorf("%s %s %.2000q: %s is %v, want %v", r.method, r.path, body, name, got[name], want[name])
			}
		}
		path := r.path
		if r.method == "POST" {
			path = fmt.Sprintf("%s/%v", path, got["id"])
		}
		if read := l.read(t, path); read != a.Body {
			t.Errorf("%s %s was answered\n%s, and is read as\n%s", r.method, r.path, a.Body, read)
		}
		switch { // so that the table stays small
		case r.method == "POST":
			l.send(t, request{method: "DELETE", path: path})
		case len(a.Body) > 8000:
			l.send(t, request{method: "PATCH", path: path, body: `{"title":"t","description":null}`})
		}
	})
}

// wantedMaintenance is what a maintenance must be after a body was accepted that asked for
// these fields; old is the maintenance before, nil for a new one.
func wantedMaintenance(asked, old map[string]any) map[string]any {
	want := map[string]any{"description": nil, "status": "ACTIVE", "monitors": []any{}, "time_zone": nil}
	maps.Copy(want, old)
	delete(want, "updated_at")
	for name, value := range asked {
		switch name {
		case "title":
			want[name] = statuspage.TrimBlank(fmt.Sprint(value))
		case "description":
			if want[name] = value; value == "" && old == nil {
				want[name] = nil
			}
		case "start_date_time":
			want[name] = floored(value)
		case "duration_seconds":
			n, err := value.(json.Number).Float64()
			if err != nil {
				panic(err)
			}
			want[name] = json.Number(strconv.FormatFloat(math.Floor(n), 'f', -1, 64))
		case "rrule", "time_zone":
			want[name] = value
		case "status":
			if old != nil {
				want[name] = value
			}
		case "monitors":
			var before []any
			if old != nil {
				before = old[name].([]any)
			}
			want[name] = wantedLinks(value.([]any), before, "MAINTENANCE")
		}
	}
	return want
}

// wantedEvent is the same for an event.
func wantedEvent(asked, old map[string]any) map[string]any {
	want := maps.Clone(old)
	delete(want, "updated_at")
	if status, given := asked["status"]; given {
		want["status"] = status
		delete(want, "end_date_time") // earlier when it is on
		return want
	}
	want["start_date_time"], want["end_date_time"] = floored(asked["start_date_time"]), floored(asked["end_date_time"])
	if old["status"] != "CANCELLED" {
		delete(want, "status") // follows the clock, unless a person has completed it
	}
	return want
}
