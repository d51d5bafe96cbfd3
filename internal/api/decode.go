package api

import (
	"bytes"
	"encoding/json"
	"math"
	"net/url"
	"strconv"
	"strings"

	"tocsin/internal/opt"
	"tocsin/internal/statuspage"
)

// The messages for requests that can't be right (contract v4). Those with a
// field's name in them are made where they are used.
var (
	errBody           = bad("Invalid JSON body")
	errIncidentID     = bad("Incident ID must be a valid integer")
	errCommentID      = bad("Comment ID must be a valid integer")
	errKeyID          = bad("Key ID must be a valid integer")
	errIdempotencyKey = bad("Idempotency-Key must be 1 to 255 visible characters")
	errBadCursor      = bad("Invalid cursor")
	errLimit          = bad("limit must be an integer between 1 and 1000")
	errStatusFilter   = bad("status must be open or closed")
	errTooManyTags    = bad("At most 50 tags")
	errTitleRequired  = bad("Title is required and must be a non-empty string")
	errTitleEmpty     = bad("Title must be a non-empty string")
	errTitleLong      = bad("Title must be at most 255 characters")
	errStartRequired  = bad("start_date_time is required")
	errMonitors       = bad("monitors must be an array")
	errMonitorTag     = bad("Each monitor must have a valid monitor_tag")
	errTooManyLinks   = bad("At most %d monitors", statuspage.MaxIncidentMonitors)
	errAutoClose      = bad("auto_close_after must be an integer between 3600 and 31536000, or null")
	errTextRequired   = bad("comment is required and must be a non-empty string")
	errTextEmpty      = bad("comment must be a non-empty string")
	errTextLong       = bad("comment must be at most 65536 characters")
	errStateRequired  = bad("state is required")
	errState          = bad("state must be one of: INVESTIGATING, IDENTIFIED, MONITORING, RESOLVED")
	errTagRequired    = bad("Tag is required and must be a non-empty string")
	errTagForm        = bad("Tag must be URL-friendly: only lowercase letters, numbers, hyphens, and underscores. Must start and end with a letter or number.")
	errTagLong        = bad("Tag must be at most 256 characters")
	errNameRequired   = bad("Name is required and must be a non-empty string")
	errNameEmpty      = bad("Name must be a non-empty string")
	errNameLong       = bad("Name must be at most 255 characters")
	errConfirmMinutes = bad("confirmation_threshold must be an integer between 1 and 60")
	errScopes         = bad("scopes must be a non-empty array")
	errExpiryPast     = bad("expires_at must be in the future")
	errRangeQuery     = bad("Both start_ts and end_ts query parameters are required")
	errRangeIntegers  = bad("start_ts and end_ts must be valid integers (UTC timestamps in seconds)")
	errRangeOrder     = bad("start_ts must be less than end_ts")
	errRangeRequired  = bad("start_ts and end_ts are required")
	errRangeNumbers   = bad("start_ts and end_ts must be numbers (UTC timestamps in seconds)")
	errRangeLong      = bad("The range must be at most 366 days")
	errRangeStatus    = bad("status is required and must be one of: UP, DOWN, DEGRADED")
	errRangeLatency   = bad("latency is required and must be a non-negative number")
	errDeviation      = bad("deviation must be a non-negative number")
	errPointTimestamp = bad("Timestamp must be a valid integer (UTC timestamp in seconds)")
	errPointStatus    = bad("status must be one of: UP, DOWN, DEGRADED")
	errPointLatency   = bad("latency must be a non-negative number")
	errPoints         = bad("points must be a non-empty array")
	errTooManyPoints  = bad("At most 100 points")
	errPointObject    = bad("Each point must be an object")
	errPointTag       = bad("monitor_tag must be a non-empty string")
	errPointFuture    = bad("timestamp must not be in the future")
	errPointOld       = bad("timestamp must not be older than 90 days")
	errDays           = bad("days must be an integer between 1 and 366")

	errRuleID             = bad("Alert rule ID must be a valid integer")
	errAlertID            = bad("Alert ID must be a valid integer")
	errAlertForRequired   = bad("alert_for is required and must be one of: STATUS, LATENCY, UPTIME, NO_DATA")
	errAlertFor           = bad("alert_for must be one of: STATUS, LATENCY, UPTIME, NO_DATA")
	errAlertValueRequired = bad("alert_value is required")
	errAlertValue         = bad("alert_value must be a string or a number")
	errRuleTags           = bad("monitor_tags must be a non-empty array")
	errRuleTag            = bad("Each monitor tag must be a non-empty string")
	errTooManyRuleTags    = bad("At most %d monitors", statuspage.MaxRuleMonitors)
	errSeverity           = bad("severity must be one of: CRITICAL, WARNING")
	errRuleDescription    = bad("description must be at most %d characters", statuspage.MaxRuleDescription)
	errAlertState         = bad("alert_status must be one of: TRIGGERED, RESOLVED")
	errRuleFilter         = bad("alert_rule_id must be a valid id")
)

func bad(format string, args ...any) error { return statuspage.Invalid(format, args...) }

// fields is a JSON object whose values are not decoded yet. The edge looks at the
// kind of each value itself: its messages must not depend on what encoding/json
// happens to say.
type fields map[string]json.RawMessage

// decodeBody returns the fields of a body that is a JSON object; anything else is
// an error. A byte-order mark is passed over, and invalid UTF-8 becomes U+FFFD.
func decodeBody(body []byte) (fields, error) {
	text := []byte(statuspage.ValidText(string(bytes.TrimPrefix(body, []byte("\ufeff")))))
	return decodeObject(text)
}

func decodeObject(raw []byte) (fields, error) {
	// null would decode into a map without complaint.
	if kindOf(raw) != kindObject {
		return nil, errBody
	}
	var f fields
	if err := json.Unmarshal(raw, &f); err != nil {
		return nil, errBody
	}
	return f, nil
}

// kind is what a JSON value is.
type kind int

const (
	kindAbsent kind = iota
	kindNull
	kindBool
	kindNumber
	kindString
	kindArray
	kindObject
)

func kindOf(raw []byte) kind {
	raw = bytes.TrimLeft(raw, " \t\r\n")
	if len(raw) == 0 {
		return kindAbsent
	}
	switch raw[0] {
	case 'n':
		return kindNull
	case 't', 'f':
		return kindBool
	case '"':
		return kindString
	case '[':
		return kindArray
	case '{':
		return kindObject
	}
	return kindNumber
}

func (f fields) kind(name string) kind { return kindOf(f[name]) }

// text returns the string called name, or false when it is no string.
func (f fields) text(name string) (string, bool) {
	if f.kind(name) != kindString {
		return "", false
	}
	return decodeString(f[name]), true
}

func decodeString(raw json.RawMessage) string {
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		panic("api: a value of a decoded object is not valid JSON: " + err.Error())
	}
	return s
}

// trimmed returns the string called name without the white space around it, which
// must leave something: empty and tooLong are the errors for what it is not.
func (f fields) trimmed(name string, max int, empty, tooLong error) (string, error) {
	s, _ := f.text(name)
	s = statuspage.TrimBlank(s)
	if s == "" {
		return "", empty
	}
	if statuspage.Length(s) > max {
		return "", tooLong
	}
	return s, nil
}

// timestamp returns the UTC seconds called name, floored to the minute (contract
// v4, part A, Fields).
func (f fields) timestamp(name string) (int64, error) {
	t, err := f.seconds(name)
	return statuspage.FloorMinute(t), err
}

// seconds returns the UTC seconds called name without their fraction.
func (f fields) seconds(name string) (int64, error) {
	if f.kind(name) == kindNumber {
		// A number out of the range of a float64 comes back as infinity.
		n, _ := strconv.ParseFloat(string(f[name]), 64)
		if n >= 0 && n <= statuspage.MaxTimestamp {
			return int64(n), nil
		}
	}
	return 0, errTimestamp(name)
}

func errTimestamp(name string) error { return bad("%s must be a valid timestamp (UTC seconds)", name) }

// optTimestamp is timestamp for a field of a partial update that can't be null.
func (f fields) optTimestamp(name string) (opt.Field[int64], error) {
	if f.kind(name) == kindAbsent {
		return opt.Field[int64]{}, nil
	}
	t, err := f.timestamp(name)
	return opt.Value(t), err
}

// nullableTimestamp is timestamp for a field that can be null.
func (f fields) nullableTimestamp(name string) (opt.Field[int64], error) {
	if f.kind(name) == kindNull {
		return opt.Null[int64](), nil
	}
	return f.optTimestamp(name)
}

// array returns the elements of the array called name; notArray is the error for
// anything else.
func (f fields) array(name string, notArray error) ([]json.RawMessage, error) {
	if f.kind(name) != kindArray {
		return nil, notArray
	}
	var elements []json.RawMessage
	if err := json.Unmarshal(f[name], &elements); err != nil {
		return nil, errBody
	}
	return elements, nil
}

// links returns the monitors that an incident is to be linked to, each tag once.
func (f fields) links() (opt.Field[[]statuspage.MonitorImpact], error) {
	var none opt.Field[[]statuspage.MonitorImpact]
	if f.kind("monitors") == kindAbsent {
		return none, nil
	}
	elements, err := f.array("monitors", errMonitors)
	if err != nil {
		return none, err
	}
	var links []statuspage.MonitorImpact
	for _, raw := range elements {
		link, err := decodeLink(raw)
		if err != nil {
			return none, err
		}
		links = append(links, link)
	}
	links = statuspage.UniqueImpacts(links)
	if len(links) > statuspage.MaxIncidentMonitors {
		return none, errTooManyLinks
	}
	return opt.Value(links), nil
}

func decodeLink(raw json.RawMessage) (statuspage.MonitorImpact, error) {
	element, err := decodeObject(raw)
	if err != nil {
		return statuspage.MonitorImpact{}, errMonitorTag
	}
	tag, _ := element.text("monitor_tag")
	if tag == "" {
		return statuspage.MonitorImpact{}, errMonitorTag
	}
	link := statuspage.MonitorImpact{Tag: tag, Impact: statuspage.Down}
	switch element.kind("impact") {
	case kindAbsent, kindNull:
		return link, nil
	case kindString:
		link.Impact = statuspage.Impact(decodeString(element["impact"]))
		if statuspage.ValidImpact(link.Impact) {
			return link, nil
		}
		return link, errImpact(string(link.Impact))
	}
	return link, errImpact(string(element["impact"]))
}

func errImpact(impact string) error {
	return bad("Invalid impact '%s'. Must be one of: UP, DOWN, DEGRADED", impact)
}

// autoClose returns after how many seconds an incident is to be closed
// automatically, or null.
func (f fields) autoClose() (opt.Field[int64], error) {
	const name = "auto_close_after"
	switch f.kind(name) {
	case kindAbsent:
		return opt.Field[int64]{}, nil
	case kindNull:
		return opt.Null[int64](), nil
	case kindNumber:
		n, _ := strconv.ParseFloat(string(f[name]), 64)
		if n == math.Trunc(n) && n >= statuspage.MinAutoClose && n <= statuspage.MaxAutoClose {
			return opt.Value(int64(n)), nil
		}
	}
	return opt.Field[int64]{}, errAutoClose
}

// nullableText returns a text of a monitor that can be null.
func (f fields) nullableText(name string) (opt.Field[string], error) {
	switch f.kind(name) {
	case kindAbsent:
		return opt.Field[string]{}, nil
	case kindNull:
		return opt.Null[string](), nil
	case kindString:
		return opt.Value(decodeString(f[name])), nil
	}
	return opt.Field[string]{}, bad("%s must be a string", name)
}

// object returns a JSON object of a monitor that can be null, compact and with each
// of its keys once.
func (f fields) object(name string) (opt.Field[statuspage.JSONObject], error) {
	switch f.kind(name) {
	case kindAbsent:
		return opt.Field[statuspage.JSONObject]{}, nil
	case kindNull:
		return opt.Null[statuspage.JSONObject](), nil
	case kindObject:
		if depth(f[name]) > maxDepth {
			return opt.Field[statuspage.JSONObject]{}, bad("%s must be nested at most %d levels deep", name, maxDepth)
		}
		var b bytes.Buffer
		if err := json.Compact(&b, f[name]); err != nil {
			return opt.Field[statuspage.JSONObject]{}, errBody
		}
		return opt.Value(statuspage.JSONObject("").Merge(statuspage.JSONObject(b.String()))), nil
	}
	return opt.Field[statuspage.JSONObject]{}, bad("%s must be an object", name)
}

// maxDepth is how deep a JSON object that is kept may be nested. It is given back to
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

// threshold returns a monitor's confirmation threshold: a whole number from 1 to
// 60, or true or a decimal string that ECMAScript's Number makes one of; null is 1
// (contract v4, section 4).
func (f fields) threshold() (opt.Field[int64], error) {
	const name = "confirmation_threshold"
	n := math.NaN()
	switch f.kind(name) {
	case kindAbsent:
		return opt.Field[int64]{}, nil
	case kindNull:
		n = statuspage.DefaultThreshold
	case kindBool, kindNumber:
		n = ecmaNumberOf(f[name])
	case kindString:
		n = ecmaDecimal(decodeString(f[name]))
	}
	if n != math.Trunc(n) || n < 1 || n > statuspage.MaxThreshold {
		return opt.Field[int64]{}, errConfirmMinutes
	}
	return opt.Value(int64(n)), nil
}

// pathID is an id in a path.
type pathID struct {
	n    int64  // 0 for one that no record can have
	text string // as messages show it
}

// exists reports whether a record can have the id.
func (id pathID) exists() bool { return statuspage.ValidID(id.n) }

// parseID reads an id: ASCII digits, leading zeros dropped. Digits too large and
// negative ones are ids that nothing has, shown as ECMAScript prints the number;
// anything else is notID (contract v4, part A, Requests).
func parseID(segment string, notID error) (pathID, error) {
	digits := strings.TrimPrefix(segment, "-")
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return pathID{}, notID
	}
	n, err := strconv.ParseInt(segment, 10, 64)
	if err == nil && n >= -statuspage.MaxID && n <= statuspage.MaxID {
		return pathID{max(n, 0), strconv.FormatInt(n, 10)}, nil
	}
	f, _ := strconv.ParseFloat(segment, 64) // infinity when out of range
	return pathID{0, ecmaNumberText(f)}, nil
}

// query is the request's parameters; of a repeated one the first counts.
type query struct{ url.Values }

// queryOf reads the query. What can't be decoded stays as it was sent, and a
// semicolon is a character like any other: url.ParseQuery leaves such parameters
// out, and a filter that is left out shows what nobody asked for.
func queryOf(r *request) query {
	values := url.Values{}
	for pair := range strings.SplitSeq(r.URL.RawQuery, "&") {
		if pair != "" {
			name, value, _ := strings.Cut(pair, "=")
			values.Add(unescape(name), unescape(value))
		}
	}
	return query{values}
}

func unescape(s string) string {
	if decoded, err := url.QueryUnescape(s); err == nil {
		return decoded
	}
	return s
}

// timestamp returns a bound given in UTC seconds. An empty one is none, and so is
// 0, as in the original.
func (q query) timestamp(name string) (t int64, given bool, err error) {
	s := q.Get(name)
	if s == "" {
		return 0, false, nil
	}
	whole, fraction, dot := strings.Cut(s, ".")
	if whole == "" || strings.Trim(whole+fraction, "0123456789") != "" || dot && fraction == "" {
		return 0, false, errTimestamp(name)
	}
	t, parseErr := strconv.ParseInt(whole, 10, 64)
	if parseErr != nil || t > statuspage.MaxTimestamp {
		return 0, false, errTimestamp(name)
	}
	return t, t != 0, nil
}

const (
	defaultLimit = 1000
	maxLimit     = 1000
)

func (q query) limit() (int, error) {
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

// cursor returns the numbers of a cursor of the kind, nil when none is given.
func (q query) cursor(kind string, count int) ([]int64, error) {
	s := q.Get("cursor")
	if s == "" {
		return nil, nil
	}
	return decodeCursor(s, kind, count)
}

// idCursor is cursor for a list in the order of its ids: the id after which the page
// starts, 0 when none is given.
func (q query) idCursor(kind string) (int64, error) {
	after, err := q.cursor(kind, 1)
	if err != nil || after == nil {
		return 0, err
	}
	if !statuspage.ValidID(after[0]) {
		return 0, errBadCursor
	}
	return after[0], nil
}

// tags returns the tags of a filter: nil when there is none, and an empty list,
// which nothing matches, when it names none.
func (q query) tags(name string) ([]string, error) {
	s := q.Get(name)
	if s == "" {
		return nil, nil
	}
	tags := []string{}
	for t := range strings.SplitSeq(s, ",") {
		if t = statuspage.TrimBlank(t); t != "" {
			tags = append(tags, t)
		}
	}
	if len(tags) > statuspage.MaxFilterTags {
		return nil, errTooManyTags
	}
	return tags, nil
}

// open returns the filter by status: nil when there is none.
func (q query) open() (*bool, error) {
	switch strings.ToLower(q.Get("status")) {
	case "":
		return nil, nil
	case "open":
		return new(true), nil
	case "closed":
		return new(false), nil
	}
	return nil, errStatusFilter
}
