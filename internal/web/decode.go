package web

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"

	"tocsin/internal/opt"
	"tocsin/internal/statuspage"
)

// The messages for requests that can't be right, whatever they are about (docs/api.md, Bodies and paths).
var (
	ErrBody      = statuspage.Invalid("Invalid JSON body")
	ErrBadCursor = statuspage.Invalid("Invalid cursor")
	errLimit     = statuspage.Invalid("limit must be an integer between 1 and 1000")
)

// Fields is a JSON object whose values are not decoded yet. The edge looks at the
// kind of each value itself: its messages must not depend on what encoding/json
// happens to say.
type Fields map[string]json.RawMessage

// DecodeBody returns the fields of a body that is a JSON object; anything else is
// an error. A byte-order mark is passed over, and invalid UTF-8 becomes U+FFFD.
func DecodeBody(body []byte) (Fields, error) {
	text := []byte(statuspage.ValidText(string(bytes.TrimPrefix(body, []byte("\ufeff")))))
	return DecodeObject(text)
}

// DecodeObject is DecodeBody for a part of a body.
func DecodeObject(raw []byte) (Fields, error) {
	// null would decode into a map without complaint.
	if KindOf(raw) != KindObject {
		return nil, ErrBody
	}
	var f Fields
	if err := json.Unmarshal(raw, &f); err != nil {
		return nil, ErrBody
	}
	return f, nil
}

// Kind is what a JSON value is.
type Kind int

// The kinds of JSON values.
const (
	KindAbsent Kind = iota
	KindNull
	KindBool
	KindNumber
	KindString
	KindArray
	KindObject
)

// KindOf returns the kind of a JSON value by how it begins.
func KindOf(raw []byte) Kind {
	raw = bytes.TrimLeft(raw, " \t\r\n")
	if len(raw) == 0 {
		return KindAbsent
	}
	switch raw[0] {
	case 'n':
		return KindNull
	case 't', 'f':
		return KindBool
	case '"':
		return KindString
	case '[':
		return KindArray
	case '{':
		return KindObject
	}
	return KindNumber
}

// Kind returns the kind of the value called name.
func (f Fields) Kind(name string) Kind { return KindOf(f[name]) }

// Text returns the string called name, or false when it is no string.
func (f Fields) Text(name string) (string, bool) {
	if f.Kind(name) != KindString {
		return "", false
	}
	return DecodeString(f[name]), true
}

// DecodeString returns the text of a JSON string that is a part of a decoded body.
func DecodeString(raw json.RawMessage) string {
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		panic("web: a value of a decoded object is not valid JSON: " + err.Error())
	}
	return s
}

// Float returns the number called name, or false when it is none. One out of the range of
// a float64 is infinity.
func (f Fields) Float(name string) (float64, bool) {
	if f.Kind(name) != KindNumber {
		return 0, false
	}
	n, _ := strconv.ParseFloat(string(f[name]), 64)
	return n, true
}

// Trimmed returns the string called name without the white space around it, which
// must leave something: empty and tooLong are the errors for what it is not.
func (f Fields) Trimmed(name string, max int, empty, tooLong error) (string, error) {
	s, _ := f.Text(name)
	s = statuspage.TrimBlank(s)
	if s == "" {
		return "", empty
	}
	if statuspage.Length(s) > max {
		return "", tooLong
	}
	return s, nil
}

// Timestamp returns the UTC seconds called name, floored to the minute (docs/api.md, Bodies and paths).
func (f Fields) Timestamp(name string) (int64, error) {
	t, err := f.Seconds(name)
	return statuspage.FloorMinute(t), err
}

// Seconds returns the UTC seconds called name without their fraction.
func (f Fields) Seconds(name string) (int64, error) {
	n, ok := f.Float(name)
	if !ok || n < 0 || n > statuspage.MaxTimestamp {
		return 0, ErrTimestamp(name)
	}
	return int64(n), nil
}

// ErrTimestamp says that what is called name is no timestamp.
func ErrTimestamp(name string) error {
	return statuspage.Invalid("%s must be a valid timestamp (UTC seconds)", name)
}

// OptTimestamp is Timestamp for a field of a partial update that can't be null.
func (f Fields) OptTimestamp(name string) (opt.Field[int64], error) {
	if f.Kind(name) == KindAbsent {
		return opt.Field[int64]{}, nil
	}
	t, err := f.Timestamp(name)
	return opt.Value(t), err
}

// NullableTimestamp is Timestamp for a field that can be null.
func (f Fields) NullableTimestamp(name string) (opt.Field[int64], error) {
	if f.Kind(name) == KindNull {
		return opt.Null[int64](), nil
	}
	return f.OptTimestamp(name)
}

// Array returns the elements of the array called name; notArray is the error for
// anything else.
func (f Fields) Array(name string, notArray error) ([]json.RawMessage, error) {
	if f.Kind(name) != KindArray {
		return nil, notArray
	}
	var elements []json.RawMessage
	if err := json.Unmarshal(f[name], &elements); err != nil {
		return nil, ErrBody
	}
	return elements, nil
}

// Boolean returns a field that is true or false.
func (f Fields) Boolean(name string) (opt.Field[bool], error) {
	switch f.Kind(name) {
	case KindAbsent:
		return opt.Field[bool]{}, nil
	case KindBool:
		return opt.Value(string(f[name]) == "true"), nil
	}
	return opt.Field[bool]{}, statuspage.Invalid("%s must be a boolean", name)
}

// NullableText returns a text that can be null.
func (f Fields) NullableText(name string) (opt.Field[string], error) {
	switch f.Kind(name) {
	case KindAbsent:
		return opt.Field[string]{}, nil
	case KindNull:
		return opt.Null[string](), nil
	case KindString:
		return opt.Value(DecodeString(f[name])), nil
	}
	return opt.Field[string]{}, statuspage.Invalid("%s must be a string", name)
}

// Object returns a JSON object that can be null, compact and with each
// of its keys once.
func (f Fields) Object(name string) (opt.Field[statuspage.JSONObject], error) {
	switch f.Kind(name) {
	case KindAbsent:
		return opt.Field[statuspage.JSONObject]{}, nil
	case KindNull:
		return opt.Null[statuspage.JSONObject](), nil
	case KindObject:
		raw, err := f.JSON(name)
		if err != nil {
			return opt.Field[statuspage.JSONObject]{}, err
		}
		return opt.Value(statuspage.JSONObject("").Merge(statuspage.JSONObject(raw))), nil
	}
	return opt.Field[statuspage.JSONObject]{}, statuspage.Invalid("%s must be an object", name)
}

// JSON returns the value called name, which is there, compact.
func (f Fields) JSON(name string) (json.RawMessage, error) {
	if depth(f[name]) > maxDepth {
		return nil, statuspage.Invalid("%s must be nested at most %d levels deep", name, maxDepth)
	}
	var b bytes.Buffer
	if err := json.Compact(&b, f[name]); err != nil {
		return nil, ErrBody
	}
	return b.Bytes(), nil
}

// maxDepth is how deep a JSON value that is kept may be nested. It is given back to
// every client, and some can read no more than a few hundred levels.
const maxDepth = 100

// depth counts the levels of nesting of valid JSON.
func depth(raw []byte) int {
	level, deepest, quoted := 0, 0, false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			level++
			deepest = max(deepest, level)
		case c == '}' || c == ']':
			level--
		}
	}
	return deepest
}

// A PathID is an id in a path.
type PathID struct {
	N    int64  // 0 for one that no record can have
	Text string // as messages show it
}

// Exists reports whether a record can have the id.
func (id PathID) Exists() bool { return statuspage.ValidID(id.N) }

// ParseID reads an id: ASCII digits, leading zeros dropped. Digits too large and
// negative ones are ids that nothing has, shown as ECMAScript prints the number;
// anything else is notID (docs/api.md, Bodies and paths).
func ParseID(segment string, notID error) (PathID, error) {
	digits := strings.TrimPrefix(segment, "-")
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return PathID{}, notID
	}
	n, err := strconv.ParseInt(segment, 10, 64)
	if err == nil && n >= -statuspage.MaxID && n <= statuspage.MaxID {
		return PathID{max(n, 0), strconv.FormatInt(n, 10)}, nil
	}
	f, _ := strconv.ParseFloat(segment, 64) // infinity when out of range
	return PathID{0, ecmaNumberText(f)}, nil
}

// Query is the request's parameters; of a repeated one the first counts.
type Query struct{ url.Values }

// Query returns the parameters. What can't be decoded stays as it was sent, and a
// semicolon is a character like any other: url.ParseQuery leaves such parameters
// out, and a filter that is left out shows what nobody asked for.
func (r *Request) Query() Query {
	values := url.Values{}
	for pair := range strings.SplitSeq(r.URL.RawQuery, "&") {
		if pair != "" {
			name, value, _ := strings.Cut(pair, "=")
			values.Add(unescape(name), unescape(value))
		}
	}
	return Query{values}
}

func unescape(s string) string {
	if decoded, err := url.QueryUnescape(s); err == nil {
		return decoded
	}
	return s
}

// Timestamp returns a bound given in UTC seconds. An empty one is none, and so is
// 0, as in Kener.
func (q Query) Timestamp(name string) (t int64, given bool, err error) {
	s := q.Get(name)
	if s == "" {
		return 0, false, nil
	}
	whole, fraction, dot := strings.Cut(s, ".")
	if whole == "" || strings.Trim(whole+fraction, "0123456789") != "" || dot && fraction == "" {
		return 0, false, ErrTimestamp(name)
	}
	t, parseErr := strconv.ParseInt(whole, 10, 64)
	if parseErr != nil || t > statuspage.MaxTimestamp {
		return 0, false, ErrTimestamp(name)
	}
	return t, t != 0, nil
}

const (
	defaultLimit = 1000
	maxLimit     = 1000
)

// Limit returns how many records a page may have.
func (q Query) Limit() (int, error) {
	s := q.Get("limit")
	if s == "" {
		return defaultLimit, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > maxLimit || s[0] == '+' {
		return 0, errLimit
	}
	return n, nil
}

// Cursor returns the numbers of a cursor of the kind, nil when none is given.
func (q Query) Cursor(kind string, count int) ([]int64, error) {
	s := q.Get("cursor")
	if s == "" {
		return nil, nil
	}
	return DecodeCursor(s, kind, count)
}

// TimeCursor is Cursor for a list in the order of times and ids: the place after which the
// page starts, id 0 when none is given.
func (q Query) TimeCursor(kind string) (at, id int64, err error) {
	after, err := q.Cursor(kind, 2)
	if err != nil || after == nil {
		return 0, 0, err
	}
	if after[0] > statuspage.MaxTimestamp || !statuspage.ValidID(after[1]) {
		return 0, 0, ErrBadCursor
	}
	return after[0], after[1], nil
}

// Page returns the limit and the IDCursor.
func (q Query) Page(kind string) (limit int, after int64, err error) {
	if limit, err = q.Limit(); err != nil {
		return 0, 0, err
	}
	after, err = q.IDCursor(kind)
	return limit, after, err
}

// IDCursor is Cursor for a list in the order of its ids: the id after which the page
// starts, 0 when none is given.
func (q Query) IDCursor(kind string) (int64, error) {
	after, err := q.Cursor(kind, 1)
	if err != nil || after == nil {
		return 0, err
	}
	if !statuspage.ValidID(after[0]) {
		return 0, ErrBadCursor
	}
	return after[0], nil
}
