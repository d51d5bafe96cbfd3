package recurrence

import (
	"iter"
	"math"
	"slices"
	"time"
)

const (
	hour    = 3600  // seconds
	day     = 86400 // seconds
	century = 36525 * day
)

// endOfTime is the first wall time that is in no series, that of the year 10000, as in npm rrule.
var endOfTime = time.Date(10000, time.January, 1, 0, 0, 0, 0, time.UTC).Unix()

// A Series is a rule from a start in a time zone. Wall times in it are seconds as if the zone were UTC.
type Series struct {
	rule  Rule // with what the start adds to it
	start int64
	end   int64 // the first UTC second that is after UNTIL
	loc   *time.Location

	wall    int64   // the start's
	wallEnd int64   // after the last wall time that COUNT leaves
	times   []int64 // the seconds of a day, or of an hour when the rule is hourly, at which it has an occurrence
	bounded bool    // by COUNT or UNTIL
}

// From returns the series of the rule from start, UTC seconds at a whole minute, whose wall time is that of
// loc. COUNT counts the wall times of the rule, and those within 100 years from the start only: a series
// with COUNT has none after that.
func (r Rule) From(start int64, loc *time.Location) Series {
	s := Series{start: start, end: endOfTime + day, loc: loc}
	s.wall = start + offset(time.Unix(start, 0).In(loc))
	s.wallEnd = endOfTime
	first := time.Unix(s.wall, 0).UTC()

	if len(r.weekNumbers)+len(r.yearDays)+len(r.monthDays)+len(r.weekdays)+len(r.easter) == 0 {
		switch r.frequency {
		case Yearly:
			if len(r.months) == 0 {
				r.months = []int{int(first.Month())}
			}
			r.monthDays = []int{first.Day()}
		case Monthly:
			r.monthDays = []int{first.Day()}
		case Weekly:
			r.weekdays = []Weekday{{Day: first.Weekday()}}
		}
	}
	minutes := r.minutes
	if len(minutes) == 0 {
		minutes = []int{first.Minute()}
	}
	hours := r.hours
	switch {
	case r.frequency == Hourly: // times are those of one hour
		hours = []int{0}
	case len(hours) == 0:
		hours = []int{first.Hour()}
	}
	s.times = make([]int64, 0, len(hours)*len(minutes))
	for _, h := range hours {
		for _, m := range minutes {
			s.times = append(s.times, int64(h*hour+m*60))
		}
	}
	s.rule = r

	if r.hasUntil {
		until := r.until
		if !r.untilUTC {
			zone := zoneAt(loc, until-2*day)
			until, _ = zone.utc(until)
		}
		s.end = min(s.end, until+1)
		s.bounded = true
	}
	if r.count > 1 {
		last, left := s.wall-1, r.count
		s.walls(s.wall, min(s.wall+century, s.end+day), func(wall int64) bool {
			last = wall
			left--
			return left > 0
		})
		s.wallEnd = last + 1
		s.bounded = true
	}
	return s
}

// Between returns the starts in [from, to), UTC seconds, rising, each once. A wall time that the zone skips
// moves on by as much as is skipped; of one that it has twice, the first counts. The work is that of the
// periods of the rule in the range.
func (s Series) Between(from, to int64) iter.Seq[int64] {
	return func(yield func(int64) bool) {
		if s.rule.OneTime() {
			if from <= s.start && s.start < to {
				yield(s.start)
			}
			return
		}
		from, to := max(from, s.start), min(to, s.end)
		if from >= to {
			return
		}
		// No zone skips or repeats more than a day, and none is more than a day from UTC.
		zone := zoneAt(s.loc, from-day)
		var moved []int64 // skipped ones, rising; not yet yielded, since others to come may be before them
		stopped := false
		put := func(utc int64) bool {
			stopped = utc >= to || !yield(utc)
			return !stopped
		}
		s.walls(from-day+zone.offset, to+day, func(wall int64) bool {
			utc, skipped := zone.utc(wall)
			if wall == s.wall { // which may be the second of two
				utc = s.start
			}
			if utc < from {
				return true
			}
			if skipped {
				moved = append(moved, utc)
				return true
			}
			for ; len(moved) > 0 && moved[0] <= utc; moved = moved[1:] {
				if moved[0] < utc && !put(moved[0]) {
					return false
				}
			}
			return put(utc)
		})
		for _, utc := range moved {
			if stopped || !put(utc) {
				return
			}
		}
	}
}

// Last returns the last start and true when COUNT or UNTIL ends the series, and -1 and true when it has no
// start at all. It returns 0 and false for a series without end, and for one that ends over 100 years after
// its start and has no start in the 100 years before its end.
func (s Series) Last() (last int64, ends bool) {
	if s.rule.OneTime() {
		return s.start, true
	}
	if !s.bounded {
		return 0, false
	}
	to := min(s.end, s.wallEnd+2*day)
	for span, searched := int64(32*day), int64(0); ; span *= 2 {
		if to <= s.start {
			return -1, true
		}
		if searched >= century {
			return 0, false
		}
		found := false
		for utc := range s.Between(to-span, to) {
			last, found = utc, true
		}
		if found {
			return last, true
		}
		to -= span
		searched += span
	}
}

// walls yields the wall times of the rule in [from, to) that are not before the start's, rising, until yield
// returns false.
func (s *Series) walls(from, to int64, yield func(wall int64) bool) {
	from, to = max(from, s.wall), min(to, s.wallEnd)
	if from >= to {
		return
	}
	step := int64(s.rule.interval)
	first := s.period(s.wall)
	next := func(wall int64) int64 { // the first period that does not begin before that of wall
		return first + ceilDiv(s.period(wall)-first, step)*step
	}
	var buffer [32]int64
	set := buffer[:0] // of the period
	var indexes []int // in set, that BYSETPOS picks
	matched := int64(math.MinInt64)
	for p := next(from); ; p += step {
		begin, end := s.begin(p), s.begin(p+1)
		if begin >= to {
			return
		}
		s.rule.step()
		set = set[:0]
		if s.rule.frequency == Hourly {
			date := floorDiv(begin, day)
			if date != matched && !s.rule.matches(date) {
				p = next((date+1)*day) - step
				continue
			}
			matched = date
			if h := int(begin-date*day) / hour; len(s.rule.hours) > 0 && !slices.Contains(s.rule.hours, h) {
				continue
			}
			for _, t := range s.times {
				set = append(set, begin+t)
			}
		} else {
			if s.rule.frequency == Weekly { // BYSETPOS counts the first week from the start, as npm rrule does
				begin = max(begin, floorDiv(s.wall, day)*day)
			}
			if len(s.rule.positions) == 0 {
				begin, end = max(begin, floorDiv(from, day)*day), min(end, to)
			}
			for midnight := begin; midnight < end; midnight += day {
				if !s.rule.matches(midnight / day) {
					continue
				}
				for _, t := range s.times {
					set = append(set, midnight+t)
				}
			}
		}
		if len(s.rule.positions) > 0 {
			indexes = s.rule.pick(len(set), indexes[:0])
			for i, index := range indexes { // rising, so none is overwritten before it is read
				set[i] = set[index]
			}
			set = set[:len(indexes)]
		}
		for _, wall := range set {
			if wall >= to {
				return
			}
			if wall >= from && !yield(wall) {
				return
			}
		}
	}
}

// period returns the number of the period in which wall is: a year, a month, a week, a day or an hour.
func (s *Series) period(wall int64) int64 {
	switch s.rule.frequency {
	case Yearly:
		return int64(time.Unix(wall, 0).UTC().Year())
	case Monthly:
		year, month, _ := time.Unix(wall, 0).UTC().Date()
		return int64(year)*12 + int64(month-1)
	case Weekly:
		return floorDiv(floorDiv(wall, day)+int64(time.Thursday-s.rule.weekStart), 7) // 1970 began with a Thursday
	case Daily:
		return floorDiv(wall, day)
	default:
		return floorDiv(wall, hour)
	}
}

// begin returns the first wall time of a period.
func (s *Series) begin(period int64) int64 {
	switch s.rule.frequency {
	case Yearly:
		return time.Date(int(period), time.January, 1, 0, 0, 0, 0, time.UTC).Unix()
	case Monthly:
		return time.Date(0, time.January+time.Month(period), 1, 0, 0, 0, 0, time.UTC).Unix()
	case Weekly:
		return (period*7 - int64(time.Thursday-s.rule.weekStart)) * day
	case Daily:
		return period * day
	default:
		return period * hour
	}
}

func (r *Rule) step() {
	if r.steps != nil {
		*r.steps++
	}
}

// matches reports whether the rule has occurrences on the day, which is counted from 1970 on.
func (r *Rule) matches(date int64) bool {
	r.step()
	if len(r.months)+len(r.monthDays)+len(r.weekdays)+len(r.yearDays)+len(r.weekNumbers)+len(r.easter) == 0 {
		return true
	}
	t := time.Unix(date*day, 0).UTC()
	year, month, monthDay := t.Date()
	switch {
	case len(r.months) > 0 && !slices.Contains(r.months, int(month)):
		return false
	case len(r.monthDays) > 0 && !listed(r.monthDays, monthDay, daysOf(year, month)):
		return false
	case len(r.weekdays) > 0 && !r.onWeekday(t):
		return false
	case len(r.yearDays) > 0 && !listed(r.yearDays, t.YearDay(), yearLength(year)):
		return false
	case len(r.easter) > 0 && !slices.Contains(r.easter, t.YearDay()-easter(year).YearDay()):
		return false
	case len(r.weekNumbers) > 0:
		// A week belongs to the year of its fourth day.
		fourth := t.AddDate(0, 0, 3-int((t.Weekday()-r.weekStart+7)%7))
		n, fromEnd := nth(fourth.YearDay(), yearLength(fourth.Year()))
		return slices.Contains(r.weekNumbers, n) || slices.Contains(r.weekNumbers, fromEnd)
	}
	return true
}

// onWeekday reports whether BYDAY has the day t. Its ordinals count in the month when the rule is monthly or
// has months, else in the year.
func (r *Rule) onWeekday(t time.Time) bool {
	weekday := t.Weekday()
	for _, w := range r.weekdays {
		if w.Day != weekday {
			continue
		}
		if w.N == 0 {
			return true
		}
		at, length := t.YearDay(), yearLength(t.Year())
		if r.frequency == Monthly || len(r.months) > 0 {
			at, length = t.Day(), daysOf(t.Year(), t.Month())
		}
		if n, fromEnd := nth(at, length); w.N == n || w.N == fromEnd {
			return true
		}
	}
	return false
}

// nth returns which of its weekday the day at of length days is, from the front and from the end (negative).
func nth(at, length int) (n, fromEnd int) {
	return (at-1)/7 + 1, -((length-at)/7 + 1)
}

// pick appends to indexes which of a set of n occurrences BYSETPOS leaves, rising, each once.
func (r *Rule) pick(n int, indexes []int) []int {
	first, _ := slices.BinarySearch(r.positions, -n)
	for _, position := range r.positions[first:] {
		if position > n {
			break
		}
		if position < 0 {
			position += n + 1
		}
		indexes = append(indexes, position-1)
	}
	slices.Sort(indexes)
	return slices.Compact(indexes)
}

// listed reports whether list has n, or n counted from the end of length days.
func listed(list []int, n, length int) bool {
	return slices.Contains(list, n) || slices.Contains(list, n-length-1)
}

func yearLength(year int) int { return 337 + daysOf(year, time.February) }

func daysOf(year int, month time.Month) int {
	switch month {
	case time.April, time.June, time.September, time.November:
		return 30
	case time.February:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// easter returns Easter Sunday of the Gregorian calendar, by the algorithm of Meeus, Jones and Butcher.
func easter(year int) time.Time {
	a, b, c := year%19, year/100, year%100
	h := (19*a + b - b/4 - (b-(b+8)/25+1)/3 + 15) % 30
	l := (32 + 2*(b%4) + 2*(c/4) - h - c%4) % 7
	m := (a + 11*h + 22*l) / 451
	n := h + l - 7*m + 114
	return time.Date(year, time.Month(n/31), n%31+1, 0, 0, 0, 0, time.UTC)
}

// floorDiv returns a/b, rounded down.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// ceilDiv returns a/b, rounded up.
func ceilDiv(a, b int64) int64 { return -floorDiv(-a, b) }
