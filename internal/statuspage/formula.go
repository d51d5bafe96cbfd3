package statuspage

import (
	"encoding/json"
	"math"
	"strings"
)

// An UptimeFormula says which share of a monitor's minutes is its uptime: the value of one
// expression divided by that of another. An expression names up, down, degraded and
// maintenance, each the minutes of that status, with + - * / between them; * and / come
// first. It has neither numbers nor brackets (docs/api.md, Uptime). An empty text stands for
// that of DefaultFormula.
type UptimeFormula struct {
	Numerator, Denominator string
}

// DefaultFormula is the formula of a monitor that has none of its own.
var DefaultFormula = UptimeFormula{"up + maintenance + degraded", "up + down + degraded + maintenance"}

// StrictFormula is DefaultFormula for a monitor to which a degraded minute is downtime.
var StrictFormula = UptimeFormula{"up + maintenance", DefaultFormula.Denominator}

// The keys of a monitor's settings that hold its formula.
const (
	NumeratorSetting   = "uptime_formula_numerator"
	DenominatorSetting = "uptime_formula_denominator"
)

// MaxExpression is how many bytes an expression of a formula may have.
const MaxExpression = 1000

// ValidExpression reports whether the text is an expression of an UptimeFormula.
func ValidExpression(text string) bool {
	_, ok := evaluate(text, Totals{})
	return ok && len(text) <= MaxExpression
}

// evaluate returns the value of the expression, which may be infinite or NaN, and false for
// a text that is none.
func evaluate(text string, of Totals) (value float64, ok bool) {
	sum, product, operator := 0.0, 0.0, byte('+')
	for {
		text = strings.TrimSpace(text)
		end := strings.IndexFunc(text, func(r rune) bool { return r < 'a' || r > 'z' })
		if end < 0 {
			end = len(text)
		}
		v, known := of.named(text[:end])
		if !known {
			return 0, false
		}
		switch operator {
		case '+':
			sum, product = sum+product, v
		case '-':
			sum, product = sum+product, -v
		case '*':
			product *= v
		case '/':
			product /= v
		default:
			return 0, false
		}
		if text = strings.TrimSpace(text[end:]); text == "" {
			return sum + product, true
		}
		operator, text = text[0], text[1:]
	}
}

// named returns the minutes of the status that an expression names.
func (t Totals) named(status string) (minutes float64, known bool) {
	switch status {
	case "up":
		return float64(t.Up), true
	case "degraded":
		return float64(t.Degraded), true
	case "down":
		return float64(t.Down), true
	case "maintenance":
		return float64(t.Maintenance), true
	}
	return 0, false
}

// Share returns the values of both expressions, and false when the second one is 0 or one of
// them is not a number: then nothing was counted.
func (f UptimeFormula) Share(of Totals) (numerator, denominator float64, ok bool) {
	f = f.whole()
	numerator, ok = evaluate(f.Numerator, of)
	denominator, ok2 := evaluate(f.Denominator, of)
	share := numerator / denominator
	return numerator, denominator, ok && ok2 && denominator != 0 && !math.IsNaN(share) && !math.IsInf(numerator, 0) && !math.IsInf(denominator, 0)
}

// Percent returns the uptime as a percentage, and false when nothing was counted. Of a
// monitor's own formula it can be below 0 or above 100.
func (f UptimeFormula) Percent(of Totals) (percent float64, ok bool) {
	numerator, denominator, ok := f.Share(of)
	percent = numerator/denominator*100 + 0 // and not -0
	return percent, ok && !math.IsInf(percent, 0)
}

// IsDowntime reports whether a minute of the status alone is less than all uptime.
func (f UptimeFormula) IsDowntime(s Status) bool {
	var t Totals
	t.Add(Point{Status: s})
	percent, ok := f.Percent(t)
	return ok && percent < 100
}

// whole puts in the texts that are left out.
func (f UptimeFormula) whole() UptimeFormula {
	if f.Numerator == "" {
		f.Numerator = DefaultFormula.Numerator
	}
	if f.Denominator == "" {
		f.Denominator = DefaultFormula.Denominator
	}
	return f
}

// IsDefault reports whether the formula is DefaultFormula.
func (f UptimeFormula) IsDefault() bool { return f.same(DefaultFormula) }

// IsStrict reports whether the formula is StrictFormula.
func (f UptimeFormula) IsStrict() bool { return f.same(StrictFormula) }

func (f UptimeFormula) same(o UptimeFormula) bool {
	f = f.whole()
	return sameExpression(f.Numerator, o.Numerator) && sameExpression(f.Denominator, o.Denominator)
}

// sameExpression reports whether two expressions differ in white space alone.
func sameExpression(a, b string) bool {
	return strings.Join(strings.Fields(a), "") == strings.Join(strings.Fields(b), "")
}

// UptimeFormula returns the monitor's formula. A numerator of its own wins over
// CountsDegradedAsDown. Where an expression is malformed, which an earlier version let pass,
// the monitor has none of its own.
func (m Monitor) UptimeFormula() UptimeFormula {
	own, ok := m.Settings.uptimeFormula()
	if !ok {
		own = UptimeFormula{}
	}
	f := own.whole()
	if m.CountsDegradedAsDown() && sameExpression(f.Numerator, DefaultFormula.Numerator) {
		f.Numerator = StrictFormula.Numerator
	}
	return f
}

// uptimeFormula reads the formula of settings, and reports whether it is well-formed. An
// expression that is absent or null is left out.
func (o JSONObject) uptimeFormula() (f UptimeFormula, ok bool) {
	_, values := o.fields()
	numerator, ok := expressionOf(values[quote(NumeratorSetting)])
	denominator, ok2 := expressionOf(values[quote(DenominatorSetting)])
	return UptimeFormula{numerator, denominator}, ok && ok2
}

func expressionOf(value json.RawMessage) (text string, ok bool) {
	if value == nil || string(value) == "null" {
		return "", true
	}
	return text, json.Unmarshal(value, &text) == nil && ValidExpression(text)
}

// MalformedExpression returns the key in the settings whose value is no expression of an
// UptimeFormula, "" when there is none.
func (o JSONObject) MalformedExpression() (key string) {
	_, values := o.fields()
	for _, key := range []string{NumeratorSetting, DenominatorSetting} {
		if _, ok := expressionOf(values[quote(key)]); !ok {
			return key
		}
	}
	return ""
}
