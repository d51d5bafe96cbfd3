package inbound

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"tocsin/internal/statuspage"
)

func TestTimeOf(t *testing.T) {
	const second, milli = "2026-11-25T09:14:03.000Z", "2026-11-25T09:14:03.121Z"
	for text, want := range map[string]string{
		"2026-11-25T09:14:03.121+0000":        milli,
		"2026-11-25T10:14:03.121+0100":        milli,
		"2026-11-25T10:14:03.121+01:00":       milli,
		"2026-11-25T10:14:03.121+01":          milli,
		"2026-11-25T09:14:03.121Z":            milli,
		"2026-11-25T09:14:03.1219999Z":        milli,
		"2026-11-25T09:14:03.121":             milli,
		"2026-11-25 09:14:03.121":             milli,
		"2026-11-25 10:14:03.121+01:00":       milli,
		"2026-11-25 09:14:03 UTC":             second,
		"2026-11-25T09:14:03Z":                second,
		" 2026-11-25T09:14:03Z\n":             second,
		"2026-11-25T09:14Z":                   "2026-11-25T09:14:00.000Z",
		"Wed, 25 Nov 2026 09:14:03 GMT":       second,
		"Wed, 25 Nov 2026 10:14:03 +0100":     second,
		"1795598043":                          second,
		"1795598043.121":                      milli,
		"1795598043121":                       milli,
		"1795598043121000":                    milli,
		"1795598043121000000":                 milli,
		"1.795598043e9":                       second,
		"0001-01-01T00:00:00Z":                "",
		"1969-12-31T23:59:59Z":                "",
		"9999-12-31T23:59:59Z":                "9999-12-31T23:59:59.000Z",
		"0":                                   "",
		"-1":                                  "",
		"NaN":                                 "",
		"Inf":                                 "",
		"1e300":                               "",
		"2026-02-30T00:00:00Z":                "",
		"yesterday":                           "",
		"":                                    "",
		"*alertDateTime*":                     "",
		"99999999999999999999999999999999999": "",
	} {
		if got := clock(timeOf(text)); got != want {
			t.Errorf("%q is %s, not %s", text, got, want)
		}
	}
	for _, value := range []any{nil, true, map[string]any{}, []any{}} {
		if got := timeOf(value); got != 0 {
			t.Errorf("%v is %d", value, got)
		}
	}
}

func TestReadObject(t *testing.T) {
	for body, problem := range map[string]string{
		"":                         "The body is empty",
		" \n":                      "The body is empty",
		"{":                        "The body is not JSON: unexpected EOF",
		"<html>":                   "The body is not JSON: invalid character '<' looking for beginning of value",
		strings.Repeat("[", 20000): "The body is not JSON: invalid character '[' exceeded max depth",
		"{} {}":                    "The body is not JSON: there is more after its end",
		"[]":                       "The body must be a JSON object",
		"null":                     "The body must be a JSON object",
		`{"a":1}`:                  "",
		"\ufeff{} \r\n":            "",
	} {
		_, err := readObject([]byte(body))
		if got := message(err); got != problem {
			t.Errorf("%q: %q, not %q", body, got, problem)
		}
	}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestPatience(t *testing.T) {
	o, err := readObject([]byte(`{"text":" a ","number":4718093325512967301,"yes":true,"none":null,"list":["a",2,null,["x"],{"b":1}],"inner":{"a":1},"written":"{\"a\":2}","blank":" ","one":{"a":3}}`))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"text": "a", "number": "4718093325512967301", "yes": "true", "none": "", "list": "a,2", "inner": "", "absent": "", "blank": ""} {
		if got := o.text(name); got != want {
			t.Errorf("%s: %q, not %q", name, got, want)
		}
	}
	for name, want := range map[string]string{"inner": "1", "written": "2", "text": "", "none": "", "absent": ""} {
		if got := o.object(name).text("a"); got != want {
			t.Errorf("%s: %q, not %q", name, got, want)
		}
	}
	if got := o.text("none", "blank", "number"); got != "4718093325512967301" {
		t.Errorf("the first text is %q", got)
	}
	if got := []int{len(o.objects("list")), len(o.objects("one")), len(o.objects("none")), len(o.objects("text"))}; !slices.Equal(got, []int{1, 1, 0, 0}) {
		t.Errorf("objects: %v", got)
	}
	want := map[string]string{"text": "a", "number": "4718093325512967301", "yes": "true", "list": "a,2", "written": `{"a":2}`}
	if got := o.labels(); !maps.Equal(got, want) {
		t.Errorf("labels: %v", got)
	}
}

func TestReadFields(t *testing.T) {
	const parts = "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--x--\r\n"
	for name, m := range map[string]Message{
		"JSON":                {Body: []byte(` {"a":1}`), Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}},
		"JSON without a type": {Body: []byte(`{"a":"1"}`)},
		"a form":              {Body: []byte("a=1&token=t"), Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded; charset=utf-8"}}},
		"a form in parts":     {Body: []byte(parts), Header: http.Header{"Content-Type": {"multipart/form-data; boundary=x"}}},
		"a query":             {Query: url.Values{"a": {"1"}, "token": {"t"}}},
	} {
		fields, err := readFields(m)
		if err != nil || fields.text("a") != "1" || len(fields) != 1 {
			t.Errorf("%s: %v, %v", name, fields, err)
		}
	}
	for _, m := range []Message{
		{Body: []byte("a=1")},
		{Body: []byte("a=%"), Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}},
		{Body: []byte("--x\r\n"), Header: http.Header{"Content-Type": {"multipart/form-data; boundary=x"}}},
		{Body: []byte(parts), Header: http.Header{"Content-Type": {"multipart/form-data"}}},
	} {
		if fields, err := readFields(m); err == nil {
			t.Errorf("%s: %v", m.Body, fields)
		}
	}
}

func TestUndecorated(t *testing.T) {
	for title, want := range map[string]string{
		"[FIRING:2] HighErrorRate checkout": "HighErrorRate checkout",
		"[FIRING:1, RESOLVED:1] a":          "a",
		"[RESOLVED] a":                      "a",
		"[Alerting] a":                      "a",
		"[No Data] a":                       "a",
		"[P1] [Triggered on {service:checkout}] Checkout error rate": "Checkout error rate",
		"[Re-Triggered on {host:[a]}] a":                             "}] a",
		"[P1]":                                                       "[P1]",
		"[Database] is slow":                                         "[Database] is slow",
		"[No disk] a":                                                "[No disk] a",
		"[firing":                                                    "[firing",
		"a [FIRING]":                                                 "a [FIRING]",
		"":                                                           "",
	} {
		if got := undecorated(title); got != want {
			t.Errorf("%q is %q, not %q", title, got, want)
		}
	}
}

func TestTidied(t *testing.T) {
	long := strings.Repeat("é", 300)
	many := map[string]string{}
	for n := range 60 {
		many[string(rune('A'+n))] = "v"
	}
	s := tidied(statuspage.Signal{
		Key: long, Title: " a\x00\u202eb\r\n\tc ", Message: "\x1b[1mone\r\ntwo\t\u2066x\n", Link: "javascript:alert(1)", Severity: "P1\n",
		Labels:  map[string]string{"tocsin-monitor": "web, api,,web", "tocsin_impact": "degraded", "monitor": "db", "empty": "", "odd\nname": "v\x00"},
		Guesses: [][]string{{"entity"}},
	})
	switch {
	case s.Key != statuspage.SignalKey(long) || len(s.Key) != 71:
		t.Errorf("key %q", s.Key)
	case s.Title != "ab c" || s.Message != "[1mone\ntwo\tx" || s.Link != "" || s.Severity != "P1":
		t.Errorf("texts %q, %q, %q, %q", s.Title, s.Message, s.Link, s.Severity)
	case !slices.Equal(s.Monitors, []string{"web", "api"}) || s.Impact != statuspage.Degraded:
		t.Errorf("monitors %v, impact %q", s.Monitors, s.Impact)
	case len(s.Guesses) != 2 || s.Guesses[0][0] != "db" || s.Guesses[1][0] != "entity":
		t.Errorf("guesses %v", s.Guesses)
	case !maps.Equal(s.Labels, map[string]string{"tocsin-monitor": "web, api,,web", "tocsin_impact": "degraded", "monitor": "db", "odd name": "v"}):
		t.Errorf("labels %q", s.Labels)
	}
	s = tidied(statuspage.Signal{Title: long, Labels: many, Monitors: []string{"own"}, Impact: statuspage.Down, Link: " https://a.example/x?y#z "})
	if statuspage.Length(s.Title) != 255 || len(s.Labels) != maxLabels || s.Labels["A"] == "" || s.Monitors[0] != "own" || s.Link != "https://a.example/x?y#z" {
		t.Errorf("%+v", s)
	}
	if got := webAddress("HTTPS://A.example/X"); got != "https://A.example/X" {
		t.Errorf("%q", got)
	}
	for _, link := range []string{"//a.example", "/a", "ftp://a.example", "https://", "https://a.example/" + long + strings.Repeat("x", maxLink), "https://a.example/\n"} {
		if got := webAddress(link); got != "" && got != "https://a.example/" {
			t.Errorf("%q is a link", link)
		}
	}
}
