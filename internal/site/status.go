package site

import "tocsin/internal/statuspage"

const (
	// measuredFor is for how many seconds after its newest point a monitor counts as measured.
	measuredFor = 30 * day

	// silentAfter is after how many seconds without a point a measured monitor has no data.
	silentAfter = 15 * minute
)

// isMeasured reports whether the monitor has a point of the last 30 days.
func isMeasured(newest *statuspage.Point, now int64) bool {
	return newest != nil && now-newest.Time < measuredFor
}

// measuredStatus is the status of a measured monitor by its newest point: NoData when that
// is 15 minutes old or older.
func measuredStatus(newest statuspage.Point, now int64) Status {
	if now-newest.Time >= silentAfter {
		return NoData
	}
	return Status(newest.Status)
}

// declaredStatus is how a monitor without points is when no incident concerns it: its
// default status. One whose default status is NONE, NO_DATA or null says that nothing is
// known, so nothing is shown but what incidents say of it. A monitor is made with UP, so a
// page that is run by hand is green without more.
func declaredStatus(m statuspage.Monitor) Status {
	if m.DefaultStatus == nil || !statuspage.ValidImpact(statuspage.Impact(*m.DefaultStatus)) {
		return NoData
	}
	return Status(*m.DefaultStatus)
}

// with is the status under an incident that does so much: the worse of the two. An impact
// of UP does nothing, and neither does none.
func (s Status) with(effect Status) Status {
	if effect == Up || effect == NoData {
		return s
	}
	return s.Worse(effect)
}

// headline is the status of the whole, by those of its monitors and of the incidents that
// have begun and are open. Beside such an incident it is at least DEGRADED, whatever the
// incident does to whom, unless that is MAINTENANCE.
func headline(monitors, incidents []Status) Status {
	worst := NoData
	for _, s := range monitors {
		worst = worst.Worse(s)
	}
	for _, s := range incidents {
		if s == Up || s == NoData {
			s = Degraded
		}
		worst = worst.Worse(s)
	}
	return worst
}

// groupStatus is the status of a group, the worst of its members', and whether only some of
// them are so bad. Members without data count nowhere.
func groupStatus(members []Status) (worst Status, partial bool) {
	worst = headline(members, nil)
	for _, s := range members {
		partial = partial || s != worst && s != NoData
	}
	return worst, partial
}

// dayStatus is the status of a day of a monitor: the worst of which there are as many
// minutes as the monitor's thresholds ask for, one if it has none. It is NoData when no
// minute was counted.
func dayStatus(c Counts, m statuspage.Monitor) Status {
	switch {
	case c.Minutes() == 0:
		return NoData
	case c.Down >= atLeastOne(m.DayDownMinimum):
		return Down
	case c.Degraded >= atLeastOne(m.DayDegradedMinimum):
		return Degraded
	case c.Maintenance > 0:
		return UnderMaintenance
	}
	return Up
}

func atLeastOne(n *int64) int64 {
	if n == nil {
		return 1
	}
	return max(*n, 1)
}
