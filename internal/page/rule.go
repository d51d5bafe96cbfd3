package page

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"tocsin/internal/recurrence"
	"tocsin/internal/statuspage"
)

var (
	weekdayWords = []word{"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"}
	placeWords   = map[int]word{1: "First", 2: "Second", 3: "Third", 4: "Fourth", 5: "Fifth", -1: "Last"}
)

// schedule says when a maintenance takes place: "Every Sunday, 03:00 to 04:00, Berlin time".
func (w *words) schedule(s statuspage.Schedule) string {
	rule, err := recurrence.Parse(s.Rule)
	if err != nil { // of a schedule that was checked
		return w.say("Repeats")
	}
	if rule.OneTime() {
		return w.say("Once")
	}
	zone := time.UTC
	if s.TimeZone != "" {
		if zone, err = recurrence.LoadZone(s.TimeZone); err != nil {
			return w.say("Repeats")
		}
	}
	start := rule.TimeOfDay(time.Unix(s.Start, 0).In(zone))
	says := w.repeats(rule, start)
	if says == "" {
		return w.say("Repeats")
	}
	if rule.Frequency() == recurrence.Hourly {
		return says
	}
	f := fields{"Rule": says, "From": w.formats.time.text(start), "Zone": w.zone(s.TimeZone)}
	if s.Duration < day {
		f["To"] = w.formats.time.text(start.Add(time.Duration(s.Duration) * time.Second))
		return w.with("RuleFromTo", f)
	}
	return w.with("RuleFrom", f)
}

// repeats says on which days a rule has starts, the first one at start; "" when that takes too
// many words.
func (w *words) repeats(rule recurrence.Rule, start time.Time) string {
	if !rule.Simple() {
		return ""
	}
	n := int64(rule.Interval())
	days, monthDays, months := rule.Weekdays(), rule.MonthDays(), rule.Months()
	if len(months) > 0 && (rule.Frequency() != recurrence.Yearly || len(months) > 1) {
		return ""
	}
	switch rule.Frequency() {
	case recurrence.Hourly:
		if len(days)+len(monthDays) == 0 {
			return w.every("EveryHour", "EveryHours", n, fields{})
		}
	case recurrence.Daily:
		switch {
		case len(monthDays) > 0:
		case len(days) == 0:
			return w.every("EveryDay", "EveryDays", n, fields{})
		case n == 1:
			return w.weekly(1, days, start)
		}
	case recurrence.Weekly:
		if len(monthDays) == 0 {
			return w.weekly(n, days, start)
		}
	case recurrence.Monthly:
		if on := w.onDay(days, monthDays, start); on != "" {
			return w.every("EveryMonth", "EveryMonths", n, fields{"Day": on})
		}
	case recurrence.Yearly:
		day := start.Day()
		if len(monthDays) == 1 {
			day = monthDays[0]
		}
		if len(days) > 0 || len(monthDays) > 1 || len(months) == 0 && len(monthDays) > 0 || day < 0 {
			return ""
		}
		month := start.Month()
		if len(months) == 1 {
			month = time.Month(months[0])
		}
		date := w.with("DayOfYear", fields{"Day": day, "Month": w.say(monthWords[month-1])})
		return w.every("EveryYear", "EveryYears", n, fields{"Date": date})
	}
	return ""
}

// every is the one message of each unit of a rule, or the other one of each so manyth.
func (w *words) every(one, other word, n int64, f fields) string {
	if n == 1 {
		return w.with(one, f)
	}
	f["N"] = n
	return w.with(other, f)
}

// weekly says on which weekdays of each so manyth week.
func (w *words) weekly(n int64, days []recurrence.Weekday, start time.Time) string {
	if len(days) == 0 {
		days = []recurrence.Weekday{{Day: start.Weekday()}}
	}
	var names []string
	for _, d := range days {
		names = append(names, w.say(weekdayWords[d.Day]))
	}
	return w.every("EveryWeek", "EveryWeeks", n, fields{"Days": w.list(names)})
}

// onDay says on which day of a month: "the 1st", "the last day", "the second Tuesday".
func (w *words) onDay(days []recurrence.Weekday, monthDays []int, start time.Time) string {
	if len(days) == 0 && len(monthDays) == 0 {
		monthDays = []int{start.Day()}
	}
	switch {
	case len(days) == 0 && len(monthDays) == 1 && monthDays[0] == -1:
		return w.say("LastDay")
	case len(days) == 0 && !slices.ContainsFunc(monthDays, func(d int) bool { return d < 0 }):
		var ordinals []string
		for _, d := range monthDays {
			ordinals = append(ordinals, w.ordinal(d))
		}
		return w.with("TheDays", fields{"Days": w.list(ordinals)})
	case len(days) == 1 && len(monthDays) == 0 && placeWords[days[0].N] != "":
		return w.with("TheWeekday", fields{"Place": w.say(placeWords[days[0].N]), "Weekday": w.say(weekdayWords[days[0].Day])})
	}
	return ""
}

// ordinal writes the day of a month: "1st".
func (w *words) ordinal(n int) string {
	endings := strings.Split(w.say("OrdinalEndings"), ",")
	at := n % 10
	if n/10 == 1 || at >= len(endings) {
		at = 0
	}
	return strconv.Itoa(n) + endings[at]
}

// list joins words: "a, b and c".
func (w *words) list(all []string) string {
	last := len(all) - 1
	if last < 1 {
		return strings.Join(all, "")
	}
	return w.with("And", fields{"List": strings.Join(all[:last], ", "), "Last": all[last]})
}

// zone names a time zone, after a time in it: " UTC", ", Berlin time".
func (w *words) zone(name string) string {
	area, city, is := strings.Cut(name, "/")
	switch {
	case name == "":
		return " UTC"
	case !is || area == "Etc":
		return " " + strings.TrimPrefix(name, "Etc/")
	}
	city = city[strings.LastIndexByte(city, '/')+1:]
	return ", " + w.with("ZoneOfCity", fields{"City": strings.ReplaceAll(city, "_", " ")})
}
