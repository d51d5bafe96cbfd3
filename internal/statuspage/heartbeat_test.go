package statuspage

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// at is a time of RFC 3339 in UTC seconds.
func at(t *testing.T, text string) int64 {
	t.Helper()
	v, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return v.Unix()
}

// TestHeartbeat has a clock that goes on from minute to minute and tells when the status of a job
// changes, after each of its pings and without them.
func TestHeartbeat(t *testing.T) {
	const noon = 1_763_812_800
	hourly := Heartbeat{Period: hour, Grace: 10 * minute}
	type ping struct {
		after int64 // seconds after noon
		kind  PingKind
		run   string
	}
	type change struct {
		after int64
		to    Status
	}
	for _, tt := range []struct {
		name  string
		of    Heartbeat
		pings []ping
		hours int64
		want  []change
	}{
		{"never pinged", hourly, nil, 3, []change{{70 * minute, StatusDown}}},
		{"on time, then silent", hourly, []ping{{0, PingSuccess, ""}, {60 * minute, PingSuccess, ""}}, 5, []change{{130 * minute, StatusDown}}},
		{"late within the grace", hourly, []ping{{0, PingSuccess, ""}, {70*minute - 1, PingSuccess, ""}}, 2, nil},
		{"late by a second", hourly, []ping{{0, PingSuccess, ""}, {70*minute + 1, PingSuccess, ""}}, 2, []change{{70 * minute, StatusDown}, {71 * minute, StatusUp}}},
		{"an early success counts from its own time", hourly, []ping{{50 * minute, PingSuccess, ""}}, 3, []change{{120 * minute, StatusDown}}},
		{"it failed, and then succeeds", hourly, []ping{{10 * minute, PingFail, ""}, {20 * minute, PingSuccess, ""}}, 1, []change{{10 * minute, StatusDown}, {20 * minute, StatusUp}}},
		{"a failure stays", hourly, []ping{{10 * minute, PingFail, ""}}, 24, []change{{10 * minute, StatusDown}}},
		{"a run that takes long", hourly, []ping{{0, PingStart, ""}, {9 * minute, PingSuccess, ""}}, 1, nil},
		{"a run that takes too long", hourly, []ping{{0, PingStart, ""}, {12 * minute, PingSuccess, ""}}, 1, []change{{10 * minute, StatusDown}, {12 * minute, StatusUp}}},
		{"a run that never ends", hourly, []ping{{0, PingSuccess, ""}, {5 * minute, PingStart, ""}}, 1, []change{{15 * minute, StatusDown}}},
		{"a start is no success", hourly, []ping{{0, PingStart, ""}, {9 * minute, PingStart, ""}, {18 * minute, PingStart, ""}}, 1, []change{{28 * minute, StatusDown}}},
		{"a start ends no failure", hourly, []ping{{0, PingFail, ""}, {5 * minute, PingStart, ""}, {6 * minute, PingSuccess, ""}}, 1, []change{{0, StatusDown}, {6 * minute, StatusUp}}},
		{"another run ends", hourly, []ping{{0, PingStart, "a"}, {5 * minute, PingSuccess, "b"}}, 1, []change{{10 * minute, StatusDown}}},
		{"its own run ends", hourly, []ping{{0, PingStart, "a"}, {5 * minute, PingSuccess, "a"}}, 1, nil},
		{"a run without a name ends it", hourly, []ping{{0, PingStart, "a"}, {5 * minute, PingSuccess, ""}}, 1, nil},
		{"a log is nothing", hourly, []ping{{0, PingFail, ""}, {5 * minute, PingLog, ""}, {69 * minute, PingLog, ""}}, 2, []change{{0, StatusDown}}},
		{"a schedule", Heartbeat{Cron: "30 * * * *", Grace: 5 * minute}, []ping{{31 * minute, PingSuccess, ""}}, 3, []change{{95 * minute, StatusDown}}},
		{"a schedule that was never pinged", Heartbeat{Cron: "30 * * * *", Grace: 5 * minute}, nil, 1, []change{{35 * minute, StatusDown}}},
		{"a little before the schedule is not yet it", Heartbeat{Cron: "30 * * * *", Grace: 5 * minute}, []ping{{30*minute - 1, PingSuccess, ""}}, 1, []change{{35 * minute, StatusDown}}},
	} {
		var s HeartbeatState
		var got []change
		last := StatusUp
		for now := int64(0); now <= tt.hours*hour; now++ {
			for _, p := range tt.pings {
				if p.after == now {
					s, _ = s.After(Ping{Kind: p.kind, At: (noon + now) * 1000, Run: p.run})
				}
			}
			if now%minute != 0 {
				continue
			}
			if status := tt.of.StatusAt(s, noon, noon+now); status != last {
				last = status
				got = append(got, change{now, status})
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

// TestHeartbeatClocksChange asks of jobs that run at a time of the wall clock until when they are
// on time.
func TestHeartbeatClocksChange(t *testing.T) {
	daily := Heartbeat{Cron: "30 2 * * *", TimeZone: "Europe/Berlin", Grace: 10 * minute}
	hourly := Heartbeat{Cron: "0 * * * *", TimeZone: "Europe/Berlin", Grace: 10 * minute}
	for _, tt := range []struct {
		name        string
		of          Heartbeat
		last, until string
	}{
		{"any day", daily, "2026-03-27T02:31:00+01:00", "2026-03-28T02:40:00+01:00"},
		{"the day before the hour that is left out", daily, "2026-03-28T02:31:00+01:00", "2026-03-30T02:40:00+02:00"},
		{"it ran all the same", daily, "2026-03-29T03:01:00+02:00", "2026-03-30T02:40:00+02:00"},
		{"each hour, one is left out", hourly, "2026-03-29T01:00:30+01:00", "2026-03-29T03:10:00+02:00"},
		{"the day before the hour that comes twice", daily, "2026-10-24T02:31:00+02:00", "2026-10-25T02:40:00+02:00"},
		{"it ran in the first of both", daily, "2026-10-25T02:31:00+02:00", "2026-10-26T02:40:00+01:00"},
		{"it ran in the second", daily, "2026-10-25T02:31:00+01:00", "2026-10-26T02:40:00+01:00"},
		{"each hour, the first of both", hourly, "2026-10-25T02:00:30+02:00", "2026-10-25T03:10:00+01:00"},
		{"each hour, the second", hourly, "2026-10-25T02:00:30+01:00", "2026-10-25T03:10:00+01:00"},
		{"New York", Heartbeat{Cron: "0 2 * * 0", TimeZone: "America/New_York", Grace: hour}, "2026-03-01T02:00:10-05:00", "2026-03-15T03:00:00-04:00"},
		{"UTC has no such days", Heartbeat{Cron: "30 2 * * *", Grace: minute}, "2026-03-28T02:31:00Z", "2026-03-29T02:31:00Z"},
	} {
		s, until := HeartbeatState{Succeeded: at(t, tt.last) * 1000}, at(t, tt.until)
		if before, then := tt.of.StatusAt(s, 0, until-1), tt.of.StatusAt(s, 0, until); before != StatusUp || then != StatusDown {
			t.Errorf("%s: %s a second before %s and %s then", tt.name, before, tt.until, then)
		}
	}
}

// How long a run took is known when its start is.
func TestHeartbeatTook(t *testing.T) {
	const noon = 1_763_812_800_000
	for _, tt := range []struct {
		name       string
		start, end Ping
		want       *float64
	}{
		{"no names", Ping{Kind: PingStart, At: noon}, Ping{Kind: PingSuccess, At: noon + 1234}, new(1234.0)},
		{"the same name", Ping{Kind: PingStart, At: noon, Run: "a"}, Ping{Kind: PingSuccess, At: noon + 1234, Run: "a"}, new(1234.0)},
		{"a failure", Ping{Kind: PingStart, At: noon, Run: "a"}, Ping{Kind: PingFail, At: noon + 5, Run: "a"}, new(5.0)},
		{"another name", Ping{Kind: PingStart, At: noon, Run: "a"}, Ping{Kind: PingSuccess, At: noon + 1234, Run: "b"}, nil},
		{"the end has no name", Ping{Kind: PingStart, At: noon, Run: "a"}, Ping{Kind: PingSuccess, At: noon + 1234}, nil},
		{"no start", Ping{Kind: PingLog, At: noon}, Ping{Kind: PingSuccess, At: noon + 1234}, nil},
		{"the job says it", Ping{Kind: PingStart, At: noon}, Ping{Kind: PingSuccess, At: noon + 1234, Latency: new(7.5)}, new(7.5)},
		{"clocks that differ", Ping{Kind: PingStart, At: noon}, Ping{Kind: PingSuccess, At: noon - 1}, nil},
		{"longer than a latency can be", Ping{Kind: PingStart, At: noon}, Ping{Kind: PingSuccess, At: noon + MaxLatency + 1}, nil},
	} {
		s, _ := HeartbeatState{}.After(tt.start)
		_, got := s.After(tt.end)
		if (got == nil) != (tt.want == nil) || got != nil && *got != *tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

// A ping that comes twice does what it does once, and after a success without a name a job is UP for
// as long as its period.
func TestHeartbeatPings(t *testing.T) {
	ping := rapid.Custom(func(t *rapid.T) Ping {
		return Ping{
			Kind: rapid.SampledFrom([]PingKind{PingSuccess, PingStart, PingFail, PingLog}).Draw(t, "kind"),
			Run:  rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "run"),
		}
	})
	of := Heartbeat{Period: hour, Grace: minute}
	rapid.Check(t, func(t *rapid.T) {
		now, s := int64(1_763_812_800), HeartbeatState{}
		for _, p := range rapid.SliceOfN(ping, 1, 20).Draw(t, "pings") {
			now += rapid.Int64Range(0, 2*hour).Draw(t, "later")
			p.At = now * 1000
			once, _ := s.After(p)
			if twice, _ := once.After(p); twice != once {
				t.Fatalf("%+v after %+v: once %+v, twice %+v", p, s, once, twice)
			}
			s = once
			if p.Kind == PingFail && of.StatusAt(s, now, now) != StatusDown {
				t.Fatalf("%+v is not DOWN", s)
			}
		}
		s, _ = s.After(Ping{Kind: PingSuccess, At: now * 1000})
		for _, after := range []int64{0, hour, hour + minute - 1} {
			if got := of.StatusAt(s, 0, now+after); got != StatusUp {
				t.Fatalf("%+v is %s after %d seconds", s, got, after)
			}
		}
		if got := of.StatusAt(s, 0, now+hour+minute); got != StatusDown {
			t.Fatalf("%+v is %s when late", s, got)
		}
	})
}

func TestHeartbeatOptions(t *testing.T) {
	for _, tt := range []struct {
		options JSONObject
		want    string // the error; "" none
	}{
		{`{"heartbeat":{"monitor":"job"}}`, ""},
		{`{"heartbeat":{"monitor":"job","period_seconds":60,"grace_seconds":60}}`, ""},
		{`{"heartbeat":{"monitor":"job","cron":"0 3 * * MON-FRI","time_zone":"Europe/Berlin"}}`, ""},
		{`{"heartbeat":{"monitor":"job","cron":"@daily"}}`, ""},
		{`{}`, "options.heartbeat needs monitor"},
		{`{"heartbeat":{"period_seconds":60}}`, "options.heartbeat needs monitor"},
		{`{"heartbeat":{"monitor":"job","cron":"0 3 * *"}}`, "heartbeat.cron is no schedule: a schedule has five fields: minute, hour, day of the month, month, day of the week"},
		{`{"heartbeat":{"monitor":"job","cron":"0 25 * * *"}}`, `heartbeat.cron is no schedule: "25" is not a list of numbers from 0 to 23`},
		{`{"heartbeat":{"monitor":"job","cron":"0 0 30 2 *"}}`, "heartbeat.cron is no schedule: no day has this date"},
		{`{"heartbeat":{"monitor":"job","cron":"@daily","time_zone":"Europe/Atlantis"}}`, "heartbeat.time_zone must be a time zone of the IANA database, such as Europe/Berlin"},
		{`{"heartbeat":{"monitor":"job","cron":"@daily","time_zone":"Local"}}`, "heartbeat.time_zone must be a time zone of the IANA database, such as Europe/Berlin"},
		{`{"heartbeat":{"monitor":"job","time_zone":"Europe/Berlin"}}`, "heartbeat.time_zone needs heartbeat.cron"},
	} {
		got := ""
		if err := CheckIntegrationOptions(KindHeartbeat, tt.options); err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", tt.options, got, tt.want)
		}
	}
}

func TestPingedMonitor(t *testing.T) {
	const noon = 1_763_812_800
	for _, tt := range []struct {
		typeData       JSONObject
		degraded, down int64 // after so many minutes
	}{
		{"", 6, 11},
		{`{"degradedRemainingMinutes":2,"downRemainingMinutes":4,"secretString":"s"}`, 3, 5},
		{`{"degradedRemainingMinutes":"2","downRemainingMinutes":"4"}`, 3, 5},
		{`{"degradedRemainingMinutes":0,"downRemainingMinutes":0}`, 1, 1},
		{`{"degradedRemainingMinutes":-1,"downRemainingMinutes":null}`, 6, 11},
		{`{"degradedRemainingMinutes":"soon","downRemainingMinutes":[]}`, 6, 11},
		{`{"degradedRemainingMinutes":1.5,"downRemainingMinutes":1e300}`, 6, 11},
	} {
		p := PingedMonitor{Monitor: Monitor{TypeData: tt.typeData}, Last: noon + 59}
		for n := int64(0); n < 20; n++ {
			want := StatusUp
			if n >= tt.degraded {
				want = StatusDegraded
			}
			if n >= tt.down {
				want = StatusDown
			}
			if got := p.StatusAt(noon + n*minute); got != want {
				t.Errorf("%s: %s after %d minutes, want %s", tt.typeData, got, n, want)
			}
		}
	}
}

func TestPingSecret(t *testing.T) {
	for _, tt := range []struct {
		typeData JSONObject
		secret   string
		want     bool
	}{
		{`{"secretString":"s3cret"}`, "s3cret", true},
		{`{"secretString":"s3cret"}`, "s3cre", false},
		{`{"secretString":"s3cret"}`, "", false},
		{`{"secretString":""}`, "", false},
		{`{"secretString":null}`, "", false},
		{`{"secretString":7}`, "7", false},
		{"", "", false},
	} {
		if got := (Monitor{TypeData: tt.typeData}).HasPingSecret(tt.secret); got != tt.want {
			t.Errorf("%q of %s: %t", tt.secret, tt.typeData, got)
		}
	}
	for _, tt := range []struct {
		status, kind *string
		want         bool
	}{
		{new(MonitorActive), new("HEARTBEAT"), true},
		{new(MonitorInactive), new("HEARTBEAT"), false},
		{new(MonitorActive), new("API"), false},
		{nil, new("HEARTBEAT"), false},
		{new(MonitorActive), nil, false},
	} {
		if got := (Monitor{Status: tt.status, Type: tt.kind}).TakesPings(); got != tt.want {
			t.Errorf("%+v: %t", tt, got)
		}
	}
}
