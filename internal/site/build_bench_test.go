package site

import (
	"fmt"
	"testing"

	"tocsin/internal/statuspage"
)

// BenchmarkBuild builds a site of as much as is ever read: 2,000 monitors without points,
// and 500 incidents on 48 of them.
func BenchmarkBuild(b *testing.B) {
	const now = 1_800_000_000
	var of material
	var links []statuspage.AffectedMonitor
	for id := int64(1); id <= MaxMonitors; id++ {
		m := statuspage.NewMonitor(fmt.Sprintf("m%d", id), "Monitor")
		m.ID = id
		of.monitors = append(of.monitors, m)
		if id <= statuspage.MaxIncidentMonitors {
			links = append(links, statuspage.AffectedMonitor{Tag: m.Tag, MonitorID: id, Impact: statuspage.Down})
		}
	}
	for id := int64(1); id <= MaxIncidents; id++ {
		start := now - id*hour
		of.incidents = append(of.incidents, statuspage.Incident{
			ID: id, Start: statuspage.FloorMinute(start), State: statuspage.Resolved, Monitors: links, End: new(now - int64(minute)), Closed: new(int64(now)),
		})
	}
	of.histories = map[int64]history{}
	for _, m := range of.monitors {
		h := history{}
		q := wholeHistory(now)
		for d := q.Days.From; d <= q.Days.To; d += day {
			h.Days = append(h.Days, statuspage.DayTotals{Day: d})
		}
		of.histories[m.ID] = h
	}
	b.ReportAllocs()
	for b.Loop() {
		build(Config{}, of, now)
	}
}
