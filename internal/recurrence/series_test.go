package recurrence

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

// at returns the UTC seconds of "2006-01-02T15:04Z" or of the same with an offset.
func at(t testing.TB, text string) int64 {
	t.Helper()
	at, err := time.Parse("2006-01-02T15:04Z07:00", text)
	if err != nil {
		t.Fatal(err)
	}
	return at.Unix()
}

func zoneOf(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := LoadZone(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// What becomes of wall times when the clocks change.
func TestZones(t *testing.T) {
	for _, test := range []struct {
		name, zone, rule string
		start, from, to  string // from: the start when empty
		want             []string
	}{
		{"the wall time is kept, spring", "Europe/Berlin", "FREQ=DAILY", "2026-03-27T03:00+01:00", "", "2026-03-31T00:00Z",
			[]string{"03-27T03:00+01:00", "03-28T03:00+01:00", "03-29T03:00+02:00", "03-30T03:00+02:00"}},
		{"the wall time is kept, autumn", "Europe/Berlin", "FREQ=WEEKLY", "2026-10-18T03:00+02:00", "", "2026-11-02T00:00Z",
			[]string{"10-18T03:00+02:00", "10-25T03:00+01:00", "11-01T03:00+01:00"}},
		{"skipped", "Europe/Berlin", "FREQ=DAILY", "2026-03-28T02:30+01:00", "", "2026-03-31T00:00Z",
			[]string{"03-28T02:30+01:00", "03-29T03:30+02:00", "03-30T02:30+02:00"}},
		{"skipped, and the range begins after the change", "Europe/Berlin", "FREQ=DAILY", "2026-03-28T02:30+01:00", "2026-03-29T03:10+02:00", "2026-03-29T03:40+02:00",
			[]string{"03-29T03:30+02:00"}},
		{"skipped, and the range ends before it", "Europe/Berlin", "FREQ=DAILY", "2026-03-28T02:30+01:00", "2026-03-29T03:00+02:00", "2026-03-29T03:30+02:00", nil},
		{"doubled: the first", "Europe/Berlin", "FREQ=DAILY", "2026-10-24T02:30+02:00", "", "2026-10-27T00:00Z",
			[]string{"10-24T02:30+02:00", "10-25T02:30+02:00", "10-26T02:30+01:00"}},
		{"doubled, and the range has the second only", "Europe/Berlin", "FREQ=DAILY", "2026-10-24T02:30+02:00", "2026-10-25T02:00+01:00", "2026-10-25T04:00+01:00", nil},
		{"the start is the second of two", "Europe/Berlin", "FREQ=DAILY", "2026-10-25T02:30+01:00", "", "2026-10-27T00:00Z",
			[]string{"10-25T02:30+01:00", "10-26T02:30+01:00"}},
		{"one time at the second of two", "Europe/Berlin", "COUNT=1", "2026-10-25T02:30+01:00", "", "2026-10-27T00:00Z", []string{"10-25T02:30+01:00"}},
		{"hourly, spring: each once", "Europe/Berlin", "FREQ=HOURLY", "2026-03-29T00:15+01:00", "", "2026-03-29T05:00+02:00",
			[]string{"03-29T00:15+01:00", "03-29T01:15+01:00", "03-29T03:15+02:00", "03-29T04:15+02:00"}},
		{"hourly, autumn: the doubled hour once", "Europe/Berlin", "FREQ=HOURLY", "2026-10-25T01:15+02:00", "", "2026-10-25T05:00+01:00",
			[]string{"10-25T01:15+02:00", "10-25T02:15+02:00", "10-25T03:15+01:00", "10-25T04:15+01:00"}},
		{"skipped ones among others stay in order", "Europe/Berlin", "FREQ=DAILY;BYHOUR=2,3;BYMINUTE=0,15,45", "2026-03-29T00:00+01:00", "", "2026-03-29T12:00Z",
			[]string{"03-29T03:00+02:00", "03-29T03:15+02:00", "03-29T03:45+02:00"}},
		{"skipped between others", "Europe/Berlin", "FREQ=DAILY;BYHOUR=2,3;BYMINUTE=20;BYSETPOS=1,2", "2026-03-29T00:00+01:00", "", "2026-03-29T12:00Z",
			[]string{"03-29T03:20+02:00"}},
		{"New York, spring", "America/New_York", "FREQ=WEEKLY;BYDAY=SU", "2026-03-01T02:00-05:00", "", "2026-03-16T00:00Z",
			[]string{"03-01T02:00-05:00", "03-08T03:00-04:00", "03-15T02:00-04:00"}},
		{"New York, autumn", "America/New_York", "FREQ=DAILY;BYHOUR=1", "2026-10-31T00:30-04:00", "", "2026-11-03T00:00Z",
			[]string{"10-31T01:30-04:00", "11-01T01:30-04:00", "11-02T01:30-05:00"}},
		{"half an hour skipped", "Australia/Lord_Howe", "FREQ=DAILY", "2026-10-03T02:15+10:30", "", "2026-10-05T00:00Z",
			[]string{"10-03T02:15+10:30", "10-04T02:45+11:00", "10-05T02:15+11:00"}},
		{"half an hour doubled", "Australia/Lord_Howe", "FREQ=DAILY", "2026-04-04T01:45+11:00", "", "2026-04-06T00:00Z",
			[]string{"04-04T01:45+11:00", "04-05T01:45+11:00", "04-06T01:45+10:30"}},
		{"a day skipped: each once", "Pacific/Apia", "FREQ=DAILY", "2011-12-28T10:00-10:00", "", "2012-01-01T12:00Z",
			[]string{"12-28T10:00-10:00", "12-29T10:00-10:00", "12-31T10:00+14:00", "01-01T10:00+14:00"}},
		{"a day skipped: moves on by a day", "Pacific/Apia", "FREQ=WEEKLY", "2011-12-23T10:00-10:00", "", "2012-01-07T00:00Z",
			[]string{"12-23T10:00-10:00", "12-31T10:00+14:00", "01-06T10:00+14:00"}},
		{"a day skipped, and the range begins in what it became", "Pacific/Apia", "FREQ=WEEKLY", "2011-12-23T10:00-10:00", "2011-12-31T09:00+14:00", "2012-01-01T00:00Z",
			[]string{"12-31T10:00+14:00"}},
		{"an end in wall time", "Europe/Berlin", "FREQ=DAILY;UNTIL=20260330T030000", "2026-03-28T03:00+01:00", "", "2027-01-01T00:00Z",
			[]string{"03-28T03:00+01:00", "03-29T03:00+02:00", "03-30T03:00+02:00"}},
		{"an end in wall time, in the last hour before a change", "Europe/Berlin", "FREQ=DAILY;UNTIL=20260329T013000", "2026-03-28T01:30+01:00", "", "2027-01-01T00:00Z",
			[]string{"03-28T01:30+01:00", "03-29T01:30+01:00"}},
		{"an end in UTC", "Europe/Berlin", "FREQ=DAILY;UNTIL=20260330T005959Z", "2026-03-28T03:00+01:00", "", "2027-01-01T00:00Z",
			[]string{"03-28T03:00+01:00", "03-29T03:00+02:00"}},
		{"an end as a date", "Europe/Berlin", "FREQ=DAILY;UNTIL=20260330", "2026-03-28T00:00+01:00", "", "2027-01-01T00:00Z",
			[]string{"03-28T00:00+01:00", "03-29T00:00+01:00", "03-30T00:00+02:00"}},
		{"COUNT counts wall times", "Europe/Berlin", "FREQ=HOURLY;COUNT=4", "2026-03-29T01:00+01:00", "", "2027-01-01T00:00Z",
			[]string{"03-29T01:00+01:00", "03-29T03:00+02:00", "03-29T04:00+02:00"}},
		{"days are those of the zone", "Asia/Tokyo", "FREQ=MONTHLY;BYDAY=1SU", "2026-01-01T03:00+09:00", "", "2026-03-02T00:00Z",
			[]string{"01-04T03:00+09:00", "02-01T03:00+09:00", "03-01T03:00+09:00"}},
		{"after the last change that the zone's table has", "Europe/Berlin", "FREQ=YEARLY;BYMONTH=1,7;BYMONTHDAY=1", "2080-01-01T03:00+01:00", "", "2081-01-01T00:00Z",
			[]string{"01-01T03:00+01:00", "07-01T03:00+02:00"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			loc := zoneOf(t, test.zone)
			start := at(t, test.start)
			from := int64(math.MinInt64)
			if test.from != "" {
				from = at(t, test.from)
			}
			s := parse(t, test.rule).From(start, loc)
			var got []string
			for start := range s.Between(from, at(t, test.to)) {
				got = append(got, time.Unix(start, 0).In(loc).Format("01-02T15:04-07:00"))
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got  %v\nwant %v", got, test.want)
			}
		})
	}
}

func TestBetweenStops(t *testing.T) {
	loc := zoneOf(t, "Europe/Berlin")
	s := parse(t, "FREQ=DAILY;BYHOUR=2,3,4").From(at(t, "2026-03-28T00:30+01:00"), loc)
	all := starts(s, math.MinInt64, at(t, "2026-03-30T03:00Z"))
	for n := 1; n <= len(all); n++ {
		var got []int64
		for start := range s.Between(math.MinInt64, math.MaxInt64) {
			if got = append(got, start); len(got) == n {
				break
			}
		}
		if !slices.Equal(got, all[:n]) {
			t.Errorf("the first %d: %v, want %v", n, got, all[:n])
		}
	}
	if got := starts(s, all[1], all[1]); got != nil {
		t.Errorf("an empty range has %v", got)
	}
	if got := starts(s, all[1], all[3]); !slices.Equal(got, all[1:3]) {
		t.Errorf("a half-open range: %v, want %v", got, all[1:3])
	}
}

// Week numbers at both ends of a year, where rrule-go and npm rrule are wrong, as time.ISOWeek has them.
func TestWeekNumbers(t *testing.T) {
	for n := 1; n <= 53; n++ {
		for _, fromEnd := range []bool{false, true} {
			number := n
			if fromEnd {
				number = -n
			}
			s := parse(t, fmt.Sprintf("FREQ=YEARLY;BYWEEKNO=%d", number)).From(at(t, "2000-01-01T00:00Z"), time.UTC)
			var want []int64
			for date := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC); date.Year() < 2040; date = date.AddDate(0, 0, 1) {
				year, week := date.ISOWeek()
				if _, weeks := time.Date(year, 12, 28, 0, 0, 0, 0, time.UTC).ISOWeek(); fromEnd {
					week = week - weeks - 1
				}
				if week == number {
					want = append(want, date.Unix())
				}
			}
			if got := starts(s, 0, at(t, "2040-01-01T00:00Z")); !slices.Equal(got, want) {
				t.Errorf("BYWEEKNO=%d has other days than ISOWeek", number)
			}
		}
	}
}

func TestLast(t *testing.T) {
	const none = "none"
	for _, test := range []struct{ rule, start, want string }{ // want "" for no end
		{"COUNT=1", "2026-01-14T03:30Z", "2026-01-14T03:30Z"},
		{"COUNT=1;UNTIL=20200101", "2026-01-14T03:30Z", "2026-01-14T03:30Z"},
		{"FREQ=DAILY", "2026-01-14T03:30Z", ""},
		{"FREQ=DAILY;COUNT=3", "2026-01-14T03:30Z", "2026-01-16T03:30Z"},
		{"FREQ=YEARLY;COUNT=3", "2026-01-14T03:30Z", "2028-01-14T03:30Z"},
		{"FREQ=DAILY;COUNT=300;UNTIL=20260116", "2026-01-14T03:30Z", "2026-01-15T03:30Z"},
		{"FREQ=DAILY;COUNT=2;UNTIL=20290116", "2026-01-14T03:30Z", "2026-01-15T03:30Z"},
		{"FREQ=DAILY;UNTIL=20200101", "2026-01-14T03:30Z", none},
		{"FREQ=DAILY;UNTIL=00010101T000000Z", "2026-01-14T03:30Z", none},
		{"FREQ=YEARLY;UNTIL=20990101", "2026-01-14T03:30Z", "2098-01-14T03:30Z"},
		{"FREQ=DAILY;UNTIL=99991231T235959Z", "2026-01-14T03:30Z", "9999-12-31T03:30Z"},
		{"BYMONTH=2;BYMONTHDAY=30;COUNT=2", "2026-01-14T03:30Z", none},
		{"BYMONTH=2;BYMONTHDAY=30;UNTIL=20500101", "2026-01-14T03:30Z", none},
		{"BYMONTH=2;BYMONTHDAY=30;UNTIL=99990101", "2026-01-14T03:30Z", ""},
		{"FREQ=YEARLY;INTERVAL=60;COUNT=5", "2026-01-14T03:30Z", "2086-01-14T03:30Z"}, // the others are after 100 years
		{"FREQ=DAILY;COUNT=100000000", "2026-01-14T03:30Z", "2126-01-14T03:30Z"},
	} {
		last, ends := parse(t, test.rule).From(at(t, test.start), time.UTC).Last()
		want, wantEnds := int64(0), test.want != ""
		switch test.want {
		case "":
		case none:
			want = -1
		default:
			want = at(t, test.want)
		}
		if last != want || ends != wantEnds {
			t.Errorf("%s: the last is %v, %t, want %v, %t", test.rule, time.Unix(last, 0).UTC(), ends, test.want, wantEnds)
		}
	}
}

// Far from Greenwich the last start is on another day than in UTC.
func TestLastInZones(t *testing.T) {
	for _, test := range []struct{ rule, zone, start, want string }{
		{"FREQ=DAILY;COUNT=3", "America/New_York", "2026-01-14T22:00-05:00", "2026-01-16T22:00-05:00"},
		{"FREQ=DAILY;COUNT=3", "Asia/Tokyo", "2026-01-14T02:00+09:00", "2026-01-16T02:00+09:00"},
		{"FREQ=DAILY;COUNT=300;UNTIL=20260115T233000Z", "Asia/Tokyo", "2026-01-14T08:00+09:00", "2026-01-16T08:00+09:00"},
		{"FREQ=DAILY;COUNT=300;UNTIL=20260116T033000Z", "America/New_York", "2026-01-14T22:00-05:00", "2026-01-15T22:00-05:00"},
		{"FREQ=DAILY;UNTIL=20260116", "Asia/Tokyo", "2026-01-14T00:00+09:00", "2026-01-16T00:00+09:00"},
		{"FREQ=DAILY;COUNT=2", "Europe/Berlin", "2026-03-28T02:30+01:00", "2026-03-29T03:30+02:00"},
	} {
		if last, ends := parse(t, test.rule).From(at(t, test.start), zoneOf(t, test.zone)).Last(); last != at(t, test.want) || !ends {
			t.Errorf("%s in %s: the last is %v, %t, want %s", test.rule, test.zone, time.Unix(last, 0).UTC(), ends, test.want)
		}
	}
}

// Years that no client means, but may send.
func TestFarAway(t *testing.T) {
	for _, start := range []int64{-8_640_000_000_000, 8_640_000_000_000, endOfTime, -120} {
		for _, rule := range []string{"COUNT=1", "FREQ=HOURLY", "FREQ=DAILY;COUNT=2", "FREQ=WEEKLY", "FREQ=MONTHLY", "FREQ=YEARLY;UNTIL=20260101"} {
			for _, zone := range []string{"UTC", "Europe/Berlin"} {
				s := parse(t, rule).From(start, zoneOf(t, zone))
				got := starts(s, math.MinInt64, start+day)
				if want := rule == "COUNT=1" || start < endOfTime; want != (len(got) > 0) || want && got[0] != start {
					t.Errorf("%s from %d in %s starts at %v", rule, start, zone, got)
				}
				s.Last()
			}
		}
	}
}

// The work is bounded by the range that is asked for, and that of COUNT by 100 years, also for a rule that
// never has a start.
func TestSteps(t *testing.T) {
	start := at(t, "2026-01-14T03:00Z")
	for _, test := range []struct {
		rule                string
		between, from, last int // steps at most
	}{
		{"FREQ=DAILY", 2 * 93, 0, 0},
		{"FREQ=HOURLY", 24*93 + 93, 0, 0},
		{"FREQ=HOURLY;INTERVAL=24;BYHOUR=5", 2 * 93, 0, 0},
		{"FREQ=HOURLY;INTERVAL=24;BYHOUR=5;COUNT=2", 0, 2 * 36526, 0},
		{"FREQ=HOURLY;INTERVAL=1000000000", 2, 0, 0},
		{"FREQ=YEARLY;INTERVAL=1000000000", 93, 0, 0},
		{"FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30", 2 * 93, 0, 0},
		{"FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", 2 * 93, 0, 0},
		{"FREQ=WEEKLY;BYMONTH=2;BYMONTHDAY=30", 93 + 15, 0, 0},
		{"FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30", 93 + 5, 0, 0},
		{"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", 93 + 3, 0, 0},
		{"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;BYSETPOS=1", 2 * 368, 0, 0},
		{"FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30;COUNT=9", 0, 2 * 36526, 0},
		{"FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;COUNT=9", 0, 2 * 36526, 0},
		{"FREQ=WEEKLY;BYMONTH=2;BYMONTHDAY=30;COUNT=9", 0, 2 * 36526, 0},
		{"FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30;COUNT=9", 0, 2 * 36526, 0},
		{"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;COUNT=9", 0, 2 * 36526, 0},
		{"FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30;UNTIL=99990101", 2 * 93, 0, 2 * 66000},
		{"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;UNTIL=99990101", 93 + 3, 0, 66000},
		{"FREQ=DAILY;COUNT=50", 2 * 51, 2 * 50, 2 * 51},
		{"FREQ=DAILY;UNTIL=99990101", 2 * 93, 0, 2 * 36},
	} {
		t.Run(test.rule, func(t *testing.T) {
			var steps int
			said := func(what string, most int) {
				t.Helper()
				if steps > most {
					t.Errorf("%s: %d steps, want at most %d", what, steps, most)
				}
				steps = 0
			}
			r := parse(t, test.rule)
			r.steps = &steps
			s := r.From(start, time.UTC)
			said("From", test.from)
			for _, ahead := range []int64{0, 50 * 36525 * day} {
				for range s.Between(start+ahead, start+ahead+90*day) {
				}
				said(fmt.Sprint("Between ", ahead), test.between)
			}
			s.Last()
			said("Last", test.last)
		})
	}
}

// Whatever a client sends is refused or has starts in the form that callers rely on.
func FuzzRule(f *testing.F) {
	for _, text := range []string{
		"FREQ=DAILY", "COUNT=1", "FREQ=HOURLY;BYHOUR=1,2,3;BYMINUTE=15", "FREQ=MONTHLY;BYDAY=1SU,-1FR;BYSETPOS=-1", "FREQ=WEEKLY;INTERVAL=2;WKST=SU;COUNT=10",
		"BYWEEKNO=1,-1;BYYEARDAY=-366", "BYEASTER=-2", "FREQ=DAILY;UNTIL=20300101T000000", "FREQ=DAILY\nEXDATE:20300101T000000Z", "freq=daily;interval=99999999999999999999",
	} {
		f.Add(text, int64(29_500_000), int64(30))
	}
	zones := []*time.Location{time.UTC, zoneOf(f, "Europe/Berlin"), zoneOf(f, "Pacific/Apia"), zoneOf(f, "Africa/Monrovia")}
	f.Fuzz(func(t *testing.T, text string, minute, days int64) {
		r, err := Parse(text)
		if err != nil {
			switch err.(type) {
			case *RefusedError, *SyntaxError:
			default:
				t.Fatalf("Parse(%q): %v", text, err)
			}
			return
		}
		start := minute % 4_000_000_000 * 60
		for _, loc := range zones {
			s := r.From(start, loc)
			from := start + days%40_000*day
			to := from + 40*day
			previous := int64(math.MinInt64)
			for at := range s.Between(from, to) {
				if at < from || at >= to || at < start || at <= previous || at%60 != 0 {
					t.Fatalf("%q from %d in %v: %d after %d in [%d, %d)", text, start, loc, at, previous, from, to)
				}
				previous = at
			}
			if last, ends := s.Last(); ends && last != -1 && (last < previous || !slices.Equal(starts(s, last, last+100*day), []int64{last})) {
				t.Fatalf("%q from %d in %v: %d is not the last", text, start, loc, last)
			}
			if got := starts(s, start, start+1); r.OneTime() && !slices.Equal(got, []int64{start}) {
				t.Fatalf("%q from %d in %v has %v at its start", text, start, loc, got)
			}
		}
	})
}

func BenchmarkParse(b *testing.B) {
	for _, rule := range []string{"FREQ=DAILY", "FREQ=MONTHLY;BYDAY=1SU;BYHOUR=3;BYMINUTE=30;UNTIL=20300101T000000Z"} {
		b.Run(rule, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				parse(b, rule)
			}
		})
	}
}

func BenchmarkBetween(b *testing.B) {
	loc := zoneOf(b, "Europe/Berlin")
	start := at(b, "2024-01-14T03:00+01:00")
	from := at(b, "2026-09-01T00:00Z")
	for _, rule := range []string{"FREQ=DAILY", "FREQ=WEEKLY;BYDAY=SU", "FREQ=MONTHLY;BYDAY=1SU", "FREQ=YEARLY", "FREQ=HOURLY", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"} {
		b.Run(strings.ReplaceAll(rule, "FREQ=", ""), func(b *testing.B) {
			s := parse(b, rule).From(start, loc)
			b.ReportAllocs()
			for b.Loop() {
				for range s.Between(from, from+90*day) {
				}
			}
		})
	}
}

// The most work that a rule can make of its COUNT.
func BenchmarkFrom(b *testing.B) {
	every := func(most int) string {
		var list []string
		for n := 1; n <= most; n++ {
			list = append(list, fmt.Sprint(n), fmt.Sprint(-n))
		}
		return strings.Join(list, ",")
	}
	for name, rule := range map[string]string{
		"daily, 10":           "FREQ=DAILY;COUNT=10",
		"hourly, endless":     "FREQ=HOURLY",
		"hourly, huge":        "FREQ=HOURLY;COUNT=999999999",
		"hourly, every list":  "FREQ=HOURLY;COUNT=999999999;BYMONTHDAY=" + every(31) + ";BYYEARDAY=" + every(366) + ";BYWEEKNO=" + every(53) + ";BYSETPOS=" + every(366),
		"yearly, every list":  "FREQ=YEARLY;COUNT=999999999;BYHOUR=0,1,2,3,4,5,6,7;BYMINUTE=1,2,3;BYYEARDAY=" + every(366) + ";BYSETPOS=" + every(366),
		"yearly, 30 February": "FREQ=YEARLY;COUNT=2;BYMONTH=2;BYMONTHDAY=30",
	} {
		b.Run(name, func(b *testing.B) {
			r := parse(b, rule)
			b.ReportAllocs()
			for b.Loop() {
				r.From(day0, time.UTC)
			}
		})
	}
}
