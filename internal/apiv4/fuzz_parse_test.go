package apiv4

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"tocsin/internal/statuspage"
	"tocsin/internal/web"
)

// The targets in this file give the parsers any text, without a service around them.
// What is whole requests is in the other files.

// refusal makes sure that the error is one that the client is told of, in words.
func refusal(t *testing.T, err error) {
	t.Helper()
	e, ok := errors.AsType[*statuspage.Error](err)
	if !ok || e.Code != statuspage.CodeBadRequest || strings.TrimSpace(e.Message) == "" {
		t.Errorf("refused with %#v", err)
	}
}

// FuzzID reads any segment as an id. It is one when it is digits; then it is the number
// that the digits say, or nothing's, and is shown as that number.
func FuzzID(f *testing.F) {
	for _, segment := range []string{
		"1", "0", "-1", "-0", "--1", "-", "+1", "007", "0000000000000000000000004", "1.0", "1e0", "1 ", " 1", "1\n", "1abc", "0x1", "", ".", "1_0",
		"9007199254740991", "9007199254740992", "-9007199254740992", "9223372036854775807", "9223372036854775808", "-9223372036854775809", "1000000000000000000000", strings.Repeat("9", 308), strings.Repeat("9", 400),
		"%31", "é", "１", "١", "\x00", "\xff", "NaN", "Infinity",
	} {
		f.Add(segment)
	}
	digits := regexp.MustCompile(`^-?[0-9]+$`)
	f.Fuzz(func(t *testing.T, segment string) {
		id, err := web.ParseID(segment, errCommentID)
		if err != nil {
			if err != errCommentID || digits.MatchString(segment) || id != (web.PathID{}) {
				t.Errorf("%q is %+v, %v", segment, id, err)
			}
			return
		}
		if !digits.MatchString(segment) {
			t.Fatalf("%q is the id %+v", segment, id)
		}
		n, _ := new(big.Int).SetString(segment, 10)
		if exact := n.CmpAbs(big.NewInt(statuspage.MaxID)) <= 0; exact {
			if want := (web.PathID{N: max(n.Int64(), 0), Text: n.String()}); id != want {
				t.Errorf("%q is %+v, want %+v", segment, id, want)
			}
		} else if id.Exists() || id.N != 0 {
			t.Errorf("%q is %+v, which may exist", segment, id)
		}
		shown, err := strconv.ParseFloat(id.Text, 64)
		if number, _ := strconv.ParseFloat(segment, 64); err != nil || shown != number {
			t.Errorf("%q is shown as %q", segment, id.Text)
		}
	})
}

// FuzzQuery reads any query, and a parameter with any value in front of it, which is
// the one that counts. What is read is within its limits, or is refused.
func FuzzQuery(f *testing.F) {
	for _, query := range []string{
		"", "?", "&&&", "=", "%", "a=%zz", "limit=1", "limit=1&limit=x", "limit=&limit=x", "limit=%2B1", "start_ts=0&end_ts=0", "start_ts=601&end_ts=600", "monitor_tags=earth,mars", "monitor_tags=,",
		"monitor_tags=%20earth%C2%A0", "status=CLOSED", "cursor=aS42MDAuMQ", "limit=2&cursor=aS42MDAuNA&monitor_tags=earth&status=open", "a=1;b=2", "ü=ü#x y\x00", "%6cimit=1", "%=1&%zz=2",
	} {
		f.Add(query, uint8(0), "1")
	}
	names := []string{"limit", "start_ts", "end_ts", "monitor_tags", "status", "cursor"}
	for n, values := range [][]string{
		{"", "0", "1", "1000", "1001", "+1", "-1", "0001", "1e1", "1_0", "١", strings.Repeat("9", 40)},
		{"", "0", "0.0", "1.5", "1.", ".5", "-1", "1e308", "253402300799", "253402300800", strings.Repeat("0", 40) + "600", strings.Repeat("9", 40), "1.5.5"},
		{"60", "599.9"},
		{",", " ,\t", "a,b,a", " a\u00a0,b", strings.Repeat("a,", 50), strings.Repeat("a,", 51), "\x00", "\xff"},
		{"open", "CLOSED", "cloſed", "x"},
		{"aS42MDAuMQ", "aS42MDAuMQ=", "Yy42MDAuMQ", "!"},
	} {
		for _, value := range values {
			f.Add("", uint8(n), value)
		}
	}
	limit, bound := regexp.MustCompile(`^0*([1-9][0-9]{0,2}|1000)$`), regexp.MustCompile(`^([0-9]+)(\.[0-9]+)?$`)
	f.Fuzz(func(t *testing.T, raw string, n uint8, value string) {
		name := names[int(n)%len(names)]
		raw = name + "=" + url.QueryEscape(value) + "&" + raw
		q := (&web.Request{Request: &http.Request{URL: &url.URL{RawQuery: raw}}}).Query()
		if got := q.Get(name); got != value {
			t.Fatalf("%s of %q is %q, want %q", name, raw, got, value)
		}
		list, err := incidentQuery(q)
		if err != nil {
			refusal(t, err)
		} else if list.Limit < 1 || list.Limit > 1000 || list.From < 0 || list.From > statuspage.MaxTimestamp || list.To < 1 || list.To > statuspage.MaxTimestamp || len(list.Tags) > 50 {
			t.Errorf("%q is read as %+v", raw, list)
		}
		var valid, same bool // whether the value is one, and whether it was read as what it is
		switch name {
		case "limit":
			got, err := q.Limit()
			n, _ := strconv.Atoi(value)
			valid, same = limit.MatchString(value), err == nil && got == n
			if value == "" {
				valid, same = true, err == nil && got == 1000
			}
		case "start_ts", "end_ts":
			at, given, err := q.Timestamp(name)
			form, whole := bound.FindStringSubmatch(value), new(big.Int)
			if form != nil {
				whole.SetString(form[1], 10)
			}
			valid = value == "" || form != nil && whole.Cmp(big.NewInt(statuspage.MaxTimestamp)) <= 0
			same = err == nil && given == (whole.Sign() > 0) && (!given || at == whole.Int64())
		case "monitor_tags":
			tags, err := filterTags(q, name)
			var want []string
			for tag := range strings.SplitSeq(value, ",") {
				if tag = statuspage.TrimBlank(tag); tag != "" {
					want = append(want, tag)
				}
			}
			valid, same = len(want) <= 50, err == nil && slices.Equal(tags, want) && (tags == nil) == (value == "")
		case "status":
			open, err := filterOpen(q)
			lower := strings.ToLower(value)
			valid = value == "" || lower == "open" || lower == "closed"
			same = err == nil && (open == nil) == (value == "") && (open == nil || *open == (lower == "open"))
		case "cursor":
			numbers, err := q.Cursor(incidentCursor, 2)
			valid = value == "" || err == nil && web.EncodeCursor(incidentCursor, numbers...) == value
			same = err == nil && (numbers == nil) == (value == "")
		}
		if valid != same {
			t.Errorf("%s=%q: valid %t, but read as such %t", name, value, valid, same)
		}
	})
}

// FuzzCursor reads any text as a cursor, and any numbers as the place of one. A text is
// a cursor when it is what its own place is written as.
func FuzzCursor(f *testing.F) {
	for _, cursor := range []string{"", "!", "=", "aS42MDAuNA", "aS42MDAuNA==", "aS42MDAuNA\n", " aS42MDAuNA", "aS42MDAuNB", "Yy42MDAuNA", "bS4y", "aS4wMS4x", "aS4rMS4x", "aS4tMS4x", "aS4xLjEuMQ", "aS4x", "aQ", "\xff", strings.Repeat("a", 5000)} {
		f.Add(cursor, int64(600), int64(4))
	}
	f.Add("", int64(statuspage.MaxTimestamp), int64(statuspage.MaxID))
	f.Add("", int64(statuspage.MaxID)+1, int64(0))
	f.Add("", int64(-1), int64(math.MinInt64))
	forms := map[string]int{incidentCursor: 2, commentCursor: 2, monitorCursor: 1}
	f.Fuzz(func(t *testing.T, cursor string, first, second int64) {
		kinds := 0
		for kind, count := range forms {
			numbers, err := web.DecodeCursor(cursor, kind, count)
			if err != nil {
				refusal(t, err)
			} else if kinds++; web.EncodeCursor(kind, numbers...) != cursor {
				t.Errorf("%q is read as %s %v, which is %q", cursor, kind, numbers, web.EncodeCursor(kind, numbers...))
			}
			place := []int64{first, second}[:count]
			sent := web.EncodeCursor(kind, place...)
			valid := !slices.ContainsFunc(place, func(n int64) bool { return n < 0 || n > statuspage.MaxID })
			if got, err := web.DecodeCursor(sent, kind, count); (err == nil) != valid || valid && !slices.Equal(got, place) {
				t.Errorf("%s %v is %q, which is read as %v, %v", kind, place, sent, got, err)
			}
			if strings.Trim(sent, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
				t.Errorf("%q must be escaped in a query", sent)
			}
		}
		if kinds > 1 {
			t.Errorf("%q is a cursor of %d kinds of list", cursor, kinds)
		}
	})
}

// FuzzBody reads any bytes as the body of every kind of record. What is read is what a
// plain JSON decoder finds there, within the limits, or the body is refused.
func FuzzBody(f *testing.F) {
	for _, body := range []string{
		"", " ", "null", "true", "0", `""`, "[]", "{}", " {} ", "{", "{}{}", `{"title"`, "\ufeff{}", "\ufeff\ufeff{}", "{\"title\":\"\xff\"}", `{"title":"\ud800 \ud83d\udd25 \u0000"}`, `{"title":"a","title":"b","TITLE":"c"}`,
		`{"title":" a ","start_date_time":0,"end_date_time":null,"monitors":[{"monitor_tag":"earth"},{"monitor_tag":"mars","impact":"UP"},{"monitor_tag":"earth","impact":"MAINTENANCE"}]}`,
		`{"start_date_time":253402300799,"end_date_time":59.999999,"timestamp":-0}`, `{"start_date_time":253402300799.5,"end_date_time":1e400,"timestamp":"0"}`, `{"start_date_time":17e8,"end_date_time":1700000000000,"timestamp":-1}`,
		`{"monitors":[{}]}`, `{"monitors":{}}`, `{"monitors":[null]}`, `{"monitors":[{"monitor_tag":"a","impact":"x"}]}`, `{"monitors":[{"monitor_tag":"a","impact":5}]}`, `{"monitors":[{"monitor_tag":"a","impact":null}]}`, `{"monitors":[]}`,
		`{"comment":"c","state":"RESOLVED","timestamp":null}`, `{"comment":"\u00a0","state":"resolved"}`, `{"comment":5,"state":["RESOLVED"]}`,
		`{"tag":" a-b_c ","name":"n","description":"","image":null,"cron":"* * * * *","default_status":"UP","status":"INACTIVE","category_name":"\ud800","monitor_type":"API","is_hidden":"YES","external_url":"http://a","include_degraded_in_downtime":"YES","confirmation_threshold":60}`,
		`{"tag":"a","name":"n","default_status":"NONE","status":"ACTIVE","monitor_type":"GRPC","is_hidden":true,"include_degraded_in_downtime":false,"image":"/i"}`, `{"status":"x"}`, `{"is_hidden":1}`, `{"image":"//a"}`, `{"external_url":"javascript:a"}`,
		`{"tag":"-a","name":"n"}`, `{"tag":"a","name":"n","description":5}`, `{"tag":"a","name":"n","type_data":{"a":1,"b":{"a":[1e400,"\u003c"]},"\u0061":2},"monitor_settings_json":{ "x" : null }}`, `{"type_data":[],"monitor_settings_json":"{}"}`,
		`{"confirmation_threshold":"5"}`, `{"confirmation_threshold":" 1e1 "}`, `{"confirmation_threshold":true}`, `{"confirmation_threshold":null}`, `{"confirmation_threshold":1.0}`, `{"confirmation_threshold":61}`, `{"confirmation_threshold":"0x10"}`, `{"confirmation_threshold":[]}`,
		`{"type_data":{"a":` + strings.Repeat("[", 99) + strings.Repeat("]", 99) + `}}`, `{"type_data":{"a":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}}`, `{"x":` + strings.Repeat("[", 10001) + strings.Repeat("]", 10001) + `}`,
		`{"title":"` + strings.Repeat("\U0001f525", 127) + `a","name":"` + strings.Repeat("a", 256) + `"}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		sent := bytes.Clone(body)
		got, err := web.DecodeBody(body)
		if !bytes.Equal(sent, body) {
			t.Fatalf("%q became %q", sent, body)
		}
		var plain map[string]any
		dec := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(body, []byte("\ufeff"))))
		dec.UseNumber()
		isObject := json.Valid(bytes.TrimPrefix(body, []byte("\ufeff"))) && dec.Decode(&plain) == nil && plain != nil
		if isObject != (err == nil) || len(got) != len(plain) {
			t.Fatalf("%q is an object: %t, read as %v, %v", body, isObject, got, err)
		}
		if err != nil {
			refusal(t, err)
			return
		}
		b := sentBody{t, got, plain}
		b.checkTexts()
		b.checkTimes()
		b.checkLinks()
		b.checkObjects()
		b.checkMonitor()
	})
}

// sentBody is a body as it was read, and as a plain decoder reads it.
type sentBody struct {
	*testing.T
	web.Fields
	plain map[string]any
}

func (b sentBody) checkTexts() {
	for _, name := range []string{"title", "comment", "name"} {
		text, isText := b.plain[name].(string)
		text = statuspage.TrimBlank(text)
		got, err := b.Trimmed(name, 255, errTitleEmpty, errTitleLong)
		want := error(nil)
		switch {
		case !isText || text == "":
			want = errTitleEmpty
		case statuspage.Length(text) > 255:
			want = errTitleLong
		}
		if err != want || err == nil && got != text {
			b.Errorf("%s %q is %q, %v", name, b.Fields[name], got, err)
		}
	}
	for _, name := range []string{"title", "description", "state"} {
		got, err := b.NullableText(name)
		value, given := b.plain[name]
		text, isText := value.(string)
		if err != nil {
			refusal(b.T, err)
		}
		if valid := !given || value == nil || isText; valid != (err == nil) || got.IsSet() != (given && valid) || got.IsNull() != (given && value == nil) || got.Or("") != text {
			b.Errorf("%s %q is %+v, %v", name, b.Fields[name], got, err)
		}
	}
}

func (b sentBody) checkTimes() {
	for _, name := range []string{"start_date_time", "end_date_time", "timestamp"} {
		value, given := b.plain[name]
		number, isNumber := value.(json.Number)
		n, err := number.Float64()
		valid := isNumber && err == nil && n >= 0 && n <= statuspage.MaxTimestamp
		at, err := b.Timestamp(name)
		if valid != (err == nil) || valid && (at%60 != 0 || float64(at) > n || float64(at)+60 <= n) {
			b.Errorf("%s %q is %d, %v", name, b.Fields[name], at, err)
		}
		opt, err := b.OptTimestamp(name)
		if (err == nil) != (valid || !given) || err == nil && (opt.IsSet() != given || opt.IsNull() || opt.Or(0) != at) {
			b.Errorf("%s %q, which may be absent, is %+v, %v", name, b.Fields[name], opt, err)
		}
		null := given && value == nil
		opt, err = b.NullableTimestamp(name)
		if (err == nil) != (valid || !given || null) || err == nil && (opt.IsSet() != given || opt.IsNull() != null || opt.Or(0) != at) {
			b.Errorf("%s %q, which may be null, is %+v, %v", name, b.Fields[name], opt, err)
		}
		if err != nil {
			refusal(b.T, err)
		}
	}
}

func (b sentBody) checkLinks() {
	b.checkLinksOf(incidentImpact, func(said any) bool { return said == nil }, "DOWN")
	b.checkLinksOf(maintenanceImpact, func(said any) bool { return said == nil || said == "" || said == false || said == 0.0 }, "MAINTENANCE")
}

// checkLinksOf is about links where impacts that are not said are the fallback.
func (b sentBody) checkLinksOf(read func(web.Fields) (statuspage.Impact, error), unsaid func(any) bool, fallback string) {
	got, err := links(b.Fields, 48, errTooManyLinks, read)
	value, given := b.plain["monitors"]
	list, isList := value.([]any)
	valid := !given || isList
	impacts := map[string]statuspage.Impact{}
	var tags []string
	for _, element := range list {
		link, _ := element.(map[string]any)
		tag, _ := link["monitor_tag"].(string)
		impact, isText := link["impact"].(string)
		if unsaid(link["impact"]) {
			impact, isText = fallback, true
		}
		valid = valid && tag != "" && isText && slices.Contains([]string{"UP", "DOWN", "DEGRADED", "MAINTENANCE"}, impact)
		if _, again := impacts[tag]; !again {
			tags = append(tags, tag)
		}
		impacts[tag] = statuspage.Impact(impact)
	}
	if err != nil {
		refusal(b.T, err)
	}
	if valid = valid && len(tags) <= 48; valid != (err == nil) || got.IsSet() != (given && valid) || got.IsNull() || err == nil && len(got.Or(nil)) != len(tags) {
		b.Fatalf("monitors %q are %+v, %v", b.Fields["monitors"], got, err)
	}
	for n, link := range got.Or(nil) {
		if link.Tag != tags[n] || link.Impact != impacts[link.Tag] {
			b.Errorf("monitor %d of %q is %+v", n, b.Fields["monitors"], link)
		}
	}
}

func (b sentBody) checkObjects() {
	for _, name := range []string{"type_data", "monitor_settings_json"} {
		got, err := b.Object(name)
		value, given := b.plain[name]
		sent, isObject := value.(map[string]any)
		valid := !given || value == nil || isObject && nesting(value) <= 100
		if err != nil {
			refusal(b.T, err)
		}
		if valid != (err == nil) || got.IsSet() != (given && valid) || got.IsNull() != (given && value == nil) {
			b.Errorf("%s %.300q is %+v, %v", name, b.Fields[name], got, err)
		}
		kept, ok := got.Get()
		if !ok {
			continue
		}
		var back map[string]any
		dec := json.NewDecoder(strings.NewReader(string(kept)))
		dec.UseNumber()
		var compact bytes.Buffer
		if err := dec.Decode(&back); err != nil || json.Compact(&compact, []byte(kept)) != nil || compact.String() != string(kept) || !reflect.DeepEqual(sent, back) {
			b.Errorf("%s %q is kept as %q (%v)", name, b.Fields[name], kept, err)
		}
	}
}

// nesting counts the levels of a decoded value.
func nesting(value any) int {
	deepest := 0
	switch v := value.(type) {
	case map[string]any:
		for _, inner := range v {
			deepest = max(deepest, nesting(inner))
		}
	case []any:
		for _, inner := range v {
			deepest = max(deepest, nesting(inner))
		}
	default:
		return 0
	}
	return deepest + 1
}

func (b sentBody) checkMonitor() {
	minutes, err := threshold(b.Fields)
	if err != nil {
		refusal(b.T, err)
	} else if n := minutes.Or(1); n < 1 || n > 60 {
		b.Errorf("confirmation_threshold %q is %d", b.Fields["confirmation_threshold"], n)
	}
	if number, ok := b.plain["confirmation_threshold"].(json.Number); ok {
		n, _ := number.Float64()
		if valid := n == math.Trunc(n) && n >= 1 && n <= 60; valid != (err == nil) || valid && minutes.Or(0) != int64(n) {
			b.Errorf("confirmation_threshold %s is %+v, %v", number, minutes, err)
		}
	}
	patch, err := monitorPatch(b.Fields)
	if err != nil {
		refusal(b.T, err)
	}
	m, errNew := newMonitor(b.Fields)
	if errNew != nil {
		refusal(b.T, errNew)
		return
	}
	for _, value := range []struct {
		text   *string
		values []string
	}{
		{m.DefaultStatus, statuspage.DefaultStatuses}, {m.Status, statuspage.MonitorStatuses}, {m.Type, statuspage.MonitorTypes},
		{m.Hidden, statuspage.YesOrNo}, {m.IncludeDegraded, statuspage.YesOrNo},
	} {
		if value.text == nil || !slices.Contains(value.values, *value.text) {
			b.Errorf("new monitor %+v has %v, which is none of %v", m, value.text, value.values)
		}
	}
	for _, address := range []*string{m.Image, m.ExternalURL} {
		if address != nil && !regexp.MustCompile(`(?i)^($|https?://[^/\\]|/($|[^/\\]))`).MatchString(*address) {
			b.Errorf("new monitor with the address %q", *address)
		}
	}
	if err != nil || !statuspage.ValidTag(m.Tag) || m.Name == "" || statuspage.Length(m.Name) > 255 || m.Size() > statuspage.MaxMonitorSize || m.ID != 0 {
		b.Errorf("new monitor %+v (%v)", m, err)
	}
	// Made and then changed by the same body, nothing changes but the nulls.
	again, err := m.Apply(patch, 0)
	again.Version, again.Name = m.Version, m.Name
	for _, text := range [][2]**string{{&m.DefaultStatus, &again.DefaultStatus}, {&m.Status, &again.Status}, {&m.Type, &again.Type}, {&m.Hidden, &again.Hidden}, {&m.IncludeDegraded, &again.IncludeDegraded}} {
		if *text[1] == nil {
			*text[1] = *text[0]
		}
	}
	again.Settings = m.Settings // laid over the default ones
	if err == nil && !reflect.DeepEqual(m, again) {
		b.Errorf("%q made %+v and changed it into %+v", b.Fields, m, again)
	}
}
