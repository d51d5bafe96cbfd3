package recurrence

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/adhocore/gronx"
	"pgregory.net/rapid"
)

// TestCron goes from a time to the next ones, as wall times of the zone with its offset.
func TestCron(t *testing.T) {
	for _, tt := range []struct {
		cron, zone, after string
		want              []string
	}{
		{"* * * * *", "UTC", "2026-11-25T09:14:59Z", []string{"2026-11-25T09:15:00Z", "2026-11-25T09:16:00Z"}},
		{"*/5 * * * *", "UTC", "2026-11-25T09:15:00Z", []string{"2026-11-25T09:20:00Z"}},
		{"0 3 * * *", "UTC", "2026-11-25T03:00:00Z", []string{"2026-11-26T03:00:00Z"}},
		{"0 3 * * *", "UTC", "2026-11-25T02:59:59Z", []string{"2026-11-25T03:00:00Z"}},
		{"30 2 29 2 *", "UTC", "2026-11-25T00:00:00Z", []string{"2028-02-29T02:30:00Z", "2032-02-29T02:30:00Z"}},
		{"0 0 29 2 */7", "UTC", "2072-03-01T00:00:00Z", []string{"2088-02-29T00:00:00Z", "2128-02-29T00:00:00Z"}}, // Sundays, over 2100
		{"15 10-12/2,23 * jan,DEC mon-Fri", "UTC", "2026-12-31T12:15:00Z", []string{"2026-12-31T23:15:00Z", "2027-01-01T10:15:00Z", "2027-01-01T12:15:00Z", "2027-01-01T23:15:00Z", "2027-01-04T10:15:00Z"}},
		{"0 0 13 * 5", "UTC", "2026-11-01T00:00:00Z", []string{"2026-11-06T00:00:00Z", "2026-11-13T00:00:00Z", "2026-11-20T00:00:00Z"}}, // the 13th or a Friday
		{"0 0 */2 * 5", "UTC", "2026-11-01T00:00:00Z", []string{"2026-11-13T00:00:00Z", "2026-11-27T00:00:00Z"}},                        // an odd day that is a Friday
		{"0 0 * * 7", "UTC", "2026-11-24T00:00:00Z", []string{"2026-11-29T00:00:00Z"}},
		{"0 0 * * 6-7", "UTC", "2026-11-24T00:00:00Z", []string{"2026-11-28T00:00:00Z", "2026-11-29T00:00:00Z", "2026-12-05T00:00:00Z"}},
		{"50/5 0 1 1 *", "UTC", "2026-01-01T00:50:00Z", []string{"2026-01-01T00:55:00Z", "2027-01-01T00:50:00Z"}},
		{" @daily ", "Europe/Berlin", "2026-07-01T12:00:00Z", []string{"2026-07-02T00:00:00+02:00"}},
		{"@weekly", "Asia/Kolkata", "2026-11-24T00:00:00Z", []string{"2026-11-29T00:00:00+05:30"}},

		// Clocks go from 02:00 to 03:00 on 29 March.
		{"30 2 * * *", "Europe/Berlin", "2026-03-28T01:30:00Z", []string{"2026-03-30T02:30:00+02:00"}},
		{"0 3 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", []string{"2026-03-29T03:00:00+02:00"}},
		{"0 * * * *", "Europe/Berlin", "2026-03-29T00:00:00Z", []string{"2026-03-29T03:00:00+02:00", "2026-03-29T04:00:00+02:00"}},
		{"30 2 29 3 *", "Europe/Berlin", "2026-01-01T00:00:00Z", []string{"2027-03-29T02:30:00+02:00"}},
		// They go back from 03:00 to 02:00 on 25 October.
		{"30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", []string{"2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"}},
		{"30 2 * * *", "Europe/Berlin", "2026-10-25T01:10:00Z", []string{"2026-10-26T02:30:00+01:00"}}, // from 02:10, the second one
		{"*/30 * * * *", "Europe/Berlin", "2026-10-25T00:00:00Z", []string{"2026-10-25T02:30:00+02:00", "2026-10-25T03:00:00+01:00"}},
		// Half an hour, and a day that was left out.
		{"15 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00:00Z", []string{"2026-10-05T02:15:00+11:00"}},
		{"0 12 * * *", "Pacific/Apia", "2011-12-29T23:00:00Z", []string{"2011-12-31T12:00:00+14:00"}},
	} {
		c, err := ParseCron(tt.cron)
		if err != nil {
			t.Errorf("%s: %v", tt.cron, err)
			continue
		}
		loc, err := LoadZone(tt.zone)
		if err != nil {
			t.Fatal(err)
		}
		at, err := time.Parse(time.RFC3339, tt.after)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for now := at.Unix(); len(got) < len(tt.want); {
			now = c.After(now, loc)
			got = append(got, time.Unix(now, 0).In(loc).Format(time.RFC3339))
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s in %s after %s: %v, want %v", tt.cron, tt.zone, tt.after, got, tt.want)
		}
	}
}

func TestCronRefused(t *testing.T) {
	for _, text := range []string{
		"", "@reboot", "@every 5m", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * 32 * *", "* * * 13 *", "* * * 0 *", "* * * * 8", "-1 * * * *", "+1 * * * *",
		"5-3 * * * *", "1- * * * *", "-5 * * * *", "*/0 * * * *", "*/ * * * *", "1/2/3 * * * *", "1-2-3 * * * *", ", * * * *", "1,,2 * * * *", "1.5 * * * *", "*-5 * * * *", "* * L * *", "* * * * 1#2",
		"* * 15W * *", "? * * * *", "TZ=UTC * * * * *", "0 0 30 2 *", "0 0 31 4,6,9,11 *", "* * * JANUARY *", "MON * * * *", "* * * * JAN", "99999999999999999999 * * * *", "٣ * * * *",
	} {
		if c, err := ParseCron(text); err == nil {
			t.Errorf("%q is %+v", text, c)
		}
	}
}

// randomCron draws a schedule that gronx reads in the same way.
func randomCron(t *rapid.T) string {
	var fields []string
	for n, f := range []struct{ low, high int }{{0, 59}, {0, 23}, {1, 31}, {1, 12}, {0, 6}} {
		number := rapid.IntRange(f.low, f.high)
		label := fmt.Sprint("field ", n)
		switch rapid.IntRange(0, 4).Draw(t, label) {
		case 0, 1:
			fields = append(fields, "*")
		case 2:
			fields = append(fields, fmt.Sprint("*/", rapid.IntRange(2, 15).Draw(t, label)))
		case 3:
			from := number.Draw(t, label)
			fields = append(fields, fmt.Sprintf("%d-%d/%d", from, rapid.IntRange(from, f.high).Draw(t, label), rapid.IntRange(1, 5).Draw(t, label)))
		case 4:
			list := rapid.SliceOfNDistinct(number, 1, 4, rapid.ID).Draw(t, label)
			fields = append(fields, strings.Trim(strings.Join(strings.Fields(fmt.Sprint(list)), ","), "[]"))
		}
	}
	return strings.Join(fields, " ")
}

// TestCronAsGronx compares the minutes of a day in UTC with those of another program. It knows no
// */n beside a day of the week as crontab does, so that one of both days is *.
func TestCronAsGronx(t *testing.T) {
	other := gronx.New()
	rapid.Check(t, func(t *rapid.T) {
		text := randomCron(t)
		fields := strings.Fields(text)
		if fields[2] != "*" && fields[4] != "*" && (fields[2][0] == '*' || fields[4][0] == '*') {
			t.Skip("read in another way")
		}
		c, err := ParseCron(text)
		if err != nil {
			t.Skip("no day has this date")
		}
		day := time.Date(2026, time.January, rapid.IntRange(1, 3*365).Draw(t, "day"), 0, 0, 0, 0, time.UTC)
		var want, got []int64
		for at := day; at.Before(day.AddDate(0, 0, 1)); at = at.Add(time.Minute) {
			due, err := other.IsDue(text, at)
			if err != nil {
				t.Fatal(err)
			}
			if due {
				want = append(want, at.Unix())
			}
		}
		for at := c.After(day.Unix()-1, time.UTC); at < day.AddDate(0, 0, 1).Unix(); at = c.After(at, time.UTC) {
			got = append(got, at)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%s on %s: %v, want %v", text, day.Format(time.DateOnly), dates(got), dates(want))
		}
	})
}

// In any zone a time of a schedule is one that the clock there shows, the first of two, and none is
// left out.
func TestCronInZones(t *testing.T) {
	names := []string{"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "America/Caracas", "Asia/Pyongyang", "Africa/Monrovia"}
	rapid.Check(t, func(t *rapid.T) {
		loc, err := LoadZone(rapid.SampledFrom(names).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		text := randomCron(t)
		c, err := ParseCron(text)
		if err != nil {
			t.Skip("no day has this date")
		}
		from := time.Date(1972, time.January, 1, 0, 0, 0, 0, time.UTC).Unix() + rapid.Int64Range(0, 60*365*day).Draw(t, "from")
		// The wall clock, minute by minute; what it showed before is no time of the schedule again.
		shown := int64(-1 << 62)
		var want []int64
		for at := from - from%60 - 2*day; at <= from+2*day; at += 60 {
			wall := at + offset(time.Unix(at, 0).In(loc))
			again := wall <= shown
			shown = max(shown, wall)
			date := time.Unix(wall, 0).UTC()
			if !again && at > from && c.on(date) && c.hours>>date.Hour()&1 == 1 && c.minutes>>date.Minute()&1 == 1 {
				want = append(want, at)
			}
		}
		var got []int64
		for at := c.After(from, loc); at <= from+2*day; at = c.After(at, loc) {
			got = append(got, at)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%s in %v after %d: %v, want %v", text, loc, from, dates(got), dates(want))
		}
	})
}

func FuzzCron(f *testing.F) {
	for _, text := range []string{"* * * * *", "*/5 1-3,7 L * MON", "@daily", "0 0 29 2 1", "0 0 30 2 *"} {
		f.Add(text, int64(1_790_000_000))
	}
	f.Fuzz(func(t *testing.T, text string, after int64) {
		c, err := ParseCron(text)
		if err != nil || after < 0 || after > endOfTime-200*366*day {
			return
		}
		if next := c.After(after, time.UTC); next <= after || next-after > cronYears*366*day {
			t.Errorf("%q after %d is %d", text, after, next)
		}
	})
}
