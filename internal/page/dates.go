package page

import (
	"fmt"
	"strconv"
	"time"
)

const (
	minute = 60
	hour   = 60 * minute
	day    = 24 * hour
)

var monthWords = []word{"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"}

// date writes the UTC day of t (UTC seconds): "27 November 2026".
func (w *words) date(t int64) string { return w.formats.date.text(time.Unix(t, 0).UTC()) }

// dayOfYear writes the UTC day of t without its year: "27 November".
func (w *words) dayOfYear(t int64) string {
	at := time.Unix(t, 0).UTC()
	return w.with("DayOfYear", fields{"Day": at.Day(), "Month": w.say(monthWords[at.Month()-1])})
}

// daysOfMonth writes the UTC days from one to another of the same month: "12 to 24 November".
func (w *words) daysOfMonth(from, to int64) string {
	if from == to {
		return w.dayOfYear(from)
	}
	a, b := time.Unix(from, 0).UTC(), time.Unix(to, 0).UTC()
	return w.with("DaysOfMonth", fields{"From": a.Day(), "To": b.Day(), "Month": w.say(monthWords[b.Month()-1])})
}

// month writes the UTC month of t: "November 2026".
func (w *words) month(t int64) string {
	at := time.Unix(t, 0).UTC()
	return w.say(monthWords[at.Month()-1]) + " " + strconv.Itoa(at.Year())
}

// instant writes t to the minute: "27 November 2026, 02:42 UTC".
func (w *words) instant(t int64) string { return w.formats.dateAndTime.utc(t) }

// until writes t, the end of what began at start: "03:42 UTC" if that was on the same day.
func (w *words) until(start, t int64) string {
	if start-start%day == t-t%day {
		return w.formats.time.utc(t)
	}
	return w.instant(t)
}

// span writes the time from start to end: "27 November 2026, 02:42 UTC to 03:42 UTC".
func (w *words) span(start, end int64) string {
	return w.instant(start) + " " + w.say("To") + " " + w.until(start, end)
}

// machine writes t as attributes and other programs want it: "2026-11-27T02:42:21Z".
func machineTime(t int64) string { return time.Unix(t, 0).UTC().Format(time.RFC3339) }

// machineDay writes the UTC day of t: "2026-11-27".
func machineDay(t int64) string { return time.Unix(t, 0).UTC().Format(time.DateOnly) }

// duration writes so many seconds in its two greatest units, the second one cut: "1 day 3
// hours", "55 minutes". Less than a minute is one.
func (w *words) duration(seconds int64) string {
	minutes := max(seconds/minute, 1)
	switch {
	case minutes < 60:
		return w.count("Minutes", minutes)
	case minutes < 24*60:
		return w.units("Hours", minutes/60, "Minutes", minutes%60)
	}
	return w.units("Days", minutes/(24*60), "Hours", minutes/60%24)
}

func (w *words) units(great word, n int64, small word, rest int64) string {
	if rest == 0 {
		return w.count(great, n)
	}
	return w.count(great, n) + " " + w.count(small, rest)
}

// milliseconds writes a latency: "83 ms", from ten seconds on "12.3 s".
func (w *words) milliseconds(ms float64) string {
	if ms < 10_000 {
		return fmt.Sprintf("%.0f", ms) + "\u00a0ms"
	}
	return w.decimal(fmt.Sprintf("%.1f", ms/1000)) + "\u00a0s"
}
