package definitions

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"tocsin/internal/statuspage"
)

// maxShown is how many characters of a value are shown.
const maxShown = 80

// hidden are fields whose values can be credentials. Lines of a terminal end up in logs.
var hidden = map[string]bool{"type_data": true}

// differences lists the fields in which two records of the API differ, but for their times; "" for
// none.
func differences(old, next []byte) string {
	return differencesOf(decoded(old).(map[string]any), decoded(next).(map[string]any))
}

func differencesOf(old, next map[string]any) string {
	for _, record := range []map[string]any{old, next} {
		delete(record, "created_at")
		delete(record, "updated_at")
	}
	return strings.Join(changes("", old, next), ", ")
}

// settingChanges lists where two values of a setting of the site differ.
func settingChanges(k statuspage.SiteKey, old, next string) string {
	list := changes("", settingDecoded(k, old), settingDecoded(k, next))
	if len(list) > 0 && settingHidden(k) {
		return "(not shown)"
	}
	return strings.Join(list, ", ")
}

// settingShown is the value of a setting of the site.
func settingShown(k statuspage.SiteKey, value string) string {
	if settingHidden(k) {
		return "(not shown)"
	}
	return shown(settingDecoded(k, value))
}

func settingDecoded(k statuspage.SiteKey, value string) any {
	if k.Type == statuspage.ObjectData {
		return decoded([]byte(value))
	}
	return value
}

// settingHidden reports whether the setting can have credentials, such as those of a service
// that counts readers.
func settingHidden(k statuspage.SiteKey) bool { return strings.HasPrefix(k.Key, "analytics") }

// decoded returns what JSON says, numbers as they are written.
func decoded(text []byte) any {
	var v any
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	if dec.Decode(&v) != nil {
		panic("definitions: JSON of our own can't be read")
	}
	return v
}

// changes lists where two values differ: of objects the fields in which they do.
func changes(name string, old, next any) []string {
	before, was := old.(map[string]any)
	after, is := next.(map[string]any)
	switch {
	case reflect.DeepEqual(old, next):
		return nil
	case hidden[name]:
		return []string{name + " (not shown)"}
	case !was || !is:
		return []string{strings.TrimSpace(fmt.Sprintf("%s %s → %s", name, shown(old), shown(next)))}
	}
	all := maps.Clone(before)
	maps.Copy(all, after)
	var list []string
	for _, field := range slices.Sorted(maps.Keys(all)) {
		full := field
		if name != "" {
			full = name + "." + field
		}
		list = append(list, changes(full, before[field], after[field])...)
	}
	return list
}

// brief is a list in which a monitor is its tag, with its impact when it has one.
func brief(list []any) []any {
	next := slices.Clone(list)
	for n, v := range list {
		monitor, _ := v.(map[string]any)
		tag, is := monitor["monitor_tag"].(string)
		if impact, has := monitor["impact"].(string); has {
			tag += " " + impact
		}
		if is {
			next[n] = tag
		}
	}
	return next
}

// shown is a value as JSON, cut when it is long.
func shown(v any) string {
	if list, is := v.([]any); is {
		v = brief(list)
	}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if enc.Encode(v) != nil {
		panic("definitions: a value from JSON is none")
	}
	text := []rune(strings.TrimSuffix(b.String(), "\n"))
	if len(text) > maxShown {
		return string(text[:maxShown-1]) + "…"
	}
	return string(text)
}
