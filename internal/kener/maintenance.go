package kener

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"tocsin/internal/recurrence"
	"tocsin/internal/statuspage"
)

// oneTime is a rule of one occurrence, as Kener's dashboard writes it.
const oneTime = "FREQ=MINUTELY;COUNT=1"

// maintenanceJSON is a maintenance as Kener shows it.
type maintenanceJSON struct {
	ID          int64           `json:"id"`
	Title       json.RawMessage `json:"title"`
	Description json.RawMessage `json:"description"`
	Start       json.RawMessage `json:"start_date_time"`
	Rule        json.RawMessage `json:"rrule"`
	TimeZone    json.RawMessage `json:"time_zone"` // ours, not Kener's
	Duration    json.RawMessage `json:"duration_seconds"`
	Status      json.RawMessage `json:"status"`
	Monitors    []affectedJSON  `json:"monitors"`
	Created     json.RawMessage `json:"created_at"`
	Updated     json.RawMessage `json:"updated_at"`
}

// eventJSON is an occurrence of a maintenance as Kener shows it.
type eventJSON struct {
	ID      int64           `json:"id"`
	Start   json.RawMessage `json:"start_date_time"`
	End     json.RawMessage `json:"end_date_time"`
	Status  json.RawMessage `json:"status"`
	Created json.RawMessage `json:"created_at"`
	Updated json.RawMessage `json:"updated_at"`
}

// maintenance returns the maintenance and its occurrences as they are here from now on. ids
// are the monitors that were imported.
//
// Kener keeps no planned start of an event. It is taken for its start, but for a one-time
// maintenance, whose event may have been moved. What a person made of an event shows in its
// status and times; the schedule goes on with the minute after now.
func (m maintenanceJSON) maintenance(events []eventJSON, ids map[string]int64, now int64, warn warnFunc) (statuspage.Maintenance, []statuspage.Occurrence) {
	warn = under(warn, fmt.Sprintf("maintenance %d", m.ID))
	out := statuspage.Maintenance{
		ID: m.ID, Title: cut(textOr(m.Title, ""), statuspage.MaxMaintenanceTitle, warn, "title"), Version: 1,
		Status: statuspage.MaintenanceStatus(textOr(m.Status, "")),
	}
	if d := text(m.Description); d != nil {
		out.Description = new(cut(*d, statuspage.MaxMaintenanceText, warn, "description"))
	}
	if !statuspage.ValidMaintenanceStatus(out.Status) {
		warn("its status %q is kept as %s", out.Status, statuspage.MaintenanceInactive)
		out.Status = statuspage.MaintenanceInactive
	}
	out.Created = instant(m.Created, now, warn, "created_at")
	out.Updated = instant(m.Updated, out.Created, warn, "updated_at")
	out.Monitors = links(m.Monitors, ids, statuspage.MaintenanceImpact, statuspage.MaxMaintenanceMonitors, warn)
	if len(out.Monitors) == 0 && len(m.Monitors) > 0 {
		out.Orphan = statuspage.OrphanOfPublic // without it the maintenance would concern everything
	}
	out.Schedule = m.schedule(out.Created, warn)
	var occurrences []statuspage.Occurrence
	planned := map[int64]bool{}
	for _, e := range events {
		o := e.occurrence(m.ID, out.Duration, now, under(warn, fmt.Sprintf("event %d", e.ID)))
		for planned[o.Planned] { // two that begin at once were planned for different times
			o.Planned++
		}
		planned[o.Planned] = true
		occurrences = append(occurrences, o)
	}
	if out.OneTime() && len(occurrences) > 0 && !planned[out.Start] {
		slices.SortFunc(occurrences, func(a, b statuspage.Occurrence) int { return cmp.Compare(a.ID, b.ID) })
		occurrences[len(occurrences)-1].Planned = out.Start
	}
	return out.Taken(occurrences, now), occurrences
}

// schedule is one-time when the rule is none that there is here.
func (m maintenanceJSON) schedule(created int64, warn warnFunc) statuspage.Schedule {
	s := statuspage.Schedule{
		Start: minuteOr(m.Start, statuspage.FloorMinute(created), warn, "start_date_time"),
		Rule:  textOr(m.Rule, ""), TimeZone: textOr(m.TimeZone, ""), Duration: seconds(m.Duration, warn),
	}
	if _, err := recurrence.LoadZone(s.TimeZone); s.TimeZone != "" && err != nil {
		warn("its time zone %q is kept as UTC", s.TimeZone)
		s.TimeZone = ""
	}
	s.Start = min(s.Start, statuspage.FloorMinute(statuspage.MaxTimestamp-s.Duration))
	_, err := recurrence.Parse(s.Rule)
	if len(s.Rule) > statuspage.MaxRule {
		err = errors.New("it is too long")
	}
	if err == nil && s.Check() != nil {
		err = errors.New("it has too many events on at a time")
	}
	switch {
	case err != nil:
		warn("its rule %.100q can't be kept, %v: its events are kept, and there will be no more; give it another rule", s.Rule, err)
		s.Rule = oneTime
	case strings.Contains(s.Rule, "COUNT=1") && !s.OneTime():
		warn("its rule %q was for one event in Kener, and is for as many as it says here", s.Rule)
	}
	return s
}

// seconds is a duration, of which Kener takes fractions.
func seconds(raw json.RawMessage, warn warnFunc) int64 {
	var n float64
	if json.Unmarshal(raw, &n) != nil || n < 1 || n > statuspage.MaxDuration {
		n = min(max(n, 1), statuspage.MaxDuration)
		warn("its duration_seconds %s is kept as %d", raw, int64(n))
	}
	return int64(n)
}

// occurrence is an event of the maintenance with the id. duration is how long one is by the
// schedule.
func (e eventJSON) occurrence(maintenanceID, duration, now int64, warn warnFunc) statuspage.Occurrence {
	o := statuspage.Occurrence{ID: e.ID, MaintenanceID: maintenanceID}
	o.Created = instant(e.Created, now, warn, "created_at")
	o.Updated = instant(e.Updated, o.Created, warn, "updated_at")
	o.Start = minuteOr(whole(e.Start), statuspage.FloorMinute(o.Created), warn, "start_date_time")
	o.Planned = o.Start
	end := integer(whole(e.End))
	if end == nil || *end <= o.Start || *end > statuspage.MaxTimestamp {
		warn("its end %s is no time after its start: it is %s", e.End, utc(o.Start+duration))
		end = new(o.Start + duration)
	}
	o.End = *end
	switch state := statuspage.OccurrenceState(textOr(e.Status, "")); state {
	case statuspage.Cancelled:
		o.Said = state
	case statuspage.Completed:
		if o.End > now { // else the clock says it
			o.Said = state
		}
	}
	return o
}

// whole is a number without its fraction, and anything else as it is.
func whole(raw json.RawMessage) json.RawMessage {
	var n float64
	if isNull(raw) || json.Unmarshal(raw, &n) != nil || math.Abs(n) > statuspage.MaxID {
		return raw
	}
	return json.RawMessage(strconv.FormatInt(int64(math.Floor(n)), 10))
}

// takeMaintenance takes a maintenance with its events.
func (i *importer) takeMaintenance(ctx context.Context, shown maintenanceJSON) error {
	var events []eventJSON
	last := statuspage.LastIDs{Maintenance: shown.ID}
	seen := map[int64]bool{}
	err := i.c.events(ctx, shown.ID, func(e eventJSON) {
		if statuspage.ValidID(e.ID) && !seen[e.ID] {
			seen[e.ID] = true
			events = append(events, e)
			last.Occurrence = max(last.Occurrence, e.ID)
		}
	})
	if errors.Is(err, errGone) {
		i.warn("maintenance %d: it was deleted meanwhile", shown.ID)
		return nil
	}
	if err != nil {
		return err
	}
	if err := i.store.RaiseIDs(ctx, last); err != nil {
		return err
	}
	m, occurrences := shown.maintenance(events, i.ids, i.now, i.warn)
	made, err := i.store.ImportMaintenance(ctx, m, occurrences, i.now)
	if err == nil {
		i.made(made, func(r *Report) {
			r.Maintenances++
			r.Events += int64(len(occurrences))
		})
	}
	return err
}

// maintenances lists the maintenances, each once.
func (c *Client) maintenances(ctx context.Context) ([]maintenanceJSON, error) {
	var all []maintenanceJSON
	seen := map[int64]bool{}
	_, err := list(ctx, c, "/maintenances", nil, "maintenances", func(m maintenanceJSON) {
		if statuspage.ValidID(m.ID) && !seen[m.ID] {
			seen[m.ID] = true
			all = append(all, m)
		}
	})
	if errors.Is(err, errNoRoute) || errors.Is(err, errGone) { // one that had incidents knows no maintenances
		return nil, nil
	}
	return all, err
}

// events lists the events of a maintenance, page by page; one can be there twice.
func (c *Client) events(ctx context.Context, id int64, take func(eventJSON)) error {
	const most = 100 // on a page
	for page := 1; ; page++ {
		n := 0
		query := url.Values{"page": {strconv.Itoa(page)}, "limit": {strconv.Itoa(most)}}
		_, err := list(ctx, c, fmt.Sprintf("/maintenances/%d/events", id), query, "events", func(e eventJSON) {
			take(e)
			n++
		})
		if err != nil || n < most {
			return err
		}
	}
}
