package publish

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"

	"tocsin/internal/page"
	"tocsin/internal/site"
	"tocsin/internal/statuspage"
)

const (
	sweepSize = 100 // incidents of the past that one pass makes pages of
	lookAhead = 20  // ids after the last one that are looked at for pages: some ids are never used
)

// A sweep makes the pages of all incidents, the newest first, because all look different, and a
// round those of maintenances. What one pass does not get done the next one goes on with, of whatever publisher.
type sweep struct {
	Look   string                       `json:"look"`
	After  *statuspage.IncidentPosition `json:"after,omitempty"`  // the last incident whose page was made
	Listed bool                         `json:"listed,omitempty"` // it was the last of all
	Down   int64                        `json:"down"`             // the month of the oldest incident so far, or the current one
	Made   int64                        `json:"made"`             // the oldest month whose page was made, or the one after now
	Last   int64                        `json:"last"`             // the highest id so far
	By     string                       `json:"by"`               // the publisher of its last pass, and
	Time   int64                        `json:"time"`             // when that was, UTC seconds
}

// sweep does a part of the sweep that is to be done, if one is: the months down to the
// incidents that it has come to, else the next incidents.
func (t *task) sweep(ctx context.Context) error {
	look := t.look()
	if s := t.next.Sweep; !t.whole && s != nil && s.Look != look && s.By != t.name() && s.Time > t.now-late {
		t.left = true // to a publisher that wants another look, as one of another version does
		return nil
	}
	if s := t.next.Sweep; t.whole || t.next.Look != look && (s == nil || s.Look != look) {
		next := statuspage.NextMonth(statuspage.FloorMonth(t.now))
		t.next.Sweep = &sweep{Look: look, Down: next, Made: next}
		t.next.Round = newRound(0)
	}
	if t.next.Sweep == nil {
		return nil
	}
	s := *t.next.Sweep
	s.By, s.Time = t.name(), t.now
	ids := map[int64]bool{}
	if s.Made <= s.Down && !s.Listed {
		s.Down = min(s.Down, statuspage.FloorMonth(t.now))
		next, err := t.Store.Incidents(ctx, statuspage.IncidentQuery{To: statuspage.MaxTimestamp, After: s.After, Limit: sweepSize}, func(i statuspage.Incident) bool {
			if len(ids) == sweepSize {
				return false
			}
			ids[i.ID], s.Down, s.Last = false, min(s.Down, statuspage.FloorMonth(i.Start)), max(s.Last, i.ID)
			return true
		})
		if err != nil {
			return fmt.Errorf("listing the incidents: %w", err)
		}
		if s.After, s.Listed = next, next == nil; s.Listed && t.next.Oldest > 0 {
			s.Down = min(s.Down, t.next.Oldest)
		}
	}
	months := t.monthsDown(&s)
	// What is known of the files now is older than what is read below.
	keys := t.keysOf(ids)
	for _, month := range months {
		keys = append(keys, t.monthKeys(month)...)
	}
	if err := t.know(ctx, keys); err != nil && !errors.Is(err, errUnknown) {
		return err
	}
	shown, err := site.LoadShown(ctx, t.Store)
	if err != nil {
		return fmt.Errorf("reading the monitors: %w", err)
	}
	made, err := t.incidents(ctx, shown, ids)
	if err != nil {
		return err
	}
	first := t.next.First
	for _, month := range months {
		pages, any, err := t.month(ctx, shown, month)
		if err != nil {
			return err
		}
		if made = append(made, pages...); any {
			first = min(first, month)
		}
	}
	if err := t.put(ctx, made); err != nil {
		return err
	}
	t.forgetPages(ids)
	t.next.First, t.next.Sweep = first, &s
	if !s.Listed || s.Made > s.Down {
		return nil
	}
	more, err := t.takeAway(ctx, shown, &s)
	if err != nil {
		return err
	}
	if !more {
		// Incidents that are not shown any more may have left First behind.
		t.next.Look, t.next.Sweep, t.next.Rising = look, nil, true
	}
	return nil
}

// forgetPages forgets what the pages of the incidents are like, but for those that each pass needs.
// A table may have more incidents than a process can remember.
func (t *task) forgetPages(ids map[int64]bool) {
	needed := map[int64]bool{}
	for _, i := range t.site.Everything().Incidents() {
		needed[i.ID] = true
	}
	for id := range ids {
		if needed[id] {
			continue
		}
		for _, key := range t.incidentKeys(id) {
			delete(t.known, key)
		}
	}
}

// takeAway takes away pages of incidents with higher ids than any that the table has, as when the
// table is one of an earlier moment. It reports whether there were some among the next ids.
func (t *task) takeAway(ctx context.Context, shown site.Shown, s *sweep) (more bool, err error) {
	ids := map[int64]bool{}
	for n := range int64(lookAhead) {
		ids[s.Last+1+n] = false
	}
	if err := t.know(ctx, t.keysOf(ids)); err != nil && !errors.Is(err, errUnknown) {
		return false, err
	}
	maps.DeleteFunc(ids, func(id int64, _ bool) bool { return t.known[t.incidentKeys(id)[0]].status != http.StatusOK })
	made, err := t.incidents(ctx, shown, ids)
	if err != nil {
		return false, err
	}
	s.Last += lookAhead
	return len(ids) > 0, t.put(ctx, made)
}

// monthsDown are the next months whose pages the sweep makes, the newest first, as many as one
// pass makes. They are made then.
func (t *task) monthsDown(s *sweep) []int64 {
	months := monthsTo(s.Down, s.Made-1)
	slices.Reverse(months)
	months = months[:min(len(months), monthsAtOnce)]
	if len(months) > 0 {
		s.Made = months[len(months)-1]
	}
	return months
}

// look is a digest of what all files depend on: the program that makes them, what the operator
// says about them, the table that they tell of, the pages that they lead to, and the monitors that
// are shown, which incidents of any time may name.
func (t *task) look() string {
	type monitor struct {
		ID        int64
		Tag, Name string
	}
	var monitors []monitor
	for _, m := range t.site.Everything().Monitors() {
		monitors = append(monitors, monitor{m.ID, m.Tag, m.Name})
	}
	settings := t.site.Settings
	settings.Notice, settings.Sitemap = nil, site.Sitemap{} // which only files have that are made of the site alone
	settings.CSS = settings.CSS[:min(1, len(settings.CSS))] // it is a file of its own
	home := t.site.Page
	said := []any{program(), t.Table, t.site.Name, t.site.URL, t.site.Notice, t.site.Demo, settings, monitors, home.Logo, home.MetaTitle, home.SocialImage}
	for _, p := range t.site.Siblings {
		said = append(said, []string{p.Path, p.Title})
	}
	if settings.Exclusive { // then months tell of what is on the home page
		said = append(said, tagsOf(t.site))
	}
	text, err := json.Marshal(said)
	if err != nil {
		panic(fmt.Sprintf("publish: the look can't be encoded: %v", err))
	}
	return digest(text)[:32]
}

const sampleTime = 1795747341 // UTC seconds

var (
	programOnce   sync.Once
	programDigest string
)

// program is a digest of the files of a site that is always the same. Another program that
// makes the same ones of it need not make all again. It is a function, and not a value that is made
// at the start, so that a program that only reads files has nothing of what makes them in it.
func program() string {
	programOnce.Do(func() { programDigest = sampleDigest() })
	return programDigest
}

func sampleDigest() string {
	const at, day = sampleTime, 86400
	update := site.Update{ID: 1, Time: at, State: statuspage.Resolved, Text: "*a* [b](https://c.example)", Created: at, Updated: at}
	i := site.Incident{
		ID: 1, Title: "a", State: statuspage.Resolved, Status: site.Down, Start: at - day, End: new(int64(at)), Created: at, Updated: at,
		Affected: []site.Affected{{MonitorID: 1, Tag: "a", Name: "a", Status: site.Down}}, Updates: []site.Update{update},
	}
	m := site.Monitor{ID: 1, Tag: "a", Name: "a", Status: site.Up, Created: at, Updated: at}
	for n := range int64(site.Days) {
		m.Days = append(m.Days, site.Day{Start: statuspage.FloorDay(at) - (site.Days-1-n)*day, Status: site.Up, Counts: site.Counts{Up: 1440}})
	}
	s := site.Site{
		Name: "a", URL: "https://a.example", AsOf: at, Changed: at, Status: site.Up, Past: []site.Incident{i},
		Groups: []site.Group{{Name: "a", Status: site.Up, Monitors: []site.Monitor{m}}},
	}
	all := filesDigest(s, i)
	s.Settings = site.Settings{
		Logo: "/a.png", Favicon: "/b.png", SocialImage: "/c.png", MetaTitle: "a", Description: "a", Nav: []site.Link{{Name: "a", URL: "/a", Icon: "/a.png"}},
		Footer: "<p>a</p>", Theme: "dark", Colours: map[string]string{"UP": "#00ff00"}, DarkColours: map[string]string{"UP": "#00ff00"}, CSS: "a{}",
		Languages: []string{"de", "en"}, Formats: site.Formats{DateAndTime: "yyyy-MM-dd HH:mm", Date: "yyyy-MM-dd", Time: "HH:mm"},
	}
	s.Siblings = []site.Page{{}, {ID: 2, Path: "a", Title: "a"}}
	return digest([]byte(all + filesDigest(s, i)))
}

// filesDigest is of files of the site with the incident, and what else it may have.
func filesDigest(sample site.Site, i site.Incident) string {
	const at, day = sampleTime, 86400
	s := &sample
	files := page.Files(s)
	files = append(files, page.IncidentFiles(s, i)...)
	files = append(files, page.GoneFiles(s, 1)...)
	for _, state := range []statuspage.OccurrenceState{statuspage.Scheduled, statuspage.Ready, statuspage.Ongoing, statuspage.Completed, statuspage.Cancelled} {
		for _, rule := range []string{"FREQ=DAILY", "FREQ=DAILY;COUNT=1"} {
			m := site.Maintenance{
				ID: 1, Of: 1, Title: "a", Description: "*a*", Schedule: statuspage.Schedule{Start: at - at%60, Rule: rule, TimeZone: "Europe/Berlin", Duration: day},
				Start: at, End: at + day, State: state, Status: site.UnderMaintenance, Affected: i.Affected, Created: at, Updated: at,
			}
			s.Maintenances = append(s.Maintenances, m)
			files = append(files, page.OccurrenceFiles(s, m)...)
		}
	}
	files = append(files, page.SeriesFiles(s, site.Series{Maintenance: s.Maintenances[0], Occurrences: s.Maintenances})...)
	files = append(append(files, page.GoneOccurrenceFiles(s, 1)...), page.GoneSeriesFiles(s, 1)...)
	files = append(files, page.Files(s)...)
	elsewhere := slices.Repeat([]site.Incident{{End: new(int64)}}, site.MaxIncidents) // so many that days have pages, and none that they list
	for _, incidents := range [][]site.Incident{s.Past, append(elsewhere, s.Past...)} {
		files = append(files, page.MonthFiles(s, site.Month{Start: statuspage.FloorMonth(at), End: statuspage.NextMonth(at), Incidents: incidents})...)
	}
	all := ""
	for _, f := range files {
		all += f.Path + digestOf(f)
	}
	return digest([]byte(all))
}
