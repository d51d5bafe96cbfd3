package inbound

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"tocsin/internal/statuspage"
)

// An object is a JSON object that is read with patience: what is missing, null or of another type
// than expected reads as the zero value. Nil is an empty one.
type object map[string]any

// readJSON reads a body as JSON, with its numbers as json.Number. It returns a
// *statuspage.Error.
func readJSON(body []byte) (any, error) {
	if body = bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\ufeff"))); len(body) == 0 {
		return nil, statuspage.Invalid("The body is empty")
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var value any
	if err := d.Decode(&value); err != nil {
		return nil, statuspage.Invalid("The body is not JSON: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, statuspage.Invalid("The body is not JSON: there is more after its end")
	}
	return value, nil
}

// readObject reads a body as a JSON object. It returns a *statuspage.Error.
func readObject(body []byte) (object, error) {
	value, err := readJSON(body)
	if err != nil {
		return nil, err
	}
	fields, is := value.(map[string]any)
	if !is {
		return nil, statuspage.Invalid("The body must be a JSON object")
	}
	return fields, nil
}

// readFields reads a message of a tool that sends JSON, a form or a query: the fields of the one
// that is there. JSON is known by its first character, since tools name it wrongly. It returns a
// *statuspage.Error.
func readFields(m Message) (object, error) {
	form := m.Query
	if body := bytes.TrimSpace(m.Body); len(body) > 0 {
		kind, parameters, _ := mime.ParseMediaType(m.Header.Get("Content-Type"))
		var err error
		switch {
		case body[0] == '{':
			return readObject(body)
		case kind == "application/x-www-form-urlencoded":
			form, err = url.ParseQuery(string(body))
		case kind == "multipart/form-data":
			form, err = readParts(body, parameters["boundary"])
		default:
			return readObject(body)
		}
		if err != nil {
			return nil, statuspage.Invalid("The body is no form: %s", err)
		}
	}
	fields := object{}
	for name, values := range form {
		if name != "token" {
			fields[name] = values[0]
		}
	}
	return fields, nil
}

func readParts(body []byte, boundary string) (url.Values, error) {
	form := url.Values{}
	for parts := multipart.NewReader(bytes.NewReader(body), boundary); ; {
		part, err := parts.NextPart()
		if err == io.EOF {
			return form, nil
		}
		if err != nil {
			return nil, err
		}
		value, err := io.ReadAll(part)
		if err != nil {
			return nil, err
		}
		form.Add(part.FormName(), string(value))
	}
}

// objectOf returns value as an object, also when it is a text that holds one.
func objectOf(value any) object {
	switch value := value.(type) {
	case map[string]any:
		return value
	case string:
		if strings.HasPrefix(strings.TrimSpace(value), "{") {
			inner, _ := readObject([]byte(value))
			return inner
		}
	}
	return nil
}

// textOf returns what value is as a text: an array as its elements with commas in between, an
// object as nothing.
func textOf(value any) string {
	switch value := value.(type) {
	case string:
		return value
	case json.Number:
		return value.String()
	case bool:
		return strconv.FormatBool(value)
	case []any:
		var texts []string
		for _, element := range value {
			if _, nested := element.([]any); nested {
				continue
			}
			if text := textOf(element); text != "" {
				texts = append(texts, text)
			}
		}
		return strings.Join(texts, ",")
	}
	return ""
}

// object returns the field as an object, see objectOf.
func (o object) object(name string) object { return objectOf(o[name]) }

// text returns the first of the fields that has a text which is not blank, without white space
// around it.
func (o object) text(names ...string) string {
	for _, name := range names {
		if text := strings.TrimSpace(textOf(o[name])); text != "" {
			return text
		}
	}
	return ""
}

// objects returns the objects of the field, an array. A single object counts as one of an array.
func (o object) objects(name string) []object {
	elements, is := o[name].([]any)
	if !is {
		elements = []any{o[name]}
	}
	var objects []object
	for _, element := range elements {
		if fields := objectOf(element); fields != nil {
			objects = append(objects, fields)
		}
	}
	return objects
}

// time returns the first of the fields that has a time, see timeOf.
func (o object) time(names ...string) int64 {
	for _, name := range names {
		if t := timeOf(o[name]); t != 0 {
			return t
		}
	}
	return 0
}

// labels returns the fields whose value is a text, see textOf, and not empty.
func (o object) labels() map[string]string {
	labels := make(map[string]string, len(o))
	for name, value := range o {
		if text := strings.TrimSpace(textOf(value)); text != "" {
			labels[name] = text
		}
	}
	return labels
}

// setLabels gives labels the fields of from that have a text, under the same names.
func (o object) setLabels(labels map[string]string, names ...string) {
	for _, name := range names {
		if text := o.text(name); text != "" {
			labels[name] = text
		}
	}
}

// layouts are those of times in the wild. RFC 3339 does not have them all: CloudWatch and
// PagerDuty's senders write the zone without a colon, Uptime Kuma and Pingdom leave it out and mean UTC.
var layouts = []string{
	time.RFC3339,
	"2006-01-02T15:04:05Z0700",
	"2006-01-02T15:04:05Z07",
	"2006-01-02T15:04:05",
	"2006-01-02 15:04:05Z07:00",
	"2006-01-02 15:04:05Z0700",
	"2006-01-02 15:04:05",
	"2006-01-02T15:04Z07:00",
	"2006-01-02 15:04:05 UTC",
	http.TimeFormat,
	time.RFC1123Z,
}

// timeOf returns the time that value is, in UTC milliseconds: a text in one of the layouts, with
// as many fraction digits as it likes, or a number since 1970 of seconds or, told by its size,
// milliseconds, microseconds or nanoseconds. It returns 0 for what is no time, and for one before 1970 or after
// the year 9999, such as the year 1 that stands for none.
func timeOf(value any) int64 {
	text := strings.TrimSpace(textOf(value))
	if text == "" {
		return 0
	}
	if number, err := strconv.ParseFloat(text, 64); err == nil {
		switch {
		case number < 1e11:
			number *= 1000
		case number < 1e14:
		case number < 1e17:
			number /= 1e3
		default:
			number /= 1e6
		}
		return possible(math.Round(number))
	}
	for _, layout := range layouts {
		if t, err := time.Parse(layout, text); err == nil {
			return possible(float64(t.UnixMilli()))
		}
	}
	return 0
}

func possible(ms float64) int64 {
	if ms > 0 && ms <= statuspage.MaxTimestamp*1000 {
		return int64(ms)
	}
	return 0
}

// tagList returns the tags of a text that has them with commas in between.
func tagList(text string) []string {
	var tags []string
	for tag := range strings.SplitSeq(text, ",") {
		if tag = strings.TrimSpace(tag); tag != "" && !slices.Contains(tags, tag) {
			tags = append(tags, tag)
		}
	}
	return tags
}

// pairs returns the labels of a text such as env:prod,service:checkout. Values of the same label
// have a comma in between; what has no value is no label.
func pairs(text string) map[string]string {
	labels := map[string]string{}
	for pair := range strings.SplitSeq(text, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(pair), ":")
		if name == "" || value == "" {
			continue
		}
		if before := labels[name]; before != "" {
			value = before + "," + value
		}
		labels[name] = value
	}
	return labels
}

// decorations are what tools put in brackets before a title, perhaps with numbers or the place
// after it.
var decorations = []string{
	"firing", "resolved", "alerting", "ok", "pending", "paused", "no data", "triggered", "re-triggered", "recovered", "warn", "re-warn", "re-no data", "renotify",
	"p1", "p2", "p3", "p4", "p5",
}

// undecorated returns a title without the states and priorities in brackets before it, such as
// [FIRING:2] or [P1] [Triggered on {service:checkout}].
func undecorated(title string) string {
	rest := strings.TrimSpace(title)
	for strings.HasPrefix(rest, "[") {
		inner, after, closed := strings.Cut(rest[1:], "]")
		word, _, _ := strings.Cut(strings.ToLower(inner), " on ")
		word, _, _ = strings.Cut(word, ":")
		if after = strings.TrimSpace(after); !closed || after == "" || !slices.Contains(decorations, word) {
			break
		}
		rest = after
	}
	return rest
}
