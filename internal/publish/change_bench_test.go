package publish_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"tocsin/internal/dynamo"
	"tocsin/internal/dynamotest"
	"tocsin/internal/opt"
	"tocsin/internal/publish"
	"tocsin/internal/statuspage"
)

// BenchmarkChange measures how long it takes from a change of an incident until home is put, and
// until all is, with an engine on this machine and the files in a folder.
func BenchmarkChange(b *testing.B) {
	for _, monitors := range []int{20, 100, 500} {
		b.Run(fmt.Sprint(monitors), func(b *testing.B) {
			store, now := dynamotest.NewTable(b).Store(nil), start()
			id := siteOf(b, store, monitors, now)
			folder, err := publish.OpenFolder(b.TempDir())
			if err != nil {
				b.Fatal(err)
			}
			port := &timed{Port: folder}
			p := &publish.Publisher{Store: store, Config: config, Port: port}
			pass := func() {
				for more := true; more; {
					if more, err = p.Run(b.Context(), now); err != nil {
						b.Fatal(err)
					}
				}
			}
			pass()
			var home time.Duration
			n := 0
			for b.Loop() {
				n++
				if _, err := store.UpdateIncident(b.Context(), id, statuspage.IncidentPatch{Title: opt.Value(fmt.Sprintf("Title %d", n))}, now, nil); err != nil {
					b.Fatal(err)
				}
				began := time.Now()
				pass()
				home += port.home.Sub(began)
			}
			b.ReportMetric(float64(home.Milliseconds())/float64(n), "ms-to-home")
		})
	}
}

// siteOf makes monitors with two days of points, and an incident whose id it returns.
func siteOf(t testing.TB, store *dynamo.Store, monitors int, now int64) (id int64) {
	t.Helper()
	var first []statuspage.MonitorImpact
	for n := range monitors {
		m := statuspage.NewMonitor(fmt.Sprintf("m%d", n), fmt.Sprintf("Monitor %d", n))
		m.Category = new(fmt.Sprintf("Group %d", n/10))
		if _, err := store.CreateMonitor(t.Context(), m, now-90*day, nil); err != nil {
			t.Fatal(err)
		}
		points := statuspage.Range{From: now - 2*day, To: now - hour, Status: statuspage.StatusUp, Latency: func(at int64) float64 { return float64(at / 60 % 100) }}
		if err := store.FillRange(t.Context(), m.Tag, points, now-hour); err != nil {
			t.Fatal(err)
		}
		if n < 3 {
			first = append(first, statuspage.MonitorImpact{Tag: m.Tag, Impact: statuspage.Down})
		}
	}
	i, err := store.CreateIncident(t.Context(), statuspage.NewIncident{Title: "Outage", Start: now - hour, Source: statuspage.SourceAPI, Monitors: first}, now-hour, nil)
	if err != nil {
		t.Fatal(err)
	}
	return i.ID
}

// timed is a Port that remembers when home was put.
type timed struct {
	publish.Port
	home time.Time
}

func (p *timed) Put(ctx context.Context, key string, o publish.Object, etag string) (string, error) {
	if key == "public/index.html" {
		defer func() { p.home = time.Now() }()
	}
	return p.Port.Put(ctx, key, o, etag)
}

// The page of an incident is put first, then what tells of the whole, then all else.
func TestOrder(t *testing.T) {
	store, now := dynamotest.NewTable(t).Store(nil), start()
	port := &counted{Port: openFolder(t)}
	id := siteOf(t, store, 3, now)
	p := &publish.Publisher{Store: store, Config: config, Port: port}
	run(t, p, now)
	port.since()
	if _, err := store.UpdateIncident(t.Context(), id, statuspage.IncidentPatch{Title: opt.Value("Another")}, now+minute, nil); err != nil {
		t.Fatal(err)
	}
	run(t, p, now+minute)
	incident := []string{fmt.Sprintf("public/incidents/%d.html", id), fmt.Sprintf("public/de/incidents/%d.html", id)}
	lead := []string{"public/index.html", "public/de/index.html", "public/api/v2/status.json", "public/api/v2/summary.json", "public/status.txt"}
	var order []int
	for _, key := range port.puts {
		switch {
		case slices.Contains(incident, key):
			order = append(order, 1)
		case slices.Contains(lead, key):
			order = append(order, 2)
		case key != "publisher.json":
			order = append(order, 3)
		}
	}
	if !slices.IsSorted(order) || len(order) < 9 || order[0] != 1 || order[2] != 2 || order[len(order)-1] != 3 {
		t.Errorf("%v: %q", order, port.puts)
	}
}
