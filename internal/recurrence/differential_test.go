package recurrence

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	rrule "github.com/teambition/rrule-go"
	"pgregory.net/rapid"
)

// randomRule draws a rule, as text. Left out is what rrule-go gets wrong, and has tables of its own: ordinals
// beside plain weekdays, the last weeks of a year, hours that are never reached.
func randomRule(t *rapid.T, startHour int) string {
	frequency := rapid.SampledFrom([]string{"YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY"}).Draw(t, "frequency")
	interval := rapid.SampledFrom([]int{1, 1, 1, 2, 3, 5, 13, 100}).Draw(t, "interval")
	parts := []string{"FREQ=" + frequency, fmt.Sprint("INTERVAL=", interval)}
	add := func(key string, most int, number *rapid.Generator[int]) []int {
		if !rapid.SampledFrom([]bool{false, false, true}).Draw(t, key+"?") {
			return nil
		}
		list := rapid.SliceOfNDistinct(number, 1, most, rapid.ID).Draw(t, key)
		parts = append(parts, key+"="+strings.Trim(strings.Join(strings.Fields(fmt.Sprint(list)), ","), "[]"))
		return list
	}
	either := func(most int) *rapid.Generator[int] {
		return rapid.OneOf(rapid.IntRange(1, most), rapid.IntRange(-most, -1))
	}

	months := add("BYMONTH", 4, rapid.IntRange(1, 12))
	add("BYMONTHDAY", 6, either(31))
	minutes := 2
	if frequency == "HOURLY" { // more are refused
		minutes = 1
	}
	add("BYMINUTE", minutes, rapid.IntRange(0, 59))
	for _, h := range add("BYHOUR", 4, rapid.IntRange(0, 23)) {
		if frequency == "HOURLY" && (h-startHour)%gcd(interval, 24) != 0 {
			t.Skip("never reached")
		}
	}
	if rapid.Bool().Draw(t, "BYDAY?") {
		days := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"MO", "TU", "WE", "TH", "FR", "SA", "SU"}), 1, 4, rapid.ID).Draw(t, "BYDAY")
		if rapid.Bool().Draw(t, "ordinals") {
			most := 53
			if frequency == "MONTHLY" || len(months) > 0 { // rrule-go panics on more
				most = 5
			}
			for i := range days {
				days[i] = fmt.Sprint(either(most).Draw(t, "ordinal"), days[i])
			}
		}
		parts = append(parts, "BYDAY="+strings.Join(days, ","))
	}
	switch rapid.IntRange(0, 9).Draw(t, "rare") {
	case 0:
		add("BYYEARDAY", 40, either(366))
	case 1:
		add("BYWEEKNO", 20, rapid.OneOf(rapid.IntRange(1, 51), rapid.IntRange(-51, -1)))
	case 2:
		if frequency == "YEARLY" {
			parts = append(parts, fmt.Sprint("BYEASTER=", rapid.IntRange(-60, 100).Draw(t, "BYEASTER")))
		}
	}
	add("BYSETPOS", 3, either(8))
	if rapid.Bool().Draw(t, "WKST?") {
		parts = append(parts, "WKST="+rapid.SampledFrom([]string{"SU", "WE", "SA"}).Draw(t, "WKST"))
	}
	switch rapid.IntRange(0, 3).Draw(t, "end") {
	case 0:
		parts = append(parts, fmt.Sprint("COUNT=", rapid.IntRange(2, 60).Draw(t, "COUNT")))
	case 1:
		parts = append(parts, fmt.Sprintf("UNTIL=999%d%02d%02dT%02d3000Z", rapid.IntRange(0, 9).Draw(t, "year"), rapid.IntRange(1, 12).Draw(t, "month"),
			rapid.IntRange(1, 28).Draw(t, "day"), rapid.IntRange(0, 23).Draw(t, "hour")))
	}
	return strings.Join(parts, ";")
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// The same rule has the same starts in UTC here and in rrule-go. The years are the last before 10000, where
// rrule-go gives up: before, it may look for the next occurrence for seconds.
func TestAsRRuleGo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from := time.Date(9990, time.January, 1, 0, 0, 0, 0, time.UTC).Unix()
		start := from + 60*rapid.Int64Range(0, 9*365*24*60).Draw(t, "start")
		first := time.Unix(start, 0).UTC()
		text := randomRule(t, first.Hour())
		r, err := Parse(text)
		if err != nil {
			t.Fatalf("Parse(%q): %v", text, err)
		}

		option, err := rrule.StrToROption(text)
		if err != nil {
			t.Fatal(err)
		}
		option.Dtstart = first
		other, err := rrule.NewRRule(*option)
		if err != nil {
			t.Fatal(err)
		}
		var want []int64
		for next := other.Iterator(); len(want) < 1000; {
			at, ok := next()
			if !ok || at.Unix() >= endOfTime {
				break
			}
			want = append(want, at.Unix())
		}
		var got []int64
		s := r.From(start, time.UTC)
		for at := range s.Between(0, endOfTime+day) {
			if got = append(got, at); len(got) == 1000 {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%s from %v: %d starts, want %d: %v, want %v", text, first, len(got), len(want), dates(got), dates(want))
		}

		last, ends := s.Last()
		switch bounded := strings.Contains(text, "COUNT") || strings.Contains(text, "UNTIL"); {
		case !bounded && ends, bounded && !ends:
			t.Fatalf("%s ends: %t", text, ends)
		case ends && len(got) == 0 && last != -1:
			t.Fatalf("%s from %v has the last start %d, want none", text, first, last)
		case ends && len(got) > 0 && len(got) < 1000 && last != got[len(got)-1]:
			t.Fatalf("%s from %v has the last start %v, want %v", text, first, dates([]int64{last}), dates(got[len(got)-1:]))
		}
	})
}

func dates(starts []int64) []string {
	var list []string
	for _, at := range starts[:min(20, len(starts))] {
		list = append(list, time.Unix(at, 0).UTC().Format("Mon 20060102T1504"))
	}
	return list
}

// Any range of a series has what the whole series has in it, and a zone changes nothing but what each wall
// time is in UTC.
func TestRangesAndZones(t *testing.T) {
	names := []string{"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "America/Caracas", "Asia/Pyongyang", "Africa/Monrovia"}
	rapid.Check(t, func(t *rapid.T) {
		loc, err := LoadZone(rapid.SampledFrom(names).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		from := time.Date(1971, time.January, 1, 0, 0, 0, 0, time.UTC).Unix()
		start := from + 60*rapid.Int64Range(0, 60*365*24*60).Draw(t, "start")
		text := randomRule(t, 0)
		r, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		s := r.From(start, loc)
		end := start + 500*day

		_, zoneOffset := time.Unix(start, 0).In(loc).Zone()
		wall := start + int64(zoneOffset) - int64(zoneOffset%60+60)%60
		inUTC := r.From(wall, time.UTC)
		inUTC.end = endOfTime // UNTIL is another wall time there
		var want []int64
		for at := range inUTC.Between(wall, end+3*day) {
			utc := naiveUTC(at, loc)
			if at == wall {
				utc = start
			}
			if utc >= start && utc < min(end, s.end) {
				want = append(want, utc)
			}
		}
		slices.Sort(want)
		want = slices.Compact(want)
		if got := starts(s, 0, end); !slices.Equal(got, want) {
			t.Fatalf("%s from %d in %v: %v, want %v", text, start, loc, dates(got), dates(want))
		}

		low := start + rapid.Int64Range(-2*day, 500*day).Draw(t, "low")
		high := low + rapid.OneOf(rapid.Int64Range(0, 3*day), rapid.Int64Range(0, 500*day)).Draw(t, "length")
		var part []int64
		for _, at := range want {
			if low <= at && at < min(high, end) {
				part = append(part, at)
			}
		}
		if got := starts(s, low, min(high, end)); !slices.Equal(got, part) {
			t.Fatalf("%s from %d in %v, %d to %d: %v, want %v", text, start, loc, low, high, dates(got), dates(part))
		}
	})
}

// naiveUTC returns the first time whose clock in loc shows wall, by trying all offsets of the days around it,
// and when there is none, the wall time by the offset before.
func naiveUTC(wall int64, loc *time.Location) int64 {
	found, before := int64(-1), int64(0)
	for at := wall - 2*day; at <= wall+2*day; at += 6 * hour {
		_, seconds := time.Unix(at, 0).In(loc).Zone()
		seconds -= (seconds%60 + 60) % 60
		if at == wall-2*day {
			before = wall - int64(seconds)
		}
		utc := wall - int64(seconds)
		if _, then := time.Unix(utc, 0).In(loc).Zone(); then-(then%60+60)%60 == seconds && (found == -1 || utc < found) {
			found = utc
		}
	}
	if found == -1 {
		return before
	}
	return found
}
