package publish

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"tocsin/internal/page"
	"tocsin/internal/site"
	"tocsin/internal/statuspage"
)

// sweepSize is how many incidents of the past one pass makes pages of.
const sweepSize = 100

// A sweep makes the pages of all incidents, the newest first, because all look different. What
// one pass does not get done the next one goes on with.
type sweep struct {
	look  string
	after *statuspage.IncidentPosition
	month int64 // the oldest whose page was made; 0: none
}

// sweep does a part of the sweep that is to be done, if one is. more: there is more of it.
func (t *task) sweep(ctx context.Context) (more bool, err error) {
	p := t.publisher
	look := look(p.Config, t.site)
	if p.mark.Look == look && p.sweep == nil {
		return false, nil
	}
	if p.sweep == nil || p.sweep.look != look {
		p.sweep = &sweep{look: look}
	}
	ids, oldest := map[int64]bool{}, t.now
	next, err := p.Store.Incidents(ctx, statuspage.IncidentQuery{To: statuspage.MaxTimestamp, After: p.sweep.after, Limit: sweepSize}, func(i statuspage.Incident) bool {
		if len(ids) == sweepSize {
			return false
		}
		ids[i.ID], oldest = false, min(oldest, i.Start)
		return true
	})
	if err != nil {
		return false, fmt.Errorf("listing the incidents: %w", err)
	}
	// What is known of the files now is older than what is read of the incidents below.
	if err := p.know(ctx, keysOf(ids)); err != nil && !errors.Is(err, errUnknown) {
		return false, err
	}
	incidents, err := t.incidents(ctx, ids)
	if err != nil {
		return false, err
	}
	months, err := t.monthsDownTo(ctx, oldest)
	if err != nil {
		return false, err
	}
	if err := p.putAll(ctx, [][]output{incidents, months}, t.now); err != nil {
		return false, err
	}
	p.sweep.after, p.sweep.month = next, statuspage.FloorMonth(oldest)
	if next != nil {
		return true, nil
	}
	t.next.Look, p.sweep = look, nil
	return false, nil
}

// monthsDownTo makes the pages of the months that the sweep has not made yet, down to one.
func (t *task) monthsDownTo(ctx context.Context, oldest int64) ([]output, error) {
	to := t.now
	if t.publisher.sweep.month != 0 {
		to = t.publisher.sweep.month - 1
	}
	var made []output
	for _, month := range monthsTo(oldest, to) {
		m, err := site.LoadMonth(ctx, t.publisher.Store, month, t.now)
		if err != nil {
			return nil, fmt.Errorf("reading a month: %w", err)
		}
		made = append(made, t.monthPages(m)...)
		if len(m.Incidents) > 0 {
			t.next.First = min(t.next.First, month)
		}
	}
	return made, nil
}

// look is a digest of what all files depend on: the program that makes them, what the operator
// says about them, and the monitors that are shown, which incidents of any time may name.
func look(c site.Config, s *site.Site) string {
	type monitor struct {
		ID        int64
		Tag, Name string
	}
	var monitors []monitor
	for _, m := range s.Monitors() {
		monitors = append(monitors, monitor{m.ID, m.Tag, m.Name})
	}
	text, err := json.Marshal([]any{program(), c, monitors})
	if err != nil {
		panic(fmt.Sprintf("publish: the look can't be encoded: %v", err))
	}
	return digest(text)[:32]
}

// program is a digest of the files of a site that is always the same. Another program that
// makes the same ones of it need not make all again.
var program = sync.OnceValue(func() string {
	const at, day = 1795747341, 86400
	update := site.Update{ID: 1, Time: at, State: statuspage.Resolved, Text: "*a* [b](https://c.example)", Created: at, Updated: at}
	i := site.Incident{
		ID: 1, Title: "a", State: statuspage.Resolved, Status: site.Down, Start: at - day, End: new(int64(at)), Created: at, Updated: at,
		Affected: []site.Affected{{MonitorID: 1, Tag: "a", Name: "a", Status: site.Down}}, Updates: []site.Update{update},
	}
	m := site.Monitor{ID: 1, Tag: "a", Name: "a", Status: site.Up, Created: at, Updated: at}
	for n := range int64(site.Days) {
		m.Days = append(m.Days, site.Day{Start: statuspage.FloorDay(at) - (site.Days-1-n)*day, Status: site.Up, Counts: site.Counts{Up: 1440}})
	}
	s := &site.Site{
		Name: "a", URL: "https://a.example", AsOf: at, Changed: at, Status: site.Up, Past: []site.Incident{i},
		Groups: []site.Group{{Name: "a", Status: site.Up, Monitors: []site.Monitor{m}}},
	}
	files := page.Files(s)
	files = append(files, page.IncidentFiles(s, i)...)
	files = append(files, page.GoneFiles(s, 1)...)
	files = append(files, page.MonthFiles(s, site.Month{Start: statuspage.FloorMonth(at), End: statuspage.NextMonth(at), Incidents: s.Past})...)
	all := ""
	for _, f := range files {
		all += f.Path + digestOf(f)
	}
	return digest([]byte(all))
})
