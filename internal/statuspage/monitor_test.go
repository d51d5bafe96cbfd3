package statuspage_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/opt"
	"tocsin/internal/statuspage"
)

func TestValidLink(t *testing.T) {
	for address, want := range map[string]bool{
		"http://a": true, "https://example.org/a b?c#d": true, "HTTPS://A": true, "/": true, "/logo.png": true, "/a//b": true, "/?to=javascript:x": true,
		"": false, "javascript:alert(1)": false, "javascript://a": false, "data:,x": false, "ftp://a": false, "a": false, "?a": false, "//a": false, `/\a`: false, `\\a`: false,
		"http://": false, "http:///a": false, `https://\a`: false, "https:a": false, " /a": false, " http://a": false, "/\t/a": false, "http://a\n": false, "/\x00": false, "/\x7f": false,
	} {
		if got := statuspage.ValidLink(address); got != want {
			t.Errorf("%q: %t", address, got)
		}
	}
}

func TestTags(t *testing.T) {
	for _, tt := range []struct {
		tag               string
		wellFormed, valid bool
	}{
		{"a", true, true},
		{"7", true, true},
		{"api-gateway_2", true, true},
		{"a--b__c", true, true},
		{strings.Repeat("a", 256), true, true},
		{strings.Repeat("a", 257), true, false},
		{"", false, false},
		{"-", false, false},
		{"-a", false, false},
		{"a-", false, false},
		{"_a", false, false},
		{"a_", false, false},
		{"A", false, false},
		{"a b", false, false},
		{" a", false, false},
		{"a\n", false, false},
		{"a.b", false, false},
		{"a/b", false, false},
		{"a#b", false, false},
		{"ä", false, false},
		{"а", false, false}, // a Cyrillic letter
		{"a\x00", false, false},
	} {
		if got := statuspage.WellFormedTag(tt.tag); got != tt.wellFormed {
			t.Errorf("WellFormedTag(%+q) = %t", tt.tag, got)
		}
		if got := statuspage.ValidTag(tt.tag); got != tt.valid {
			t.Errorf("ValidTag(%+q) = %t", tt.tag, got)
		}
	}
}

func TestMonitorApply(t *testing.T) {
	old := func(change func(*statuspage.Monitor)) statuspage.Monitor {
		m := statuspage.Monitor{
			ID: 3, Tag: "earth", Name: "Earth", Description: new("d"), Status: new("ACTIVE"), Hidden: new("NO"),
			DayDownMinimum: new(int64(5)), IncludeDegraded: new("YES"), TypeData: `{"a":1,"b":2}`,
			ConfirmationThreshold: 2, Created: 60, Updated: 61, Version: 7,
		}
		if change != nil {
			change(&m)
		}
		return m
	}
	after := func(change func(*statuspage.Monitor)) statuspage.Monitor {
		m := old(change)
		m.Updated, m.Version = 99, 8
		return m
	}
	for _, tt := range []struct {
		name  string
		patch statuspage.MonitorPatch
		want  statuspage.Monitor
	}{
		{"nothing", statuspage.MonitorPatch{}, after(nil)},
		{"null clears", statuspage.MonitorPatch{
			Description: opt.Null[string](), Status: opt.Null[string](), Hidden: opt.Null[string](), TypeData: opt.Null[statuspage.JSONObject](),
		}, after(func(m *statuspage.Monitor) { m.Description, m.Status, m.Hidden, m.TypeData = nil, nil, nil, "" })},
		{"values", statuspage.MonitorPatch{
			Name: opt.Value("n"), Description: opt.Value(""), Image: opt.Value("i"), Cron: opt.Value("c"), DefaultStatus: opt.Value("DOWN"),
			Status: opt.Value("INACTIVE"), Category: opt.Value("k"), Type: opt.Value("PING"), Hidden: opt.Value("YES"),
			ExternalURL: opt.Value("u"), ConfirmationThreshold: opt.Value(int64(60)),
		}, after(func(m *statuspage.Monitor) {
			m.Name, m.Description, m.Image, m.Cron, m.DefaultStatus = "n", new(""), new("i"), new("c"), new("DOWN")
			m.Status, m.Category, m.Type, m.Hidden = new("INACTIVE"), new("k"), new("PING"), new("YES")
			m.ExternalURL, m.ConfirmationThreshold = new("u"), 60
		})},
		{"objects are merged", statuspage.MonitorPatch{TypeData: opt.Value[statuspage.JSONObject](`{"b":{"x":1},"c":null}`)},
			after(func(m *statuspage.Monitor) { m.TypeData = `{"a":1,"b":{"x":1},"c":null}` })},
		{"settings are merged into the default ones", statuspage.MonitorPatch{Settings: opt.Value[statuspage.JSONObject](`{"uptime_formula_numerator":"up"}`)},
			after(func(m *statuspage.Monitor) {
				m.Settings = `{"uptime_formula_numerator":"up","uptime_formula_denominator":"up + down + degraded + maintenance"}`
			})},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := old(nil)
			got, err := m.Apply(tt.patch, 99)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(old(nil), m); diff != "" {
				t.Errorf("the old monitor was changed (-before +after):\n%s", diff)
			}
		})
	}
}

func TestMonitorSize(t *testing.T) {
	m := statuspage.Monitor{
		Tag: "a", Name: "bb", Description: new("cc"), Image: new("d"), Cron: new("e"), DefaultStatus: new("f"), Status: new("g"),
		Category: new("h"), Type: new("i"), DownTrigger: new("j"), DegradedTrigger: new("k"), TypeData: "{}", Settings: "{}",
		IncludeDegraded: new("l"), Hidden: new("m"), ExternalURL: new("ü"),
	}
	if got, want := m.Size(), 1+2+2+10+2+2+2; got != want {
		t.Errorf("Size() = %d, want %d", got, want)
	}

	room := statuspage.MaxMonitorSize - m.Size()
	fits, err := m.Apply(statuspage.MonitorPatch{Description: opt.Value(strings.Repeat("x", room+2))}, 1)
	if err != nil || fits.Size() != statuspage.MaxMonitorSize {
		t.Errorf("the largest monitor: size %d, error %v", fits.Size(), err)
	}
	if _, err := m.Apply(statuspage.MonitorPatch{Description: opt.Value(strings.Repeat("x", room+3))}, 1); !errors.Is(err, statuspage.ErrMonitorTooLarge) {
		t.Errorf("one byte more: %v, want %v", err, statuspage.ErrMonitorTooLarge)
	}
	if _, err := fits.Apply(statuspage.MonitorPatch{TypeData: opt.Value[statuspage.JSONObject](`{"a":1}`)}, 1); !errors.Is(err, statuspage.ErrMonitorTooLarge) {
		t.Errorf("merged into the largest: %v, want %v", err, statuspage.ErrMonitorTooLarge)
	}
}

func TestMonitorQueryMatches(t *testing.T) {
	m := statuspage.Monitor{Status: new("ACTIVE"), Category: new("Home"), Type: new("API"), Hidden: new("NO")}
	for _, tt := range []struct {
		name string
		q    statuspage.MonitorQuery
		m    statuspage.Monitor
		want bool
	}{
		{"no filter", statuspage.MonitorQuery{}, m, true},
		{"all match", statuspage.MonitorQuery{Status: "ACTIVE", Category: "Home", Type: "API", Hidden: "NO"}, m, true},
		{"status", statuspage.MonitorQuery{Status: "active"}, m, false},
		{"category", statuspage.MonitorQuery{Category: "home"}, m, false},
		{"type", statuspage.MonitorQuery{Type: "PING"}, m, false},
		{"hidden", statuspage.MonitorQuery{Hidden: "YES"}, m, false},
		{"null is no value", statuspage.MonitorQuery{Category: "Home"}, statuspage.Monitor{}, false},
	} {
		if got := tt.q.Matches(tt.m); got != tt.want {
			t.Errorf("%s: Matches = %t, want %t", tt.name, got, tt.want)
		}
	}
}
