// Package sitetest makes sites for tests.
package sitetest

import (
	"fmt"

	"tocsin/internal/site"
	"tocsin/internal/statuspage"
)

// Now is when the sites are read: 2026-11-27T02:42:21Z.
const Now = 1795747341

const (
	minute = 60
	hour   = 60 * minute
	day    = 24 * hour
)

// Sample is a site with so many monitors in groups of ten, of whose days one in a hundred was
// bad, and with an open incident and so many past ones. It is the same each time.
func Sample(monitors, past int) *site.Site {
	s := &site.Site{
		Name: "Example", URL: "https://status.example.com", AsOf: Now, Changed: Now - 20*minute, Status: site.Up,
	}
	for i := range monitors {
		if i%10 == 0 {
			s.Groups = append(s.Groups, site.Group{Name: fmt.Sprintf("Group %d", i/10+1), Status: site.Up})
		}
		g := &s.Groups[len(s.Groups)-1]
		m := monitor(i)
		if i == 1 {
			m.Status, g.Status, g.Partial = site.Down, site.Down, monitors > 1
		}
		g.Monitors = append(g.Monitors, m)
	}
	if monitors > 1 {
		s.Status = site.Down
		s.Open = []site.Incident{incident(past+1, Now-40*minute, false)}
	}
	for i := range past {
		s.Past = append(s.Past, incident(past-i, Now-int64(2+3*i)*day, true))
	}
	return s
}

func monitor(i int) site.Monitor {
	m := site.Monitor{
		ID: int64(i + 1), Tag: fmt.Sprintf("service-%d", i), Name: fmt.Sprintf("Service number %d", i),
		Created: Now - 200*day, Updated: Now - 100*day, Status: site.Up, Formula: statuspage.DefaultFormula, Measured: true, Newest: statuspage.FloorMinute(Now),
	}
	total, up := int64(0), int64(0)
	today := statuspage.FloorDay(Now)
	for d := range site.Days {
		at := today - int64(site.Days-1-d)*day
		of := site.Day{Start: at, Status: site.Up, Counts: site.Counts{Up: 1440, Latency: new(float64(80 + d%7))}}
		if at == today {
			of.Up = (Now - today) / minute
		}
		switch bad := int64((i*31+d*17)%160 + 3); (i*7 + d*13) % 100 {
		case 5:
			of.Status, of.Up, of.Down = site.Down, of.Up-bad%of.Up, bad%of.Up
		case 6:
			of.Status, of.Up, of.Degraded = site.Degraded, of.Up-bad%of.Up, bad%of.Up
		}
		total, up = total+of.Minutes(), up+of.Up+of.Degraded
		m.Days = append(m.Days, of)
	}
	m.Uptime, m.Latency = new(float64(up)/float64(total)*100), new(83.0)
	for h := range int64(48) {
		m.Hours = append(m.Hours, site.Hour{Start: statuspage.FloorHour(Now) - (47-h)*hour, Counts: site.Counts{Up: 60, Latency: new(float64(70 + h))}})
	}
	return m
}

func incident(id int, start int64, resolved bool) site.Incident {
	start = statuspage.FloorMinute(start)
	i := site.Incident{
		ID: int64(id), Title: fmt.Sprintf("Checkout is slow in region %d", id), State: statuspage.Identified, Status: site.Down,
		Start: start, Created: start + 100, Updated: start + 20*minute,
		Affected: []site.Affected{{MonitorID: 2, Tag: "service-1", Name: "Service number 1", Status: site.Down}},
		Updates: []site.Update{
			{ID: int64(10*id + 2), Time: start + 18*minute, State: statuspage.Identified, Text: "A *bad* release. [Details](https://example.com/x)", Created: start + 18*minute, Updated: start + 18*minute},
			{ID: int64(10*id + 1), Time: start + 2*minute, State: statuspage.Investigating, Text: "Orders fail for some customers.", Created: start + 2*minute, Updated: start + 2*minute},
		},
	}
	if resolved {
		end := start + 55*minute
		i.State, i.End, i.Updated = statuspage.Resolved, &end, end
		i.Updates = append([]site.Update{{ID: int64(10*id + 3), Time: end, State: statuspage.Resolved, Text: "A fix has been rolled out and all orders go through again.", Created: end, Updated: end}}, i.Updates...)
	}
	return i
}
