package heartbeats

import (
	"maps"
	"slices"

	"tocsin/internal/statuspage"
)

// batches returns the points of the minute of now (UTC seconds), a monitor at most one, in batches
// that are written at once. Of several heartbeats of one monitor the worst counts.
func batches(of statuspage.Heartbeats, now int64) [][]statuspage.TaggedPoint {
	status := map[string]statuspage.Status{} // by tag
	take := func(tag string, s statuspage.Status) {
		if slices.Index(worst, s) > slices.Index(worst, status[tag]) {
			status[tag] = s
		}
	}
	for _, j := range of.Jobs {
		if j.Integration.Active {
			take(j.Integration.Settings().Heartbeat.Monitor, j.StatusAt(now))
		}
	}
	for _, m := range of.Monitors {
		take(m.Monitor.Tag, m.StatusAt(now))
	}
	points := make([]statuspage.TaggedPoint, 0, len(status))
	for _, tag := range slices.Sorted(maps.Keys(status)) {
		points = append(points, statuspage.TaggedPoint{Tag: tag, Point: statuspage.Point{
			Time: statuspage.FloorMinute(now), Status: status[tag], Source: statuspage.SourceProbe,
		}})
	}
	return slices.Collect(slices.Chunk(points, statuspage.MaxBatch))
}

// worst are the statuses from none to the worst.
var worst = []statuspage.Status{"", statuspage.StatusUp, statuspage.StatusDegraded, statuspage.StatusDown}
