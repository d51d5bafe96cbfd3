package recurrence

import (
	"fmt"
	"math"
	"regexp"
	"sync"
	"time"
	_ "time/tzdata" // a function of AWS Lambda has no zone files
)

var (
	// The files beside the zones in a system's directory, such as posixrules and zone.tab, and copies of the
	// zones in other forms (right/Europe/Berlin), begin with a small letter.
	zoneName = regexp.MustCompile(`^[A-Z][A-Za-z0-9_+-]*(/[A-Z][A-Za-z0-9_+-]*)*$`)
	zones    sync.Map // *time.Location by name
)

// LoadZone returns the time zone of a name of the IANA database, such as "Europe/Berlin" or "UTC".
func LoadZone(name string) (*time.Location, error) {
	if loc, ok := zones.Load(name); ok {
		return loc.(*time.Location), nil
	}
	if name == "Local" || !zoneName.MatchString(name) {
		return nil, fmt.Errorf("unknown time zone %q", name)
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("unknown time zone %q", name)
	}
	zones.Store(name, loc)
	return loc, nil
}

// A zone turns the wall times of a location, which have to come in rising order, into UTC.
type zone struct {
	loc    *time.Location
	offset int64 // seconds, now in force
	end    int64 // UTC seconds, when next comes into force
	next   int64 // seconds
}

// zoneAt returns the zone for wall times that are not before at, UTC seconds.
func zoneAt(loc *time.Location, at int64) zone {
	t := time.Unix(at, 0).In(loc)
	z := zone{loc: loc, offset: offset(t), end: math.MaxInt64}
	if _, end := t.ZoneBounds(); !end.IsZero() {
		if !end.After(t) { // Go does so on the last day of a leap year after 2037, on which no clock changes
			end = t.Add(day * time.Second)
		}
		z.end, z.next = end.Unix(), offset(end)
	}
	return z
}

// utc returns the time of wall in UTC seconds, the first when there are two. A time that the zone skips is
// as long after the change as it would have been without it; skipped says so.
func (z *zone) utc(wall int64) (utc int64, skipped bool) {
	for {
		utc = wall - z.offset
		if utc < z.end {
			return utc, false
		}
		if wall-z.next < z.end {
			return utc, true
		}
		*z = zoneAt(z.loc, z.end)
	}
}

// offset returns the seconds that t's zone is ahead of UTC, in whole minutes: no zone has had others since
// 1972.
func offset(t time.Time) int64 {
	_, seconds := t.Zone()
	return floorDiv(int64(seconds), 60) * 60
}
