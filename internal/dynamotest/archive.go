package dynamotest

import (
	"context"
	"iter"
	"testing"

	"tocsin/internal/statuspage"
)

// The archive's clock: when its records were made, and the minute in which its newest
// incidents began.
const (
	ArchiveNow   = 1_763_800_000 // UTC seconds
	archiveBegin = 1_763_799_960
)

// What the oldest incidents of an archive have beside themselves.
const (
	ArchiveCommented = 8  // so many have a comment with their own id
	ArchiveLarge     = 4  // the next ones have ArchiveComments each
	ArchiveComments  = 30 // with ids from a hundred times the incident's
)

// An Archive is a table with many incidents: all on the monitor "all", the open ones on
// the monitor "open" too, every third one closed. Three begin in each minute. Seen from
// the newest it is the same whatever its size.
type Archive struct {
	Table *Table
	Size  int
}

// NewArchive loads so many incidents into a table of the test's own.
func NewArchive(t testing.TB, size int) *Archive {
	t.Helper()
	a := &Archive{Table: NewTable(t), Size: size}
	if err := a.Load(context.Background()); err != nil {
		t.Fatal(err)
	}
	return a
}

// Load writes the archive into its table, which must be empty.
func (a *Archive) Load(ctx context.Context) error {
	var monitors []statuspage.Monitor
	for n, tag := range []string{"all", "open"} {
		monitors = append(monitors, statuspage.Monitor{
			ID: int64(n + 1), Tag: tag, Name: tag, ConfirmationThreshold: 1, Created: ArchiveNow, Updated: ArchiveNow, Version: 1,
		})
	}
	return a.Table.Dump(nil).Load(ctx, a.Incidents(), a.comments(), monitors)
}

// Incidents yields the incidents, from the greatest id to 1.
func (a *Archive) Incidents() iter.Seq[statuspage.Incident] {
	return func(yield func(statuspage.Incident) bool) {
		for id := int64(a.Size); id > 0 && yield(a.incident(id)); id-- {
		}
	}
}

func (a *Archive) incident(id int64) statuspage.Incident {
	n := int64(a.Size) - id // how many are newer
	i := statuspage.Incident{
		ID: id, Title: "Outage", Start: archiveBegin - n/3*60, State: statuspage.Investigating,
		Type: statuspage.TypeIncident, Source: statuspage.SourceAPI, Created: ArchiveNow, Updated: ArchiveNow, Version: 1,
		Monitors: []statuspage.AffectedMonitor{{Tag: "all", MonitorID: 1, Impact: statuspage.Down}},
	}
	if n%3 == 2 {
		i.State, i.End, i.Closed = statuspage.Resolved, new(i.Start), new(int64(ArchiveNow))
	} else {
		i.Monitors = append(i.Monitors, statuspage.AffectedMonitor{Tag: "open", MonitorID: 2, Impact: statuspage.Degraded})
	}
	return i
}

func (a *Archive) comments() []statuspage.Comment {
	var comments []statuspage.Comment
	for id := int64(1); id <= min(int64(a.Size), ArchiveCommented+ArchiveLarge); id++ {
		c := statuspage.Comment{
			ID: id, IncidentID: id, Text: "News", Time: a.incident(id).Start, State: statuspage.Identified,
			Created: ArchiveNow, Updated: ArchiveNow, Version: 1,
		}
		if id <= ArchiveCommented {
			comments = append(comments, c)
			continue
		}
		for n := range int64(ArchiveComments) {
			c.ID = 100*id + n
			comments = append(comments, c)
		}
	}
	return comments
}
