package apiv4

import (
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/statuspage"
	"tocsin/internal/web"
)

func decoded(t testing.TB, body string) web.Fields {
	t.Helper()
	f, err := web.DecodeBody([]byte(body))
	if err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return f
}

func TestThreshold(t *testing.T) {
	const absent, refused = -1, -2
	for _, tt := range []struct {
		json string
		want int64
	}{
		{"", absent}, {"null", 1}, {"true", 1}, {"false", refused},
		{"1", 1}, {"60", 60}, {"5.0", 5}, {"0.5e1", 5}, {"0", refused}, {"61", refused}, {"1.5", refused}, {"-1", refused},
		{"1e400", refused}, {"-1e400", refused}, {strings.Repeat("9", 40), refused},
		{`"5"`, 5}, {`" 5\n"`, 5}, {`"5.0"`, 5}, {`"5."`, 5}, {`"+5"`, 5}, {`"50e-1"`, 5}, {`"05"`, 5},
		{`""`, refused}, {`" "`, refused}, {`"5x"`, refused}, {`"five"`, refused}, {`"0x5"`, refused}, {`"5_0"`, refused}, {`"Infinity"`, refused},
		{`"inf"`, refused}, {`"nan"`, refused}, {`"1e999"`, refused}, {`"5 5"`, refused}, {`"e"`, refused}, {`"٥"`, refused},
		{"[5]", refused}, {"{}", refused},
	} {
		body := "{}"
		if tt.json != "" {
			body = `{"confirmation_threshold":` + tt.json + `}`
		}
		got, err := threshold(decoded(t, body))
		switch {
		case tt.want == refused:
			if !errors.Is(err, errConfirmMinutes) {
				t.Errorf("%s: %v, %v, want %v", tt.json, got, err, errConfirmMinutes)
			}
		case err != nil || got.IsSet() != (tt.want != absent) || got.Or(absent) != tt.want:
			t.Errorf("%s: %v, %v, want %d", tt.json, got, err, tt.want)
		}
	}
}

func TestAutoCloseAfter(t *testing.T) {
	const absent, never, refused = -1, -2, -3
	for _, tt := range []struct {
		json string
		want int64
	}{
		{"", absent}, {"null", never}, {"3600", 3600}, {"31536000", 31536000}, {"3600.0", 3600}, {"36e2", 3600},
		{"3599", refused}, {"31536001", refused}, {"0", refused}, {"-3600", refused}, {"3600.5", refused}, {"1e400", refused},
		{`"3600"`, refused}, {`""`, refused}, {"true", refused}, {"false", refused}, {"[3600]", refused}, {"{}", refused},
	} {
		body := "{}"
		if tt.json != "" {
			body = `{"auto_close_after":` + tt.json + `}`
		}
		got, err := autoClose(decoded(t, body))
		switch {
		case tt.want == refused:
			if !errors.Is(err, errAutoClose) {
				t.Errorf("%s: %v, %v, want %v", tt.json, got, err, errAutoClose)
			}
		case err != nil || got.IsSet() != (tt.want != absent) || got.IsNull() != (tt.want == never) || tt.want > 0 && got.Or(0) != tt.want:
			t.Errorf("%s: %v, %v, want %d", tt.json, got, err, tt.want)
		}
	}
}

func TestLinks(t *testing.T) {
	type impacts = []statuspage.MonitorImpact
	link := func(tag string, impact statuspage.Impact) statuspage.MonitorImpact {
		return statuspage.MonitorImpact{Tag: tag, Impact: impact}
	}
	many := func(n int) string {
		var tags []string
		for i := range n {
			tags = append(tags, `{"monitor_tag":"m`+strconv.Itoa(i)+`"}`)
		}
		return "[" + strings.Join(tags, ",") + "]"
	}
	for _, tt := range []struct {
		name, json string
		want       impacts
		err        error
	}{
		{"none", `[]`, impacts{}, nil},
		{"impact is DOWN when absent", `[{"monitor_tag":"a"}]`, impacts{link("a", "DOWN")}, nil},
		{"impact is DOWN when null", `[{"monitor_tag":"a","impact":null}]`, impacts{link("a", "DOWN")}, nil},
		{"impacts", `[{"monitor_tag":"a","impact":"UP"},{"impact":"DEGRADED","monitor_tag":"b","more":1},{"monitor_tag":"c","impact":"MAINTENANCE"}]`,
			impacts{link("a", "UP"), link("b", "DEGRADED"), link("c", "MAINTENANCE")}, nil},
		{"the same tag twice", `[{"monitor_tag":"a","impact":"UP"},{"monitor_tag":"b"},{"monitor_tag":"a"}]`, impacts{link("a", "DOWN"), link("b", "DOWN")}, nil},
		{"null", `null`, nil, errMonitors},
		{"object", `{}`, nil, errMonitors},
		{"string", `"a"`, nil, errMonitors},
		{"element null", `[null]`, nil, errMonitorTag},
		{"element string", `["a"]`, nil, errMonitorTag},
		{"element array", `[[]]`, nil, errMonitorTag},
		{"no tag", `[{"impact":"UP"}]`, nil, errMonitorTag},
		{"empty tag", `[{"monitor_tag":""}]`, nil, errMonitorTag},
		{"tag of a number", `[{"monitor_tag":5}]`, nil, errMonitorTag},
		{"no impact", `[{"monitor_tag":"a","impact":"PURPLE"}]`, nil, errImpact("PURPLE")},
		{"lower case", `[{"monitor_tag":"a","impact":"down"}]`, nil, errImpact("down")},
		{"maintenance in lower case", `[{"monitor_tag":"a","impact":"maintenance"}]`, nil, errImpact("maintenance")},
		{"empty impact", `[{"monitor_tag":"a","impact":""}]`, nil, errImpact("")},
		{"impact of a number", `[{"monitor_tag":"a","impact":5}]`, nil, errImpact("5")},
		{"the first error counts", `[{"monitor_tag":"a","impact":"x"},null]`, nil, errImpact("x")},
		{"48", many(48), func() (l impacts) {
			for i := range 48 {
				l = append(l, link("m"+strconv.Itoa(i), "DOWN"))
			}
			return l
		}(), nil},
		{"49", many(49), nil, errTooManyLinks},
		{"49 of one tag", "[" + strings.Repeat(`{"monitor_tag":"a"},`, 48) + `{"monitor_tag":"a"}]`, impacts{link("a", "DOWN")}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := links(decoded(t, `{"monitors":`+tt.json+`}`), 48, errTooManyLinks, incidentImpact)
			if !errors.Is(err, tt.err) {
				t.Fatalf("error %v, want %v", err, tt.err)
			}
			if diff := cmp.Diff(tt.want, got.Or(nil)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	if got, err := links(decoded(t, `{}`), 48, errTooManyLinks, incidentImpact); err != nil || got.IsSet() {
		t.Errorf("absent: %v, %v", got, err)
	}
}

func TestFilters(t *testing.T) {
	at := func(raw string) web.Query {
		values, _ := url.ParseQuery(raw)
		return web.Query{Values: values}
	}
	for _, tt := range []struct {
		raw  string
		want []string
		err  error
	}{
		{"", nil, nil}, {"g=", nil, nil}, {"g=,", []string{}, nil}, {"g=%20", []string{}, nil},
		{"g=a", []string{"a"}, nil}, {"g=a,b&g=c", []string{"a", "b"}, nil}, {"g=+a%2Cb%C2%A0,,+c", []string{"a", "b", "c"}, nil}, {"g=A", []string{"A"}, nil},
		{"g=" + strings.Repeat("a,", 50), slices.Repeat([]string{"a"}, 50), nil},
		{"g=" + strings.Repeat("a,", 51), nil, errTooManyTags},
	} {
		got, err := filterTags(at(tt.raw), "g")
		if !errors.Is(err, tt.err) {
			t.Errorf("%s: %v, want %v", tt.raw, err, tt.err)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.raw, diff)
		}
	}
	for _, tt := range []struct {
		raw  string
		want *bool
		err  error
	}{
		{"", nil, nil}, {"status=", nil, nil}, {"status=open", new(true), nil}, {"status=OPEN", new(true), nil}, {"status=cLosed", new(false), nil},
		{"status=open&status=x", new(true), nil},
		{"status=x", nil, errStatusFilter}, {"status=open%20", nil, errStatusFilter}, {"status=true", nil, errStatusFilter},
	} {
		got, err := filterOpen(at(tt.raw))
		if !errors.Is(err, tt.err) {
			t.Errorf("%s: %v, want %v", tt.raw, err, tt.err)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.raw, diff)
		}
	}
}
