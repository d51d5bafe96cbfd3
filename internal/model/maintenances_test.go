package model_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"tocsin/internal/dynamotest"
)

// TestMaintenances is TestModel for maintenances and their events: made, changed, cancelled and
// deleted while the clock goes on and minutes are posted, set and deleted. There are no alert
// rules and no incidents here.
func TestMaintenances(t *testing.T) {
	dynamotest.Usually(t, "rapid.checks", sequences)
	dynamotest.Usually(t, "rapid.steps", steps)
	rapid.Check(t, func(rt *rapid.T) {
		p := newPair(t, rt)
		for _, tag := range []string{"a", "b", "c"} {
			p.call(rt, "POST", "/api/v4/monitors", map[string]any{"tag": tag, "name": "Monitor " + tag})
		}
		p.createMaintenance(rt)
		steps := []func(*rapid.T){
			p.createMaintenance, p.patchMaintenance, p.patchMaintenance, p.deleteMaintenance,
			p.patchEvent, p.patchEvent, p.patchEvent, p.patchEvent, p.deleteEvent, p.makeOccurrences, p.makeOccurrences, p.clock, p.clock,
			p.readEvents, p.readEvents, p.readEvents, p.createMonitor, p.patchMonitor, p.deleteMonitor,
			p.points, p.points, p.post, p.post,
		}
		rt.Repeat(map[string]func(*rapid.T){
			"": func(t *rapid.T) {
				if p.steps++; p.steps%10 == 0 {
					p.sweepMaintenances(t)
				}
			},
			"step": func(t *rapid.T) { steps[uniform(t, len(steps))](t) },
		})
		p.sweepMaintenances(rt)
	})
}

func (p *pair) clock(t *rapid.T) {
	p.now += oneOf[int64](t, 1, 60, 600, 3600, 7200, 86400, 3*86400, 40*86400)
	t.Logf("it is %s", time.Unix(p.now, 0).UTC().Format(time.DateTime))
}

// makeOccurrences lets the minute schedule run on both.
func (p *pair) makeOccurrences(t *rapid.T) {
	got, err := p.real.makes(context.Background(), p.now)
	if err != nil {
		t.Fatal(err)
	}
	want, err := p.model.makes(context.Background(), p.now)
	t.Logf("made: %d", got)
	if err != nil || got != want {
		t.Fatalf("%d occurrences are made, by the model %d, %v", got, want, err)
	}
}

func (p *pair) maintenanceFields(t *rapid.T) map[string]any {
	body := map[string]any{
		"title": anyTitle.Draw(t, "title"), "start_date_time": p.near(t), "monitors": p.links(t),
		"rrule":            oneOf(t, "FREQ=MINUTELY;COUNT=1", "FREQ=DAILY", "FREQ=HOURLY;INTERVAL=7", "FREQ=WEEKLY;BYDAY=MO,TH", "FREQ=DAILY;COUNT=3", "FREQ=SECONDLY"),
		"duration_seconds": oneOf[any](t, 60, 3600, 7200, 100000, 0.5),
	}
	if maybe(t, 3) {
		body["time_zone"] = oneOf[any](t, "Europe/Berlin", "Asia/Kolkata", nil, "Mars/Tharsis")
	}
	if maybe(t, 3) {
		body["description"] = oneOf[any](t, nil, "", "Why")
	}
	return body
}

func (p *pair) createMaintenance(t *rapid.T) {
	p.create(t, "/api/v4/maintenances", p.maintenanceFields(t))
}

func (p *pair) aMaintenance(t *rapid.T) string {
	return fmt.Sprintf("/api/v4/maintenances/%d", p.someID(t, "/api/v4/maintenances"))
}

func (p *pair) patchMaintenance(t *rapid.T) {
	path := p.aMaintenance(t)
	body := some(t, p.maintenanceFields(t))
	if maybe(t, 3) {
		body["status"] = oneOf(t, "ACTIVE", "INACTIVE", "PAUSED")
	}
	p.call(t, "PATCH", path, body, p.ifMatch(t, path)...)
}

func (p *pair) deleteMaintenance(t *rapid.T) {
	path := p.aMaintenance(t)
	p.call(t, "DELETE", path, nil, p.ifMatch(t, path)...)
}

// anEvent draws an event of a maintenance, or another's.
func (p *pair) anEvent(t *rapid.T) string {
	of := p.aMaintenance(t)
	id := p.someID(t, of+"/events")
	if maybe(t, 1) {
		of = p.aMaintenance(t)
	}
	return fmt.Sprintf("%s/events/%d", of, id)
}

func (p *pair) patchEvent(t *rapid.T) {
	path := p.anEvent(t)
	body := map[string]any{"status": oneOf(t, "CANCELLED", "COMPLETED", "CANCELLED", "READY")}
	if maybe(t, 5) {
		start := p.near(t)
		body = map[string]any{"start_date_time": start, "end_date_time": start + oneOf[int64](t, 60, 3600, 86400, 30)}
	}
	p.call(t, "PATCH", path, body, p.ifMatch(t, path)...)
}

func (p *pair) deleteEvent(t *rapid.T) {
	path := p.anEvent(t)
	p.call(t, "DELETE", path, nil, p.ifMatch(t, path)...)
}

// readEvents reads a list with filters.
func (p *pair) readEvents(t *rapid.T) {
	var query []string
	maybeSet := func(name string, value any) {
		if maybe(t, 4) {
			query = append(query, fmt.Sprintf("%s=%v", name, value))
		}
	}
	path := oneOf(t, "/api/v4/maintenances/events", "/api/v4/maintenances/events", "/api/v4/maintenances", p.aMaintenance(t)+"/events")
	maybeSet("event_start_date_time", p.near(t))
	maybeSet("event_status", oneOf(t, "scheduled", "READY", "ONGOING", "COMPLETED", "CANCELLED", "x"))
	maybeSet("monitors", strings.Join(anyTags.Draw(t, "monitors"), ","))
	maybeSet("maintenance_id", rapid.IntRange(0, 4).Draw(t, "maintenance_id"))
	maybeSet("monitor_tag", anyTag.Draw(t, "monitor_tag"))
	maybeSet("status", oneOf(t, "ACTIVE", "INACTIVE", "active"))
	maybeSet("page", rapid.IntRange(1, 3).Draw(t, "page"))
	maybeSet("limit", rapid.IntRange(1, 3).Draw(t, "limit"))
	p.call(t, "GET", path+"?"+strings.Join(query, "&"), nil)
}

// sweepMaintenances reads all there is, in every list and one by one, and by what the public
// pages read.
func (p *pair) sweepMaintenances(t *rapid.T) {
	get := func(format string, args ...any) exchange {
		t.Helper()
		return p.call(t, "GET", fmt.Sprintf(format, args...), nil)
	}
	ids := p.ids(t, "/api/v4/maintenances")
	for _, id := range ids {
		get("/api/v4/maintenances/%d", id)
		for page := 1; strings.Contains(get("/api/v4/maintenances/%d/events?limit=100&page=%d", id, page).Answer, `"id"`); page++ {
		}
		for _, event := range p.ids(t, fmt.Sprintf("/api/v4/maintenances/%d/events", id)) {
			get("/api/v4/maintenances/%d/events/%d", id, event)
		}
	}
	for _, tag := range []string{"a", "b", "c", "d"} {
		get("/api/v4/maintenances?monitor_tag=%s", tag)
		get("/api/v4/maintenances?limit=1&monitor_tag=%s", tag)
		get("/api/v4/maintenances/events?event_start_date_time=0&limit=100&monitors=%s", tag)
		if get("/api/v4/monitors/%s", tag).Status != http.StatusOK {
			continue
		}
		get("/api/v4/monitors/%s/data?start_ts=%d&end_ts=%d", tag, p.now-50*3600, p.now+50*3600)
		get("/api/v4/monitors/%s/data?start_ts=%d&end_ts=%d&order=desc&limit=50", tag, p.now-50*3600, p.now+50*3600)
		get("/api/v4/monitors/%s/uptime?days=3", tag)
		get("/api/v4/monitors/%s/uptime?days=45", tag)
		get("/api/status?tag=%s", tag)
	}
	get("/api/v4/maintenances/events?event_start_date_time=0&limit=100")
	p.pages(t)
	ctx := context.Background()
	got, err := p.real.store.MaintenancesByID(ctx, ids)
	if err != nil {
		t.Fatal(err)
	}
	want, err := p.model.store.MaintenancesByID(ctx, ids)
	if d := gocmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" || err != nil {
		t.Fatalf("maintenances (-model +real), %v:\n%s", err, d)
	}
}
