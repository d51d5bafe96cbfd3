package web

import (
	"encoding/base64"
	"errors"
	"math"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tocsin/internal/statuspage"
)

func TestDecodeBody(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		want       map[string]string // nil: an error
	}{
		{"empty object", "{}", map[string]string{}},
		{"white space around", " \t\r\n{\"a\" : 1 } \n", map[string]string{"a": "1"}},
		{"byte-order mark", "\ufeff{\"a\":1}", map[string]string{"a": "1"}},
		{"the last of equal keys counts", `{"a":1,"b":2,"\u0061":3}`, map[string]string{"a": "3", "b": "2"}},
		{"case counts", `{"a":1,"A":2}`, map[string]string{"a": "1", "A": "2"}},
		{"invalid UTF-8", "{\"a\":\"\xff\"}", map[string]string{"a": "\"\ufffd\""}},
		{"numbers stay as they are", `{"a":1e308,"b":123456789012345678901234567890}`, map[string]string{"a": "1e308", "b": "123456789012345678901234567890"}},
		{"empty", "", nil},
		{"blank", " \n", nil},
		{"two byte-order marks", "\ufeff\ufeff{}", nil},
		{"null", "null", nil},
		{"array", "[]", nil},
		{"string", `"{}"`, nil},
		{"number", "1", nil},
		{"true", "true", nil},
		{"cut short", `{"a":1`, nil},
		{"more than one", `{} {}`, nil},
		{"comment", "{/**/}", nil},
		{"single quotes", "{'a':1}", nil},
		{"comma at the end", `{"a":1,}`, nil},
		{"NaN", `{"a":NaN}`, nil},
		{"a raw control character", "{\"a\":\"\x01\"}", nil},
		{"nested too deep", `{"a":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `}`, nil},
		{"a form", "a=1&b=2", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, err := DecodeBody([]byte(tt.body))
			if tt.want == nil {
				if !errors.Is(err, ErrBody) {
					t.Fatalf("decoded %v, %v, want %v", f, err, ErrBody)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for k, v := range f {
				got[k] = string(v)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func decoded(t testing.TB, body string) Fields {
	t.Helper()
	f, err := DecodeBody([]byte(body))
	if err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return f
}

func TestTimestamp(t *testing.T) {
	for _, tt := range []struct {
		json string
		want int64 // -1: not valid
	}{
		{"0", 0}, {"-0", 0}, {"0.0", 0}, {"0e99", 0}, {"59", 0}, {"60", 60}, {"119.999", 60}, {"59.9999999", 0},
		{"1700000000", 1699999980}, {"1.7e9", 1699999980}, {"17000000000E-1", 1699999980}, {"1e-400", 0},
		{"253402300799", 253402300740}, {"253402300799.0", 253402300740},
		{"253402300799.5", -1}, {"253402300800", -1}, {"-1", -1}, {"-0.5", -1}, {"-60", -1},
		{"1700000000000", -1}, {"1e308", -1}, {"1e400", -1}, {"-1e400", -1}, {strings.Repeat("9", 40), -1},
		{"null", -1}, {"true", -1}, {"false", -1}, {`""`, -1}, {`"1700000000"`, -1}, {"[1700000000]", -1}, {"{}", -1},
	} {
		got, err := decoded(t, `{"at":`+tt.json+`}`).Timestamp("at")
		if tt.want < 0 {
			if want := ErrTimestamp("at"); !errors.Is(err, want) {
				t.Errorf("%s: %d, %v, want %v", tt.json, got, err, want)
			}
			continue
		}
		if err != nil || got != tt.want {
			t.Errorf("%s: %d, %v, want %d", tt.json, got, err, tt.want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Float64Range(0, statuspage.MaxTimestamp).Draw(t, "n")
		got, err := Fields{"at": []byte(strconv.FormatFloat(n, 'g', -1, 64))}.Timestamp("at")
		if want := int64(math.Floor(n/60)) * 60; err != nil || got != want {
			t.Errorf("%v: %d, %v, want %d", n, got, err, want)
		}
	})
}

// The three ways in which a timestamp can be missing.
func TestTimestampKinds(t *testing.T) {
	for _, tt := range []struct {
		body              string
		opt, nullable     string
		optErr, nullabErr bool
	}{
		{`{}`, "absent", "absent", false, false},
		{`{"at":null}`, "", "null", true, false},
		{`{"at":61}`, "60", "60", false, false},
		{`{"at":0}`, "0", "0", false, false},
		{`{"at":""}`, "", "", true, true},
		{`{"at":false}`, "", "", true, true},
	} {
		f := decoded(t, tt.body)
		show := func(set, null bool, n int64) string {
			switch {
			case !set:
				return "absent"
			case null:
				return "null"
			}
			return strconv.FormatInt(n, 10)
		}
		o, err := f.OptTimestamp("at")
		if got := show(o.IsSet(), o.IsNull(), o.Or(0)); (err != nil) != tt.optErr || err == nil && got != tt.opt {
			t.Errorf("optTimestamp of %s: %s, %v, want %s", tt.body, got, err, tt.opt)
		}
		n, err := f.NullableTimestamp("at")
		if got := show(n.IsSet(), n.IsNull(), n.Or(0)); (err != nil) != tt.nullabErr || err == nil && got != tt.nullable {
			t.Errorf("nullableTimestamp of %s: %s, %v, want %s", tt.body, got, err, tt.nullable)
		}
	}
}

func TestTrimmed(t *testing.T) {
	empty, long := errors.New("empty"), errors.New("long")
	for _, tt := range []struct {
		json, want string
		err        error
	}{
		{`"abc"`, "abc", nil},
		{`" \t\u00a0\ufeffabc\n\u3000"`, "abc", nil},
		{`"🔥🔥"`, "🔥🔥", nil},
		{`" 🔥🔥 "`, "🔥🔥", nil},
		{`"\ud83d\udd25"`, "🔥", nil},
		{`"\ud800"`, "\ufffd", nil},
		{`"\u0000"`, "\x00", nil},
		{`"\u0085"`, "\u0085", nil},
		{`"abcde"`, "", long},
		{`"🔥🔥a"`, "", long},
		{`""`, "", empty}, {`" "`, "", empty}, {`"\ufeff"`, "", empty}, {`null`, "", empty}, {`5`, "", empty}, {`["a"]`, "", empty}, {`{}`, "", empty}, {`true`, "", empty},
	} {
		got, err := decoded(t, `{"x":`+tt.json+`}`).Trimmed("x", 4, empty, long)
		if err != tt.err || got != tt.want {
			t.Errorf("%s: %q, %v, want %q, %v", tt.json, got, err, tt.want, tt.err)
		}
	}
	if _, err := decoded(t, `{}`).Trimmed("x", 4, empty, long); err != empty {
		t.Errorf("absent: %v, want %v", err, empty)
	}
}

func TestObject(t *testing.T) {
	for _, tt := range []struct {
		json string
		want statuspage.JSONObject
		null bool
		err  string
	}{
		{"{}", "{}", false, ""},
		{`{ "a" : [ 1 , { "b" : null } ] }`, `{"a":[1,{"b":null}]}`, false, ""},
		{`{"a":1,"a":2}`, `{"a":2}`, false, ""},
		{"null", "", true, ""},
		{"[]", "", false, "x must be an object"},
		{`"{}"`, "", false, "x must be an object"},
		{"5", "", false, "x must be an object"},
		{nestedObject(100), statuspage.JSONObject(nestedObject(100)), false, ""},
		{nestedObject(101), "", false, "x must be nested at most 100 levels deep"},
		{`{"a":"` + strings.Repeat(`[\"{`, 200) + `"}`, statuspage.JSONObject(`{"a":"` + strings.Repeat(`[\"{`, 200) + `"}`), false, ""},
		{`{"a":[` + strings.Repeat("[],", 200) + `[]]}`, statuspage.JSONObject(`{"a":[` + strings.Repeat("[],", 200) + `[]]}`), false, ""},
	} {
		got, err := decoded(t, `{"x":`+tt.json+`}`).Object("x")
		if tt.err != "" {
			if err == nil || err.Error() != tt.err {
				t.Errorf("%s: %v, %v, want %s", tt.json, got, err, tt.err)
			}
			continue
		}
		if err != nil || got.IsNull() != tt.null || got.Or("") != tt.want {
			t.Errorf("%s: %v, %v, want %s", tt.json, got, err, tt.want)
		}
	}
}

// nestedObject is an object with so many levels, its own included.
func nestedObject(levels int) string {
	return strings.Repeat(`{"a":`, levels-1) + "{}" + strings.Repeat("}", levels-1)
}

// errNoID is for what is none.
var errNoID = statuspage.Invalid("no id")

func TestParseID(t *testing.T) {
	const refused = "refused"
	for _, tt := range []struct {
		segment string
		n       int64
		text    string
	}{
		{"1", 1, "1"}, {"0", 0, "0"}, {"0012", 12, "12"}, {strings.Repeat("0", 500) + "7", 7, "7"},
		{"9007199254740991", 9007199254740991, "9007199254740991"},
		{"9007199254740992", 0, "9007199254740992"},
		{"9007199254740993", 0, "9007199254740992"},
		{"9223372036854775807", 0, "9223372036854776000"},
		{"100000000000000000000", 0, "100000000000000000000"},
		{"1000000000000000000000", 0, "1e+21"},
		{"123456789012345678901234567890", 0, "1.2345678901234568e+29"},
		{strings.Repeat("9", 400), 0, "Infinity"},
		{"-1", 0, "-1"}, {"-0", 0, "0"}, {"-007", 0, "-7"},
		{"-9223372036854775808", 0, "-9223372036854776000"}, {"-" + strings.Repeat("9", 400), 0, "-Infinity"},
		{"", 0, refused}, {"-", 0, refused}, {"--1", 0, refused}, {"1-", 0, refused}, {"+1", 0, refused}, {" 1", 0, refused}, {"1 ", 0, refused},
		{"1\n", 0, refused}, {"1.0", 0, refused}, {"1e3", 0, refused}, {"0x1", 0, refused}, {"12abc", 0, refused}, {"abc", 0, refused}, {"1_0", 0, refused},
		{"١", 0, refused}, {"１", 0, refused}, {"1\x00", 0, refused}, {"%31", 0, refused}, {"NaN", 0, refused}, {"Infinity", 0, refused}, {"inf", 0, refused},
	} {
		got, err := ParseID(tt.segment, errNoID)
		if tt.text == refused {
			if !errors.Is(err, errNoID) {
				t.Errorf("%q: %v, %v, want %v", tt.segment, got, err, errNoID)
			}
			continue
		}
		if err != nil || got.N != tt.n || got.Text != tt.text {
			t.Errorf("%q: %v, %v, want %d, %q", tt.segment, got, err, tt.n, tt.text)
		}
	}
	number := regexp.MustCompile(`^-?[0-9]+$`)
	rapid.Check(t, func(t *rapid.T) {
		segment := rapid.OneOf(rapid.StringMatching(`-?[0-9]{1,30}`), rapid.StringMatching(`[-0-9.e+ a]{0,6}`), rapid.String()).Draw(t, "segment")
		id, err := ParseID(segment, errNoID)
		if (err == nil) != number.MatchString(segment) {
			t.Fatalf("%q: %v, %v", segment, id, err)
		}
		if err == nil && id.Exists() && strings.TrimLeft(segment, "0") != id.Text {
			t.Errorf("%q is shown as %q", segment, id.Text)
		}
	})
}

// The right column is what ECMAScript's String() makes of the number.
func TestEcmaNumberText(t *testing.T) {
	for _, tt := range []struct {
		f    float64
		want string
	}{
		{0, "0"}, {1, "1"}, {-1, "-1"}, {42, "42"},
		{9007199254740991, "9007199254740991"},
		{9007199254740992, "9007199254740992"},
		{9223372036854775807, "9223372036854776000"},
		{-9223372036854775808, "-9223372036854776000"},
		{18446744073709551615, "18446744073709552000"},
		{1e20, "100000000000000000000"},
		{123456789012345678901, "123456789012345680000"},
		{999999999999999999999, "1e+21"},
		{1e21, "1e+21"},
		{-1e21, "-1e+21"},
		{1.5e21, "1.5e+21"},
		{123456789012345678901234567890, "1.2345678901234568e+29"},
		{1e100, "1e+100"},
		{math.MaxFloat64, "1.7976931348623157e+308"},
		{math.Inf(1), "Infinity"},
		{math.Inf(-1), "-Infinity"},
	} {
		if got := ecmaNumberText(tt.f); got != tt.want {
			t.Errorf("%v: %q, want %q", tt.f, got, tt.want)
		}
	}
}

func TestQueryParameters(t *testing.T) {
	at := func(raw string) Query {
		values, _ := url.ParseQuery(raw)
		return Query{values}
	}
	const refused = -1
	for _, tt := range []struct {
		raw   string
		want  int64
		given bool
	}{
		{"", 0, false}, {"t=", 0, false}, {"t=0", 0, false}, {"t=00", 0, false}, {"t=0.9", 0, false},
		{"t=1", 1, true}, {"t=1.9", 1, true}, {"t=007", 7, true}, {"t=253402300799", 253402300799, true}, {"t=5&t=x", 5, true}, {"t=&t=5", 0, false},
		{"t=253402300799.9", 253402300799, true},
		{"t=253402300800", refused, false}, {"t=1700000000000", refused, false}, {"t=-1", refused, false}, {"t=%2B1", refused, false}, {"t=1e9", refused, false},
		{"t=1.", refused, false}, {"t=.5", refused, false}, {"t=1.2.3", refused, false}, {"t=12xyz", refused, false}, {"t=0x10", refused, false}, {"t=+1", refused, false},
		{"t=" + strings.Repeat("9", 40), refused, false}, {"t=NaN", refused, false}, {"t=%D9%A1", refused, false},
	} {
		got, given, err := at(tt.raw).Timestamp("t")
		if tt.want == refused {
			if !errors.Is(err, ErrTimestamp("t")) {
				t.Errorf("%s: %d, %v, want an error", tt.raw, got, err)
			}
			continue
		}
		if err != nil || got != tt.want || given != tt.given {
			t.Errorf("%s: %d, %t, %v, want %d, %t", tt.raw, got, given, err, tt.want, tt.given)
		}
	}
	for _, tt := range []struct {
		raw  string
		want int
	}{
		{"", 1000}, {"limit=", 1000}, {"limit=1", 1}, {"limit=1000", 1000}, {"limit=7&limit=x", 7},
		{"limit=0", refused}, {"limit=1001", refused}, {"limit=-1", refused}, {"limit=1.0", refused}, {"limit=ten", refused}, {"limit=1e2", refused},
		{"limit=%2B1", refused}, {"limit=%201", refused}, {"limit=" + strings.Repeat("9", 40), refused},
	} {
		got, err := at(tt.raw).Limit()
		if tt.want == refused {
			if !errors.Is(err, errLimit) {
				t.Errorf("%s: %d, %v, want %v", tt.raw, got, err, errLimit)
			}
			continue
		}
		if err != nil || got != tt.want {
			t.Errorf("%s: %d, %v, want %d", tt.raw, got, err, tt.want)
		}
	}
}

func TestCursor(t *testing.T) {
	text := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	for _, bad := range []string{
		"", "x", "!", text("i"), text("i.1"), text("i.1.2.3"), text("c.1.2"), text(".1.2"), text("I.1.2"), text("i.1."), text("i..2"), text("i.-1.2"), text("i.01.2"),
		text("i.+1.2"), text("i.1.9007199254740992"), text("i.1.99999999999999999999"), text("i.1.2 "), text("i.1.٢"), text("i.1e0.2"), text("i.1.2\n"),
		text("i.1.2") + "=", text("i.1.2") + "\n", "\r\n" + text("i.1.2"),
		text("i.1.23")[:7] + "\n" + text("i.1.23")[7:],
		"aS4xLjJ", // the bits that are left over at the end of i.1.2 are not zero
	} {
		if got, err := DecodeCursor(bad, "i", 2); !errors.Is(err, ErrBadCursor) {
			t.Errorf("%q: %v, %v, want %v", bad, got, err, ErrBadCursor)
		}
	}
	id := rapid.Int64Range(0, statuspage.MaxID)
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom([]string{"i", "c", "m"}).Draw(t, "kind")
		numbers := rapid.SliceOfN(id, 1, 3).Draw(t, "numbers")
		got, err := DecodeCursor(EncodeCursor(kind, numbers...), kind, len(numbers))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(numbers, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
	// Whatever is read as a cursor is one that this service made.
	rapid.Check(t, func(t *rapid.T) {
		cursor := rapid.OneOf(
			rapid.String(),
			rapid.Map(rapid.StringMatching(`[ic]\.[-0-9+ ]{0,20}\.[0-9]{0,20}`), text),
			rapid.Map(rapid.StringMatching(`i\.[1-9][0-9]{0,5}\.[1-9]`), func(s string) string { return text(s)[:len(text(s))-1] + "f" }),
		).Draw(t, "cursor")
		if numbers, err := DecodeCursor(cursor, "i", 2); err == nil && EncodeCursor("i", numbers...) != cursor {
			t.Errorf("%q is read as %v, whose cursor is %q", cursor, numbers, EncodeCursor("i", numbers...))
		}
	})
}

// A page is full when its limit or its room is reached, and its JSON is whole.
func TestPage(t *testing.T) {
	p := Page{name: "things", limit: 3}
	for i := range 5 {
		if got, want := p.Add(map[string]int{"n": i}), i < 3; got != want {
			t.Errorf("item %d: taken %t, want %t", i, got, want)
		}
	}
	if got, want := string(p.Answer("").Body), `{"things":[{"n":0},{"n":1},{"n":2}]}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got, want := string(p.Answer("abc").Body), `{"things":[{"n":0},{"n":1},{"n":2}],"next_cursor":"abc"}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got, want := string((&Page{name: "things", limit: 1}).Answer("").Body), `{"things":[]}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}

	// Of 22 bytes each item, of 3 bytes that count twice, takes 7 with its comma.
	room := Room{22, func(text []byte) int { return 2 * len(text) }}
	p = Page{name: "things", limit: 1000, room: room}
	taken := 0
	for p.Add("x") {
		taken++
	}
	if taken != 3 {
		t.Errorf("%d items taken, want 3", taken)
	}

	// The first item is taken whatever its size: a list always gets on.
	p = Page{name: "things", limit: 1000, room: room}
	if !p.Add(strings.Repeat("x", 2*room.Bytes)) || p.Add(1) {
		t.Error("the first item was refused, or a second taken")
	}
}

func TestISOTime(t *testing.T) {
	for _, tt := range []struct {
		at   int64
		want string
	}{
		{0, "1970-01-01T00:00:00.000Z"},
		{1795348992, "2026-11-22T12:03:12.000Z"},
		{statuspage.MaxTimestamp, "9999-12-31T23:59:59.000Z"},
	} {
		if got := ISOTime(tt.at); got != tt.want {
			t.Errorf("ISOTime(%d) = %s, want %s", tt.at, got, tt.want)
		}
	}
}

func TestClean(t *testing.T) {
	for _, tt := range []struct {
		path string
		want bool
	}{
		{"/", true}, {"/a", true}, {"/a/", true}, {"/a/b", true}, {"/...", true}, {"/a.b", true}, {"/%2e%2e", true}, {"/ /", true},
		{"//", false}, {"//a", false}, {"/a//b", false}, {"/a//", false}, {"/.", false}, {"/..", false}, {"/a/../b", false}, {"/a/.", false}, {"/./", false},
	} {
		if got := clean(tt.path); got != tt.want {
			t.Errorf("clean(%q) = %t, want %t", tt.path, got, tt.want)
		}
	}
}
