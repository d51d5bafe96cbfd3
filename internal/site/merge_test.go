package site_test

import (
	"context"
	"maps"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/dynamotest"
	"tocsin/internal/opt"
	"tocsin/internal/site"
	"tocsin/internal/statuspage"
)

// The lists of incidents are read from indexes before a change, and all else after it: what
// is shown is as after it.
func TestLoadWithLaggingIndexes(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(w *world, open, closed statuspage.Incident)
	}{
		{"made", func(w *world, _, _ statuspage.Incident) { w.incident(now-minute, now, down("api")) }},
		{"made before", func(w *world, _, _ statuspage.Incident) { w.incident(now-minute, now-9*minute, down("api")) }},
		{"deleted", func(w *world, open, closed statuspage.Incident) {
			for _, i := range []statuspage.Incident{open, closed} {
				if err := w.store.DeleteIncident(w.t.Context(), i.ID, now, nil); err != nil {
					w.t.Fatal(err)
				}
			}
		}},
		{"made and deleted", func(w *world, _, _ statuspage.Incident) {
			if err := w.store.DeleteIncident(w.t.Context(), w.incident(now-minute, now, down("api")).ID, now, nil); err != nil {
				w.t.Fatal(err)
			}
		}},
		{"resolved", func(w *world, open, _ statuspage.Incident) { w.comment(open.ID, now, statuspage.Resolved) }},
		{"opened again", func(w *world, _, closed statuspage.Incident) { w.comment(closed.ID, now, statuspage.Identified) }},
		{"commented", func(w *world, open, _ statuspage.Incident) { w.comment(open.ID, now, statuspage.Monitoring) }},
		{"moved to another day and monitor", func(w *world, open, _ statuspage.Incident) {
			p := statuspage.IncidentPatch{Start: opt.Value(open.Start - 2*day), Monitors: opt.Value([]statuspage.MonitorImpact{{Tag: "db", Impact: statuspage.Degraded}})}
			if _, err := w.store.UpdateIncident(w.t.Context(), open.ID, p, now, nil); err != nil {
				w.t.Fatal(err)
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.monitor("api", nil)
			w.monitor("db", nil)
			closed := w.incident(now-3*day, now-3*day, down("api"))
			w.comment(closed.ID, now-3*day+hour, statuspage.Resolved)
			open := w.incident(now-hour, now-hour, down("api"))
			w.incident(now-2*hour, now-2*hour, down("db"))
			before := w.load()

			const lists = 3 // of incidents
			var listed sync.WaitGroup
			listed.Add(lists)
			change := dynamotest.Before(dynamotest.Reads("CHANGES#"), func() {
				listed.Wait()
				tt.change(w, open, closed)
			})
			isList := dynamotest.Reads("INCIDENTS", "OPEN", "CLOSED")
			client := &dynamotest.Client{Inject: change, Answered: func(operation string, body []byte) {
				if isList(operation, body) {
					listed.Done()
				}
			}}
			got, err := site.Load(t.Context(), w.table.Store(client), site.Config{Name: "Example", URL: "https://status.example.com"}, now)
			if err != nil {
				t.Fatal(err)
			}
			after := w.load()
			if d := cmp.Diff(after, got); d != "" {
				t.Error(d)
			}
			if tt.name != "made and deleted" && cmp.Equal(before, after) {
				t.Error("the change changes nothing")
			}
		})
	}
}

// What is deleted while a site is read is there or not, and no error.
func TestLoadWhileThingsGo(t *testing.T) {
	for _, prefix := range []string{"CHANGES#", "MONITOR#", "INCIDENT#"} {
		t.Run(prefix, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.monitor("api", nil)
			m := w.monitor("db", nil)
			w.fill("db", now-now%minute-hour, now-now%minute, statuspage.StatusUp)
			old := w.incident(now-hour, now-hour, down("db"))
			w.comment(old.ID, now-hour, statuspage.Identified)
			fresh := w.incident(now, now, down("api"))
			w.comment(fresh.ID, now, statuspage.Identified)
			ran := false
			client := &dynamotest.Client{Inject: dynamotest.Before(dynamotest.Reads(prefix), func() {
				ran = true
				for _, i := range []statuspage.Incident{old, fresh} {
					if err := w.store.DeleteIncident(t.Context(), i.ID, now, nil); err != nil {
						t.Error(err)
					}
				}
				if err := w.store.DeleteMonitor(t.Context(), m.Tag, now); err != nil {
					t.Error(err)
				}
			})}
			if _, err := site.Load(t.Context(), w.table.Store(client), site.Config{}, now); err != nil || !ran {
				t.Errorf("%v, ran: %v", err, ran)
			}
			if s := w.load(); len(s.Monitors()) != 1 || len(s.Incidents()) != 0 || s.Status != site.Up {
				t.Errorf("%d monitors, %d incidents, %s", len(s.Monitors()), len(s.Incidents()), s.Status)
			}
		})
	}
}

// An incident whose item is older than its change row is read again.
func TestLoadReadsAgain(t *testing.T) {
	w := newWorld(t)
	w.monitor("api", nil)
	i := w.incident(now-hour, now-hour, down("api"))
	w.comment(i.ID, now, statuspage.Monitoring)
	s := &slow{Store: w.store, stale: map[int64]statuspage.Incident{i.ID: i}} // as it was before the comment
	got, err := site.Load(t.Context(), s, site.Config{Name: "Example", URL: "https://status.example.com"}, now)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(w.load(), got); d != "" {
		t.Error(d)
	}
	if s.reads != 2 {
		t.Errorf("%d reads, want 2", s.reads)
	}
}

// slow is a repository whose first read by key finds records of before a transaction of
// which other items are visible already.
type slow struct {
	site.Store
	stale map[int64]statuspage.Incident
	reads int
}

func (s *slow) IncidentsByID(ctx context.Context, ids []int64) (map[int64]statuspage.Incident, error) {
	found, err := s.Store.IncidentsByID(ctx, ids)
	if s.reads++; s.reads == 1 {
		maps.Copy(found, s.stale)
	}
	return found, err
}
