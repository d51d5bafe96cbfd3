package statuspage_test

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tocsin/internal/statuspage"
)

func TestPercent(t *testing.T) {
	totals := statuspage.Totals{Up: 10, Degraded: 4, Down: 2, Maintenance: 4}
	for _, tt := range []struct {
		numerator, denominator string
		want                   float64
		ok                     bool
	}{
		{"", "", 90, true},
		{"up + maintenance + degraded", "up + down + degraded + maintenance", 90, true},
		{"up + degraded", "up + down + degraded", 87.5, true},
		{"up", "up", 100, true},
		{"up+down*degraded", "up", 180, true},
		{"up*down+degraded", "up", 240, true},
		{"up / down - degraded", "up", 10, true},
		{"up - down - degraded", "up", 40, true},
		{"up / down / degraded", "up", 12.5, true},
		{"\tup\n", " up ", 100, true},
		{"down - up", "up", -80, true},
		{"up", "maintenance - degraded", 0, false},
		{"up / up", "maintenance - degraded", 0, false},
		{"maintenance - degraded", "down - up", 0, true},
		{"up", "UP", 0, false},
	} {
		f := statuspage.UptimeFormula{Numerator: tt.numerator, Denominator: tt.denominator}
		got, ok := f.Percent(totals)
		if ok != tt.ok || ok && (got != tt.want || math.Signbit(got) != (tt.want < 0)) {
			t.Errorf("(%s) / (%s): %v, %t, want %v, %t", tt.numerator, tt.denominator, got, ok, tt.want, tt.ok)
		}
	}
	for _, f := range []statuspage.UptimeFormula{{}, statuspage.DefaultFormula, {Numerator: "up / down", Denominator: "up"}, {Numerator: "up", Denominator: "up / down"}} {
		if got, ok := f.Percent(statuspage.Totals{}); ok {
			t.Errorf("%v of no minute: %v", f, got)
		}
	}
}

func TestValidExpression(t *testing.T) {
	for _, text := range []string{"up", " up ", "up+down", "up - up * down / degraded + maintenance", strings.Repeat("up+", 332) + "down"} {
		if !statuspage.ValidExpression(text) {
			t.Errorf("%q is none", text)
		}
	}
	for _, text := range []string{
		"", " ", "UP", "ups", "u p", "up down", "up +", "+ up", "- up", "up + - down", "up ++ down", "(up)", "up * 2", "2", "100", "up % down", "up ^ down",
		"up, down", "up;", "up × down", "no_data", "up\x00", strings.Repeat("up+", 333) + "up",
	} {
		if statuspage.ValidExpression(text) {
			t.Errorf("%q is one", text)
		}
	}
}

// TestUptimeFormula looks which formula a monitor has.
func TestUptimeFormula(t *testing.T) {
	lax, strict := statuspage.DefaultFormula, statuspage.StrictFormula
	own := statuspage.UptimeFormula{Numerator: "up", Denominator: "up+down"}
	for _, tt := range []struct {
		settings                      string
		want, wantStrict              statuspage.UptimeFormula
		wantDefault, wantStrictStrict bool // IsDefault of the first, IsStrict of the second
	}{
		{"", lax, strict, true, true},
		{"{}", lax, strict, true, true},
		{string(statuspage.DefaultSettings), lax, strict, true, true},
		{`{"uptime_formula_numerator":null,"uptime_formula_denominator":null}`, lax, strict, true, true},
		{`{"uptime_formula_numerator":"up","uptime_formula_denominator":"up+down"}`, own, own, false, false},
		{`{"uptime_formula_numerator":"up"}`, statuspage.UptimeFormula{"up", lax.Denominator}, statuspage.UptimeFormula{"up", lax.Denominator}, false, false},
		{`{"uptime_formula_denominator":"up+down"}`, statuspage.UptimeFormula{lax.Numerator, "up+down"}, statuspage.UptimeFormula{strict.Numerator, "up+down"}, false, false},
		{`{"uptime_formula_numerator":"up+maintenance  +degraded"}`, statuspage.UptimeFormula{"up+maintenance  +degraded", lax.Denominator}, strict, true, true},
		{`{"uptime_formula_numerator":"up","uptime_formula_denominator":"up +"}`, lax, strict, true, true},
		{`{"uptime_formula_numerator":"","uptime_formula_denominator":"up"}`, lax, strict, true, true},
		{`{"uptime_formula_numerator":7,"uptime_formula_denominator":"up"}`, lax, strict, true, true},
		{`{"uptime_formula_numerator":["up"]}`, lax, strict, true, true},
	} {
		m := statuspage.Monitor{Settings: statuspage.JSONObject(tt.settings)}
		if got := m.UptimeFormula(); got != tt.want || got.IsDefault() != tt.wantDefault || got.IsStrict() {
			t.Errorf("%s: got %q, want %q", tt.settings, got, tt.want)
		}
		m.IncludeDegraded = new(statuspage.Yes)
		if got := m.UptimeFormula(); got != tt.wantStrict || got.IsStrict() != tt.wantStrictStrict || got.IsDefault() {
			t.Errorf("%s, strict: got %q, want %q", tt.settings, got, tt.wantStrict)
		}
	}
	if zero := (statuspage.UptimeFormula{}); !zero.IsDefault() || zero.IsStrict() {
		t.Error("no formula is not the default")
	}
}

func TestMalformedExpression(t *testing.T) {
	for settings, want := range map[string]string{
		"": "", "{}": "", `{"uptime_formula_numerator":null}`: "", `{"uptime_formula_numerator":"up"}`: "",
		`{"uptime_formula_numerator":"up -"}`:                                       "uptime_formula_numerator",
		`{"uptime_formula_numerator":""}`:                                           "uptime_formula_numerator",
		`{"uptime_formula_denominator":1}`:                                          "uptime_formula_denominator",
		`{"uptime_formula_denominator":"x","uptime_formula_numerator":"y"}`:         "uptime_formula_numerator",
		`{"uptime_formula_numerator":"up +","uptime_formula_numerator":"up"}`:       "",
		`{"uptime\u005fformula_numerator":"up +"}`:                                  "uptime_formula_numerator",
		`{"other":"up +","nested":{"uptime_formula_numerator":"up +"},"more":null}`: "",
	} {
		if got := statuspage.JSONObject(settings).MalformedExpression(); got != want {
			t.Errorf("%s: %q, want %q", settings, got, want)
		}
	}
}

func TestIsDowntime(t *testing.T) {
	without := statuspage.UptimeFormula{Numerator: "up + degraded", Denominator: "up + down + degraded"}
	for _, tt := range []struct {
		formula statuspage.UptimeFormula
		down    string
	}{
		{statuspage.DefaultFormula, "DOWN"},
		{statuspage.StrictFormula, "DEGRADED DOWN"},
		{without, "DOWN"},
		{statuspage.UptimeFormula{Numerator: "up"}, "DEGRADED DOWN MAINTENANCE"},
	} {
		var down []string
		for _, s := range []statuspage.Status{statuspage.StatusUp, statuspage.StatusDegraded, statuspage.StatusDown, statuspage.StatusMaintenance} {
			if tt.formula.IsDowntime(s) {
				down = append(down, string(s))
			}
		}
		if got := strings.Join(down, " "); got != tt.down {
			t.Errorf("%v: %s, want %s", tt.formula, got, tt.down)
		}
	}
}

// valueOf is another evaluator: it takes the expression apart at its last operator, + and -
// before * and /. ok is false for a text that is no expression.
func valueOf(text string, t statuspage.Totals) (value float64, ok bool) {
	for _, operators := range []string{"+-", "*/"} {
		at := strings.LastIndexAny(text, operators)
		if at < 0 {
			continue
		}
		left, ok := valueOf(text[:at], t)
		right, ok2 := valueOf(text[at+1:], t)
		value := map[byte]float64{'+': left + right, '-': left - right, '*': left * right, '/': left / right}[text[at]]
		return value, ok && ok2
	}
	value, ok = map[string]float64{"up": float64(t.Up), "degraded": float64(t.Degraded), "down": float64(t.Down), "maintenance": float64(t.Maintenance)}[strings.TrimSpace(text)]
	return value, ok
}

// sameAsModel compares a formula with the other evaluator.
func sameAsModel(t interface {
	Helper()
	Errorf(format string, args ...any)
}, f statuspage.UptimeFormula, totals statuspage.Totals) {
	t.Helper()
	n, ok := valueOf(f.Numerator, totals)
	d, ok2 := valueOf(f.Denominator, totals)
	want := n / d * 100
	counted := ok && ok2 && d != 0 && !math.IsNaN(want) && !math.IsInf(want, 0) && !math.IsInf(n, 0) && !math.IsInf(d, 0)
	if got, ok := f.Percent(totals); ok != counted || ok && got != want {
		t.Errorf("%q of %+v: %v, %t, want %v, %t", f, totals, got, ok, want, counted)
	}
	if got := statuspage.ValidExpression(f.Numerator); got != (ok && len(f.Numerator) <= statuspage.MaxExpression) {
		t.Errorf("%q is valid: %t", f.Numerator, got)
	}
}

func TestPercentProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// Mostly expressions, and some that are none.
		part := rapid.SampledFrom([]string{"up", "down", "degraded", "maintenance", "up", " up", "down ", "degraded", "maintenance", "1", "", "(up"})
		expression := rapid.Custom(func(t *rapid.T) string {
			text := part.Draw(t, "first")
			for range rapid.IntRange(0, 5).Draw(t, "operators") {
				text += rapid.SampledFrom([]string{"+", "-", "*", "/", " + "}).Draw(t, "operator") + part.Draw(t, "next")
			}
			return text
		}).Filter(func(s string) bool { return s != "" })
		minutes := rapid.Int64Range(0, 5)
		sameAsModel(t, statuspage.UptimeFormula{Numerator: expression.Draw(t, "numerator"), Denominator: expression.Draw(t, "denominator")},
			statuspage.Totals{Up: minutes.Draw(t, "up"), Degraded: minutes.Draw(t, "degraded"), Down: minutes.Draw(t, "down"), Maintenance: minutes.Draw(t, "maintenance")})
	})
}

func FuzzPercent(f *testing.F) {
	f.Add("up + maintenance + degraded", "up + down + degraded + maintenance", int64(9), int64(1), int64(2), int64(3))
	f.Add("up - down * up / maintenance", "up", int64(0), int64(1), int64(0), int64(0))
	f.Add("up *", " + up", int64(1), int64(1), int64(1), int64(1))
	f.Fuzz(func(t *testing.T, numerator, denominator string, up, degraded, down, maintenance int64) {
		if numerator == "" || denominator == "" {
			return
		}
		sameAsModel(t, statuspage.UptimeFormula{Numerator: numerator, Denominator: denominator},
			statuspage.Totals{Up: up, Degraded: degraded, Down: down, Maintenance: maintenance})
	})
}
