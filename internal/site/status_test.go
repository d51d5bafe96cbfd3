package site

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tocsin/internal/statuspage"
)

var anyStatus = rapid.SampledFrom(Statuses)

// badness is the order of the statuses.
func badness(s Status) int {
	return slices.Index([]Status{NoData, Up, UnderMaintenance, Degraded, Down}, s)
}

func TestMeasuredStatus(t *testing.T) {
	const now = 1_800_000_000
	for _, c := range []struct {
		status statuspage.Status
		age    int64 // seconds
		want   Status
	}{
		{statuspage.StatusUp, 0, Up},
		{statuspage.StatusDegraded, 14*minute + 59, Degraded},
		{statuspage.StatusDown, 14*minute + 59, Down},
		{statuspage.StatusUp, 15 * minute, NoData},
		{statuspage.StatusDown, day, NoData},
	} {
		if got := measuredStatus(statuspage.Point{Time: now - c.age, Status: c.status}, now); got != c.want {
			t.Errorf("%s, %d seconds old: %s, want %s", c.status, c.age, got, c.want)
		}
	}
	if isMeasured(nil, now) || isMeasured(&statuspage.Point{Time: now - 30*day}, now) || !isMeasured(&statuspage.Point{Time: now - 30*day + 1}, now) {
		t.Error("measured is what has a point of the last 30 days")
	}
}

func TestDeclaredStatus(t *testing.T) {
	for value, want := range map[string]Status{
		"UP": Up, "DOWN": Down, "DEGRADED": Degraded, "MAINTENANCE": UnderMaintenance, "NO_DATA": NoData, "NONE": NoData, "": NoData, "up": NoData,
	} {
		if got := declaredStatus(statuspage.Monitor{DefaultStatus: &value}); got != want {
			t.Errorf("%q: %s, want %s", value, got, want)
		}
	}
	if got := declaredStatus(statuspage.Monitor{}); got != NoData {
		t.Errorf("null: %s", got)
	}
}

func TestStatusUnderIncident(t *testing.T) {
	for _, c := range []struct{ status, effect, want Status }{
		{Up, Degraded, Degraded},
		{Up, UnderMaintenance, UnderMaintenance},
		{Down, Degraded, Down},
		{Degraded, Down, Down},
		{NoData, Down, Down},
		{NoData, Up, NoData}, // it is not known to be up
		{Up, NoData, Up},
		{Down, Up, Down},
	} {
		if got := c.status.with(c.effect); got != c.want {
			t.Errorf("%s under %s: %s, want %s", c.status, c.effect, got, c.want)
		}
	}
}

func TestHeadline(t *testing.T) {
	for _, c := range []struct {
		monitors, incidents []Status
		want                Status
	}{
		{nil, nil, NoData},
		{[]Status{NoData, NoData}, nil, NoData},
		{[]Status{NoData, Up}, nil, Up},
		{[]Status{Up, UnderMaintenance, Degraded, Down}, nil, Down},
		{[]Status{Up}, []Status{NoData}, Degraded}, // an incident without an impact
		{[]Status{Up}, []Status{Up}, Degraded},
		{[]Status{Up}, []Status{UnderMaintenance}, UnderMaintenance},
		{[]Status{Up}, []Status{UnderMaintenance, NoData}, Degraded},
		{nil, []Status{NoData}, Degraded},
		{[]Status{Down}, []Status{NoData}, Down},
	} {
		if got := headline(c.monitors, c.incidents); got != c.want {
			t.Errorf("monitors %v, incidents %v: %s, want %s", c.monitors, c.incidents, got, c.want)
		}
	}
}

// The headline is as bad as the worst monitor, never UP beside an incident, and asks for no
// order.
func TestHeadlineProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		monitors := rapid.SliceOfN(anyStatus, 0, 6).Draw(t, "monitors")
		incidents := rapid.SliceOfN(anyStatus, 0, 3).Draw(t, "incidents")
		got := headline(monitors, incidents)
		for _, s := range slices.Concat(monitors, incidents) {
			if badness(got) < badness(s) {
				t.Errorf("%s is better than %s", got, s)
			}
		}
		if len(incidents) > 0 && (got == Up || got == NoData) {
			t.Errorf("%s beside an incident", got)
		}
		if len(incidents) == 0 && !slices.Contains(monitors, got) && got != NoData {
			t.Errorf("%s is none of %v", got, monitors)
		}
		slices.Reverse(monitors)
		slices.Reverse(incidents)
		if again := headline(monitors, incidents); again != got {
			t.Errorf("%s, in another order %s", got, again)
		}
	})
}

func TestGroupStatus(t *testing.T) {
	for _, c := range []struct {
		members []Status
		want    Status
		partial bool
	}{
		{[]Status{Up}, Up, false},
		{[]Status{Down}, Down, false},
		{[]Status{Up, Down}, Down, true},
		{[]Status{Down, Down}, Down, false},
		{[]Status{Degraded, Down}, Down, true},
		{[]Status{NoData, Down}, Down, false}, // nothing is known to be better
		{[]Status{NoData, Up}, Up, false},
		{[]Status{NoData}, NoData, false},
	} {
		if got, partial := groupStatus(c.members); got != c.want || partial != c.partial {
			t.Errorf("%v: %s, %v; want %s, %v", c.members, got, partial, c.want, c.partial)
		}
	}
}

func TestDayStatus(t *testing.T) {
	few := statuspage.Monitor{DayDownMinimum: new(int64(5)), DayDegradedMinimum: new(int64(10))}
	for _, c := range []struct {
		counts  Counts
		monitor statuspage.Monitor
		want    Status
	}{
		{Counts{}, statuspage.Monitor{}, NoData},
		{Counts{Up: 1}, statuspage.Monitor{}, Up},
		{Counts{Up: 1439, Down: 1}, statuspage.Monitor{}, Down},
		{Counts{Up: 1439, Degraded: 1}, statuspage.Monitor{}, Degraded},
		{Counts{Up: 1439, Maintenance: 1}, statuspage.Monitor{}, UnderMaintenance},
		{Counts{Degraded: 700, Down: 1}, statuspage.Monitor{}, Down},
		{Counts{Down: 4}, few, Up},
		{Counts{Down: 5}, few, Down},
		{Counts{Down: 4, Degraded: 10}, few, Degraded},
		{Counts{Down: 4, Degraded: 9}, few, Up},
		{Counts{Down: 4, Degraded: 9, Maintenance: 1}, few, UnderMaintenance},
		{Counts{Up: 9}, statuspage.Monitor{DayDownMinimum: new(int64(0))}, Up}, // 0 asks for one
		{Counts{}, statuspage.Monitor{DayDownMinimum: new(int64(0))}, NoData},
	} {
		if got := dayStatus(c.counts, c.monitor); got != c.want {
			t.Errorf("%+v: %s, want %s", c.counts, got, c.want)
		}
	}
}

// The minutes of a declared monitor are as if each minute was looked at by itself.
func TestDeclaredCounts(t *testing.T) {
	const from, minutes = int64(600 * minute), 40
	rapid.Check(t, func(t *rapid.T) {
		to := from + rapid.Int64Range(0, minutes).Draw(t, "minutes")*minute
		declared := anyStatus.Draw(t, "declared")
		spans := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) span {
			start := from + rapid.Int64Range(-10, minutes+10).Draw(t, "start")*minute
			return span{start, start + rapid.Int64Range(0, 30).Draw(t, "length")*minute, anyStatus.Draw(t, "status")}
		}), 0, 5).Draw(t, "spans")
		var want Counts
		for m := from; m < to; m += minute {
			status := declared
			for _, s := range spans {
				if s.from <= m && m < s.to {
					status = status.with(s.status)
				}
			}
			want.add(status, 1)
		}
		if got := declaredCounts(from, to, declared, coverOf(spans)); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	})
}

func TestFormatUptime(t *testing.T) {
	for percent, want := range map[float64]string{
		100: "100.000", 0: "0.000", 99.9999999: "99.999", 99.9999: "99.999", 99.9: "99.900", 99.98649: "99.986",
		0.0004: "0.000", 5: "5.000",
	} {
		if got := FormatUptime(percent); got != want {
			t.Errorf("%v: %s, want %s", percent, got, want)
		}
	}
}

// What is written is the exact fraction, cut after three decimals.
func TestFormatUptimeCuts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.Int64Range(1, 90*1440).Draw(t, "all")
		up := all - min(rapid.Int64Range(0, 90*1440).Draw(t, "down"), all)
		thousandths := up * 100_000 / all
		want := fmt.Sprintf("%d.%03d", thousandths/1000, thousandths%1000)
		percent, _ := Counts{Up: up, Down: all - up}.Uptime(statuspage.DefaultFormula)
		got := FormatUptime(percent)
		if got != want {
			t.Errorf("%d of %d: %s, want %s", up, all, got, want)
		}
		if strings.HasPrefix(got, "100") != (up == all) {
			t.Errorf("%d of %d: %s", up, all, got)
		}
	})
}
