// Package recurrence knows when a maintenance starts: the rules of RFC 5545, section 3.3.10 (RRULE), in the
// dialect of the npm package rrule, which clients write them for. A start is a whole minute in UTC seconds;
// a rule repeats the wall time of its first start in a time zone.
//
// Where the RFC and npm rrule differ on which starts a rule has, npm rrule is followed, but for its
// mistakes: a list of BYDAY with and without ordinals is a union, BYSETPOS beyond the set is nothing, and
// week numbers are right at both ends of a year.
package recurrence

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A SyntaxError is for a text that npm rrule does not take either.
type SyntaxError struct {
	Detail string
}

// Error returns what is wrong.
func (e *SyntaxError) Error() string { return "not an iCalendar RRULE: " + e.Detail }

// A RefusedError is for a rule that npm rrule takes and this package does not.
type RefusedError struct {
	Reason string // for the client
}

// Error returns the reason.
func (e *RefusedError) Error() string { return e.Reason }

// Frequency is the unit in which a rule repeats.
type Frequency int

// The frequencies, from the longest period to the shortest.
const (
	Yearly Frequency = iota
	Monthly
	Weekly
	Daily
	Hourly
	Minutely // with COUNT=1 only
	secondly // never
)

var frequencies = map[string]Frequency{
	"YEARLY": Yearly, "MONTHLY": Monthly, "WEEKLY": Weekly, "DAILY": Daily, "HOURLY": Hourly, "MINUTELY": Minutely, "SECONDLY": secondly,
}

// Weekday is an entry of BYDAY. N is its place within the month or year, from the end when negative, or 0
// for every such day.
type Weekday struct {
	N   int
	Day time.Weekday
}

var weekdays = map[string]time.Weekday{
	"MO": time.Monday, "TU": time.Tuesday, "WE": time.Wednesday, "TH": time.Thursday, "FR": time.Friday, "SA": time.Saturday, "SU": time.Sunday,
}

// Rule is a parsed RRULE. The lists are sorted and without repetitions; an empty one is no condition.
type Rule struct {
	frequency Frequency
	interval  int
	count     int // 0: none
	hasUntil  bool
	until     int64 // UTC seconds when untilUTC, else a wall time as if it were UTC
	untilUTC  bool
	weekStart time.Weekday
	weekdays  []Weekday
	easter    []int // days from Easter Sunday; one at most

	months, monthDays, yearDays, weekNumbers, positions, hours, minutes []int

	steps *int // counts the periods and days that are looked at, for tests; nil otherwise
}

// OneTime reports whether the rule is for one occurrence, at the start: exactly COUNT=1.
func (r Rule) OneTime() bool { return r.count == 1 }

// Frequency returns the unit in which the rule repeats.
func (r Rule) Frequency() Frequency { return r.frequency }

// Interval returns how many units are between two periods of the rule, at least 1.
func (r Rule) Interval() int { return r.interval }

// Weekdays returns the days of BYDAY, from Monday on; the caller must not change them.
func (r Rule) Weekdays() []Weekday { return r.weekdays }

// MonthDays returns the days of BYMONTHDAY, rising: -1 is the last day of a month; the caller must not
// change them.
func (r Rule) MonthDays() []int { return r.monthDays }

// Months returns the months of BYMONTH, from January (1) on; the caller must not change them.
func (r Rule) Months() []int { return r.months }

// Simple reports whether Frequency, Interval, Weekdays, MonthDays, Months and TimeOfDay say all about the rule
// but for its end.
func (r Rule) Simple() bool {
	once := len(r.hours)+len(r.minutes) == 0 || r.frequency < Hourly && len(r.hours) <= 1 && len(r.minutes) <= 1
	return once && len(r.easter)+len(r.yearDays)+len(r.weekNumbers)+len(r.positions) == 0
}

// TimeOfDay returns the day of the first start with the time at which a simple rule has its occurrences:
// that of BYHOUR and BYMINUTE, else that of the start.
func (r Rule) TimeOfDay(start time.Time) time.Time {
	hour, minute := start.Hour(), start.Minute()
	if len(r.hours) > 0 {
		hour = r.hours[0]
	}
	if len(r.minutes) > 0 {
		minute = r.minutes[0]
	}
	return time.Date(start.Year(), start.Month(), start.Day(), hour, minute, 0, 0, start.Location())
}

// maxPerDay is how many occurrences a rule may have on a day.
const maxPerDay = 24

// Parse returns the rule that text says. Its error is a *SyntaxError or a *RefusedError.
func Parse(text string) (Rule, error) {
	line, _, more := strings.Cut(text, "\n")
	parts, err := split(line)
	if err != nil {
		return Rule{}, err
	}
	r, err := build(parts)
	if err == nil && more {
		err = &RefusedError{"only one line is supported"}
	}
	if err != nil {
		return Rule{}, err
	}
	return r, nil
}

// known are the parts of a rule.
var known = []string{
	"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYDAY", "BYMONTH", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYSETPOS", "BYHOUR", "BYMINUTE", "BYSECOND",
	"BYEASTER", "DTSTART", "TZID",
}

// split returns the values of the parts by their upper-case names. Of a part that is there twice, the last
// one counts.
func split(line string) (map[string]string, error) {
	if strings.ContainsFunc(line, func(c rune) bool { return c <= ' ' || c > '~' }) {
		return nil, &SyntaxError{"only printable ASCII characters without blanks are allowed"}
	}
	parts := map[string]string{}
	for part := range strings.SplitSeq(line, ";") {
		key, value, ok := strings.Cut(part, "=")
		key = strings.ToUpper(key)
		if key == "BYWEEKDAY" { // npm rrule's own name for it
			key = "BYDAY"
		}
		if !ok || !slices.Contains(known, key) {
			return nil, &SyntaxError{fmt.Sprintf("unknown part %q", part)}
		}
		parts[key] = value
	}
	return parts, nil
}

// build returns the rule of parts. What is no RRULE at all is said before what is refused.
func build(parts map[string]string) (r Rule, err error) {
	if text, ok := parts["FREQ"]; ok {
		if r.frequency, ok = frequencies[strings.ToUpper(text)]; !ok {
			return r, &SyntaxError{fmt.Sprintf("unknown FREQ %q", text)}
		}
	}
	if text, ok := parts["BYDAY"]; ok {
		if r.weekdays, err = parseWeekdays(text); err != nil {
			return r, err
		}
	}
	if text, ok := parts["UNTIL"]; ok {
		if r.until, r.untilUTC, err = parseUntil(text); err != nil {
			return r, err
		}
		r.hasUntil = true
	}

	if _, ok := parts["DTSTART"]; ok {
		return r, &RefusedError{"DTSTART is not supported inside the rule: use start_date_time"}
	}
	if _, ok := parts["TZID"]; ok {
		return r, &RefusedError{"TZID is not supported inside the rule: use time_zone"}
	}
	r.interval = 1
	for key, to := range map[string]*int{"COUNT": &r.count, "INTERVAL": &r.interval} {
		if text, ok := parts[key]; ok {
			if *to, err = number(text); err != nil || *to < 1 {
				return r, &RefusedError{key + " must be at least 1"}
			}
		}
	}
	for _, list := range []struct {
		key       string
		to        *[]int
		low, high int
		negative  bool // counted from the end, too
	}{
		{"BYMONTH", &r.months, 1, 12, false},
		{"BYMONTHDAY", &r.monthDays, 1, 31, true},
		{"BYYEARDAY", &r.yearDays, 1, 366, true},
		{"BYWEEKNO", &r.weekNumbers, 1, 53, true},
		{"BYSETPOS", &r.positions, 1, 366, true},
		{"BYHOUR", &r.hours, 0, 23, false},
		{"BYMINUTE", &r.minutes, 0, 59, false},
		{"BYSECOND", new([]int), 0, 60, false}, // without effect: starts are whole minutes
		{"BYEASTER", &r.easter, -366, 366, false},
	} {
		text, ok := parts[list.key]
		if !ok {
			continue
		}
		if *list.to, ok = numbers(text, list.low, list.high, list.negative); !ok {
			reason := fmt.Sprintf("%s must be between %d and %d", list.key, list.low, list.high)
			if list.negative {
				reason += fmt.Sprintf(" or between %d and %d", -list.high, -list.low)
			}
			if list.key == "BYSETPOS" { // the one that npm rrule checks
				return r, &SyntaxError{reason}
			}
			return r, &RefusedError{reason}
		}
	}
	r.weekStart = time.Monday
	if text, ok := parts["WKST"]; ok {
		if r.weekStart, ok = weekdays[text]; !ok {
			return r, &RefusedError{"WKST must be one of MO, TU, WE, TH, FR, SA, SU"}
		}
	}

	if r.frequency == secondly {
		return r, &RefusedError{"FREQ=SECONDLY is not supported"}
	}
	if r.frequency == Minutely && !r.OneTime() {
		return r, &RefusedError{"FREQ=MINUTELY is supported only with COUNT=1"}
	}
	if len(r.easter) > 1 {
		return r, &RefusedError{"BYEASTER must be one number"}
	}
	if len(r.easter) == 1 { // as npm rrule does
		r.frequency = Yearly
	}
	if r.frequency > Monthly {
		for i := range r.weekdays {
			r.weekdays[i].N = 0
		}
	}
	for _, day := range r.weekdays {
		if day.N < -53 || day.N > 53 {
			return r, &RefusedError{"the number in BYDAY must be between 1 and 53 or between -53 and -1"}
		}
	}
	slices.SortFunc(r.weekdays, func(a, b Weekday) int {
		return cmp.Or(cmp.Compare((a.Day+6)%7, (b.Day+6)%7), cmp.Compare(a.N, b.N))
	})
	r.weekdays = slices.Compact(r.weekdays)
	if r.perDay() > maxPerDay && !r.OneTime() {
		return r, &RefusedError{fmt.Sprintf("more than %d occurrences a day", maxPerDay)}
	}
	return r, nil
}

// perDay returns how many occurrences a day of the rule has at most.
func (r Rule) perDay() int {
	hours := max(1, len(r.hours))
	if r.frequency == Hourly {
		hours = (24 + r.interval - 1) / r.interval
		if len(r.hours) > 0 {
			hours = min(hours, len(r.hours))
		}
	}
	return hours * max(1, len(r.minutes))
}

var weekdayForm = regexp.MustCompile(`^([+-]?[0-9]{1,2})?([A-Z]{2})$`)

// parseWeekdays returns the days of the value of BYDAY.
func parseWeekdays(text string) ([]Weekday, error) {
	var days []Weekday
	for entry := range strings.SplitSeq(text, ",") {
		form := weekdayForm.FindStringSubmatch(entry)
		if form == nil {
			return nil, &SyntaxError{fmt.Sprintf("unknown weekday %q", entry)}
		}
		n, _ := strconv.Atoi(form[1])
		day, ok := weekdays[form[2]]
		if !ok || form[1] != "" && n == 0 {
			return nil, &SyntaxError{fmt.Sprintf("unknown weekday %q", entry)}
		}
		days = append(days, Weekday{N: n, Day: day})
	}
	return days, nil
}

var untilForm = regexp.MustCompile(`^[0-9]{8}(T[0-9]{6}Z?)?$`)

// parseUntil returns the seconds of the value of UNTIL, and whether it is said to be UTC. A date is its first
// second.
func parseUntil(text string) (until int64, utc bool, err error) {
	if !untilForm.MatchString(text) {
		return 0, false, &SyntaxError{fmt.Sprintf("UNTIL=%s is not a date or a time", text)}
	}
	form, utc := strings.CutSuffix(text, "Z")
	t, err := time.Parse("20060102T150405"[:len(form)], form)
	if err != nil {
		return 0, false, &RefusedError{fmt.Sprintf("there is no such time as UNTIL=%s", text)}
	}
	return t.Unix(), utc, nil
}

// maxNumber is what a larger number is taken for. As many hours are over 100,000 years.
const maxNumber = 1_000_000_000

// number returns the whole number that text says.
func number(text string) (int, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if errors.Is(err, strconv.ErrRange) { // n is the nearest that there is
		err = nil
	}
	return int(max(-maxNumber, min(n, maxNumber))), err
}

// numbers returns the numbers of a list, and whether they are all between low and high, or when negative is
// set between -high and -low.
func numbers(text string, low, high int, negative bool) ([]int, bool) {
	var list []int
	for entry := range strings.SplitSeq(text, ",") {
		n, err := number(entry)
		if err != nil || (n < low || n > high) && !(negative && -n >= low && -n <= high) {
			return nil, false
		}
		list = append(list, n)
	}
	slices.Sort(list)
	return slices.Compact(list), true
}
