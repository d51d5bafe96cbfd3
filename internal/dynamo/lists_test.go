package dynamo_test

import (
	"cmp"
	"context"
	"slices"
	"testing"

	"tocsin/internal/dynamo"
	"tocsin/internal/dynamotest"
	"tocsin/internal/statuspage"
)

// queries are the filters of lists.
var queries = []struct {
	name  string
	query statuspage.IncidentQuery
}{
	{"all", statuspage.IncidentQuery{}},
	{"open", statuspage.IncidentQuery{Open: new(true)}},
	{"closed", statuspage.IncidentQuery{Open: new(false)}},
	{"tag", statuspage.IncidentQuery{Tags: []string{"all"}}},
	{"tags", statuspage.IncidentQuery{Tags: []string{"open", "pluto", "all", "open"}}},
	{"tag of open ones", statuspage.IncidentQuery{Tags: []string{"open"}}},
	{"closed by tag", statuspage.IncidentQuery{Tags: []string{"all"}, Open: new(false)}},
	{"closed by the tag of open ones", statuspage.IncidentQuery{Tags: []string{"open"}, Open: new(false)}},
	{"no tag", statuspage.IncidentQuery{Tags: []string{}}},
}

// manyIncidents are more than a page may read.
const manyIncidents = 10_000

// TestLists lists a table that is larger than what one page may read.
func TestLists(t *testing.T) {
	a := dynamotest.NewArchive(t, manyIncidents)
	t.Run("every match once", func(t *testing.T) { testLists(t, a) })
	t.Run("rows read", func(t *testing.T) { testRowsRead(t, a) })
}

func isOpen(i statuspage.Incident) bool { return i.Closed == nil }

func newestFirst(a, b statuspage.Incident) int {
	return cmp.Or(cmp.Compare(b.Start, a.Start), cmp.Compare(b.ID, a.ID))
}

// testLists asks that pages of 1000 hold every match once, in order.
func testLists(t *testing.T, a *dynamotest.Archive) {
	store, incidents := a.Table.Store(nil), slices.SortedFunc(a.Incidents(), newestFirst)
	forAll(len(queries), 2, func(n int) {
		tt := queries[n]
		var want, got []int64
		for _, i := range incidents {
			linked := tt.query.Tags == nil || slices.ContainsFunc(i.Monitors, func(m statuspage.AffectedMonitor) bool { return slices.Contains(tt.query.Tags, m.Tag) })
			if linked && (tt.query.Open == nil || *tt.query.Open == isOpen(i)) {
				want = append(want, i.ID)
			}
		}
		q := tt.query
		q.Limit = 1000
		for _, i := range listed(t, store, q) {
			got = append(got, i.ID)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %d incidents, want %d in order", tt.name, len(got), len(want))
		}
	})
}

// testRowsRead asks that no page of a list reads more than it may, however few of
// the rows match.
func testRowsRead(t *testing.T, a *dynamotest.Archive) {
	client := &dynamotest.Client{}
	s := a.Table.Store(client)
	for _, tt := range queries {
		for _, limit := range []int{1, 10, 1000} {
			q := tt.query
			q.To, q.Limit = statuspage.MaxTimestamp, limit
			client.Reset()
			taken := 0
			next, err := s.Incidents(context.Background(), q, func(statuspage.Incident) bool {
				taken++
				return taken <= limit
			})
			if err != nil {
				t.Fatal(err)
			}
			incidents, rows := 0, 0
			for n, c := range client.Calls() {
				switch {
				case c.Operation == "Query":
					rows += c.Items
				case n > 0: // the first reads the monitors
					incidents += c.Items
				}
			}
			if incidents > dynamo.MaxRowsRead || rows > max(1, len(q.Tags))*dynamo.MaxRowsRead {
				t.Errorf("%s, limit %d: a page read %d rows and %d incidents", tt.name, limit, rows, incidents)
			}
			if tt.name == "closed by the tag of open ones" && (next == nil || taken > 0) {
				t.Errorf("%s, limit %d: the first page holds %d incidents and ends at %v, want none and a position", tt.name, limit, taken, next)
			}
		}
	}
}
