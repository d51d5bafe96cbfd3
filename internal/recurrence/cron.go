package recurrence

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A Cron is a schedule as a crontab has it: minute, hour, day of the month, month and day of the week,
// separated by blanks. Each is *, a number, a range, a step (*/5, 10-20/2, 3/4) or a list of these with commas;
// months and days of the week have their English names of three letters too, and Sunday is 0 and 7. Where both
// days are restricted, a day that one of them names is on, else one that both do, as crontab(5) says.
type Cron struct {
	minutes, hours, days, months, weekdays uint64 // a bit each

	eitherDay bool // whether one of days and weekdays is enough
}

var shortCrons = map[string]string{
	"@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0", "@monthly": "0 0 1 * *",
	"@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *",
}

var (
	monthNames   = []string{"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}
	weekdayNames = []string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}
)

// ParseCron returns the schedule that text says, which is five fields or one of @hourly, @daily, @midnight,
// @weekly, @monthly, @yearly and @annually. A schedule that has no time at all, such as the 30th of February, is
// an error too.
func ParseCron(text string) (c Cron, err error) {
	if long, is := shortCrons[strings.TrimSpace(text)]; is {
		text = long
	}
	fields := strings.Fields(text)
	if len(fields) != 5 {
		return c, errors.New("a schedule has five fields: minute, hour, day of the month, month, day of the week")
	}
	for n, f := range []struct {
		to        *uint64
		low, high int
		names     []string // of the numbers from low on
	}{
		{&c.minutes, 0, 59, nil}, {&c.hours, 0, 23, nil}, {&c.days, 1, 31, nil}, {&c.months, 1, 12, monthNames}, {&c.weekdays, 0, 7, weekdayNames},
	} {
		if *f.to, err = cronField(strings.ToUpper(fields[n]), f.low, f.high, f.names); err != nil {
			return c, err
		}
	}
	if c.weekdays&(1<<7) != 0 {
		c.weekdays |= 1
	}
	c.eitherDay = fields[2][0] != '*' && fields[4][0] != '*'
	if c.next(0) == endOfTime {
		return c, errors.New("no day has this date")
	}
	return c, nil
}

// cronField returns the numbers of a field, a bit each.
func cronField(field string, low, high int, names []string) (bits uint64, err error) {
	number := func(text string) (int, bool) {
		for n, name := range names {
			if text == name {
				return low + n, true
			}
		}
		n, err := strconv.ParseUint(text, 10, 8)
		return int(n), err == nil && low <= int(n) && int(n) <= high
	}
	for part := range strings.SplitSeq(field, ",") {
		span, stepText, stepped := strings.Cut(part, "/")
		from, to, step, ok := low, high, 1, true
		if span != "*" {
			first, last, isRange := strings.Cut(span, "-")
			if from, ok = number(first); isRange {
				var is bool
				to, is = number(last)
				ok = ok && is
			} else if !stepped {
				to = from
			}
		}
		if stepped {
			n, err := strconv.ParseUint(stepText, 10, 8)
			step, ok = int(n), ok && err == nil && n > 0
		}
		if !ok || from > to {
			return 0, fmt.Errorf("%q is not a list of numbers from %d to %d", field, low, high)
		}
		for n := from; n <= to; n += step {
			bits |= 1 << n
		}
	}
	return bits, nil
}

// After returns the first time of the schedule after t in the zone, both UTC seconds. A wall time that the
// zone skips is none, and of one that it has twice the first counts. It returns the end of time when no time
// is to come.
func (c Cron) After(t int64, loc *time.Location) int64 {
	wall := t + offset(time.Unix(t, 0).In(loc))
	zone := zoneAt(loc, t-day)
	for {
		if wall = c.next(wall); wall >= endOfTime {
			return endOfTime
		}
		if utc, skipped := zone.utc(wall); utc > t && !skipped {
			return utc
		}
	}
}

// cronYears is how many years without a time of a schedule mean that there is none: a 29th of February that is
// on one day of the week can be 40 years away, over a year without a leap day.
const cronYears = 41

// next returns the first wall time of the schedule after wall, endOfTime when there is none.
func (c Cron) next(wall int64) int64 {
	first := floorDiv(wall, day) * day
	for date := first; date < min(first+cronYears*366*day, endOfTime); date += day {
		if !c.on(time.Unix(date, 0).UTC()) {
			continue
		}
		for h := int64(0); h < 24; h++ {
			for m := int64(0); m < 60 && c.hours>>h&1 == 1; m++ {
				if at := date + h*hour + m*60; at > wall && c.minutes>>m&1 == 1 {
					return at
				}
			}
		}
	}
	return endOfTime
}

// on reports whether the schedule has the date.
func (c Cron) on(date time.Time) bool {
	day, weekday := c.days>>date.Day()&1 == 1, c.weekdays>>date.Weekday()&1 == 1
	if c.eitherDay {
		day = day || weekday
	} else {
		day = day && weekday
	}
	return day && c.months>>date.Month()&1 == 1
}
