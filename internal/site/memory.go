package site

import (
	"maps"
	"reflect"
	"slices"

	"tocsin/internal/statuspage"
)

// remembered is for how many seconds after a load what it read can be used. A change since
// then is among those of the last ten minutes, also when its writer took a while.
const remembered = lag - 2*minute

// relist is for how many seconds lists of records hold.
const relist = 10 * minute

// A memory is what a load leaves for the next one.
type memory struct {
	loaded    int64                 // UTC seconds
	listed    int64                 // when all of these were listed, UTC seconds; 0: never
	monitors  []statuspage.Monitor  // that are shown, by id; nil: not known
	incidents []statuspage.Incident // the newest start first
	histories map[int64]history
	comments  map[int64][]statuspage.Comment // by incident id

	maintenances []statuspage.Maintenance // by id

	pages    []statuspage.Page        // by id; nil: not known
	settings []statuspage.SiteSetting // that somebody has set; nil: not known
}

// A history is what is known of a monitor's points.
type history struct {
	statuspage.History
	read    int64               // when the whole of it was read, UTC seconds
	windows []statuspage.Window // that it was made of then
}

// at is what of the memory holds at now, but for changes.
func (m memory) at(now int64) memory {
	if now < m.loaded || now > m.loaded+remembered {
		return memory{}
	}
	known := memory{histories: maps.Clone(m.histories), comments: maps.Clone(m.comments)}
	maps.DeleteFunc(known.histories, func(id int64, h history) bool { return !h.holds(id, now) })
	if now-m.listed < relist && len(m.monitors)+len(m.incidents)+len(m.maintenances) > 0 { // an empty table may be imported into, which writes no changes
		known.listed, known.monitors, known.incidents, known.maintenances = m.listed, m.monitors, m.incidents, m.maintenances
		known.pages, known.settings = m.pages, m.settings
	}
	return known
}

// forget removes what changes were about. Incidents and maintenances stay: those that were changed in the last
// ten minutes are read by their keys at each load.
func (m *memory) forget(changes []statuspage.Change) {
	for _, c := range changes {
		switch {
		case c.Record == statuspage.RecordIncident:
			delete(m.comments, c.ID)
		case c.What == statuspage.DataUpdated || c.What == statuspage.DataDeleted:
			delete(m.histories, c.ID)
		case c.Record == statuspage.RecordMonitor && m.listed != 0:
			m.monitors = nil
		case c.Record == statuspage.RecordPage:
			m.pages = nil
		case c.Record == statuspage.RecordSiteSetting:
			m.settings = nil
		}
	}
}

// holds reports whether the history needs only its newest hours at now. It is read as a
// whole on each new day, and in each hour at a minute that is another one for each monitor.
func (h history) holds(monitorID, now int64) bool {
	turn := func(t int64) int64 { return (t + monitorID%60*minute) / hour }
	return now >= h.read && turn(now) == turn(h.read) && statuspage.FloorDay(now) == statuspage.FloorDay(h.read)
}

// madeOf reports whether the windows make of what is not read again what those did of which
// the history was made.
func (h history) madeOf(windows []statuspage.Window) bool {
	last := newestHours(h.read).Hours - minute
	return reflect.DeepEqual(statuspage.OverlayOf(h.windows, last), statuspage.OverlayOf(windows, last))
}

// with returns the history with what more was read.
func (h history) with(more statuspage.History, q statuspage.HistoryQuery) history {
	if len(more.Days) > 0 {
		h.Days = more.Days
	}
	n := slices.IndexFunc(h.Hours, func(of statuspage.HourTotals) bool { return of.Hour >= q.Hours })
	if n < 0 {
		n = len(h.Hours)
	}
	h.Hours = append(h.Hours[:n:n], more.Hours...)
	if more.Newest != nil {
		h.Newest = more.Newest
	}
	return h
}

// wholeHistory asks for all that pages show of a monitor: the hours of today, of yesterday
// and of the time that is shown by the hour, and the days before yesterday.
func wholeHistory(now int64) statuspage.HistoryQuery {
	days := dayRange(now)
	days.To -= 2 * day
	return statuspage.HistoryQuery{Days: days, Hours: min(firstHour(now), statuspage.FloorDay(now)-day)}
}

// newestHours asks for the hours in which probes post.
func newestHours(now int64) statuspage.HistoryQuery {
	return statuspage.HistoryQuery{Days: statuspage.DayRange{From: 1}, Hours: statuspage.FloorHour(now) - hour}
}
