package bench

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"tocsin/internal/ddb"
	"tocsin/internal/dynamo"
	"tocsin/internal/dynamotest"
	"tocsin/internal/site"
	"tocsin/internal/statuspage"
)

const (
	pages         = "pages" // what reads them, as a route
	pagesMonitors = 50
	pagesOver     = 6 // incidents that are over, beside an open one
	pagesUpdates  = 3 // of each

	// pagesDelay is longer than delay: 150 calls at once take a while to be sent.
	pagesDelay = 600 * time.Millisecond
)

// measurePages measures what reading the public pages takes: of 50 monitors with a point in
// each minute of the last three days and with totals of the days before, and of 7 incidents.
// An answer's bytes are those of the site as JSON.
func measurePages(t *testing.T, known []cost) []cost {
	table := dynamotest.NewTable(t)
	makePages(t, table)
	b := newBench(t, table, pagesOver+1)
	store := table.Store(b.client)
	at := clock.Unix()
	var loader *site.Loader
	cases := []struct {
		name string
		read func() error
	}{
		{"50 monitors, 7 incidents", func() error {
			loader = site.NewLoader(store, site.Config{})
			_, err := loader.Load(t.Context(), at)
			return err
		}},
		{"50 monitors, 7 incidents, a minute later", func() error { _, err := loader.Load(t.Context(), at+60); return err }},
		{"one incident", func() error { _, err := loader.Shown().LoadIncident(t.Context(), store, 1); return err }},
		{"a month", func() error { _, err := loader.Shown().LoadMonth(t.Context(), store, at-10*24*3600, at); return err }},
	}
	var costs []cost
	for _, c := range cases {
		costs = append(costs, fewest(known, func() cost {
			return b.costWith(pages, c.name, pagesDelay, func() int {
				if err := c.read(); err != nil {
					t.Fatal(err)
				}
				return 0 // no answer: what was read is made into many files
			})
		}))
	}
	return costs
}

// makePages makes the records of measurePages.
func makePages(t *testing.T, table *dynamotest.Table) {
	t.Helper()
	store, at := table.Store(nil), clock.Unix()
	var monitors []statuspage.Monitor
	var items []types.WriteRequest
	for id := int64(1); id <= pagesMonitors; id++ {
		m := statuspage.NewMonitor(fmt.Sprintf("m%d", id), fmt.Sprintf("Monitor %d", id))
		m.ID, m.Created, m.Updated, m.Version = id, at-100*24*3600, at-100*24*3600, 1
		m.Description, m.Category = new("What customers use it for"), new(fmt.Sprintf("Group %d", id/10))
		monitors = append(monitors, m)
		for ago := int64(0); ago < 90*24; ago++ {
			// A day before is full for its totals, which are as large as those of a whole day.
			if start := statuspage.FloorHour(at) - ago*3600; ago < 3*24 || start%(24*3600) == 0 {
				items = append(items, ddb.PutRequest(dynamo.HourItem(id, hourOf(start, at), at-24*3600)))
			}
		}
	}
	var incidents []statuspage.Incident
	var comments []statuspage.Comment
	for id := int64(1); id <= pagesOver+1; id++ {
		start := statuspage.FloorMinute(at - id*3*24*3600)
		i := statuspage.Incident{
			ID: id, Title: "Orders fail for some customers", Start: start, State: statuspage.Identified, Type: statuspage.TypeIncident, Source: statuspage.SourceAPI,
			Monitors: []statuspage.AffectedMonitor{{Tag: "m1", MonitorID: 1, Impact: statuspage.Down}, {Tag: "m2", MonitorID: 2, Impact: statuspage.Degraded}},
			Created:  start, Updated: start + 1800, Version: 4,
		}
		if id > 1 {
			i.State, i.End, i.Closed = statuspage.Resolved, new(start+1800), new(start+1800)
		}
		incidents = append(incidents, i)
		for n := range int64(pagesUpdates) {
			comments = append(comments, statuspage.Comment{
				ID: 10*id + n, IncidentID: id, Text: "We have found the cause and are working on it.", Time: start + 600*n, State: i.State, Created: start + 600*n, Updated: start + 600*n, Version: 1,
			})
		}
	}
	if err := table.Dump(nil).Load(t.Context(), slices.Values(incidents), comments, monitors); err != nil {
		t.Fatal(err)
	}
	for chunk := range slices.Chunk(items, ddb.BatchWriteSize) {
		if err := store.Table().BatchWrite(t.Context(), chunk); err != nil {
			t.Fatal(err)
		}
	}
	for _, m := range monitors {
		if _, _, err := store.Uptime(t.Context(), m.Tag, statuspage.LastDays(site.Days, at), at); err != nil { // stores the totals
			t.Fatal(err)
		}
	}
}

// hourOf are the points of an hour, up to a time.
func hourOf(start, until int64) []statuspage.Point {
	var points []statuspage.Point
	for minute := start; minute < start+3600 && minute <= until; minute += 60 {
		points = append(points, statuspage.Point{Time: minute, Status: statuspage.StatusUp, Latency: new(123.4), Source: statuspage.SourceProbe})
	}
	return points
}
