package statuspage_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/statuspage"
)

func TestMerge(t *testing.T) {
	for _, tt := range []struct {
		name              string
		old, update, want statuspage.JSONObject
	}{
		{"none", "", "", "{}"},
		{"into none", "", `{"a":1}`, `{"a":1}`},
		{"none into one", `{"a":1}`, "", `{"a":1}`},
		{"empty", "{}", "{}", "{}"},
		{"a key keeps its place, new ones follow", `{"b":1,"a":2}`, `{"z":0,"a":3,"c":4}`, `{"b":1,"a":3,"z":0,"c":4}`},
		{"the last of equal keys counts, at the first one's place", "", `{"a":1,"b":2,"a":3}`, `{"a":3,"b":2}`},
		{"equal keys in the old one", `{"a":1,"b":2,"a":3}`, `{"b":4}`, `{"a":3,"b":4}`},
		{"one level deep only", `{"a":{"x":1,"y":2}}`, `{"a":{"y":3}}`, `{"a":{"y":3}}`},
		{"null is a value", `{"a":1}`, `{"a":null}`, `{"a":null}`},
		{"numbers keep their spelling", `{"a":1e308}`, `{"b":-0.10,"c":12345678901234567890123456789012345678901}`,
			`{"a":1e308,"b":-0.10,"c":12345678901234567890123456789012345678901}`},
		{"escapes in values stay", "", `{"a":"\u0041\ud800<&"}`, `{"a":"\u0041\ud800<&"}`},
		{"spellings of one key are one key", `{"A":1,"<":2}`, `{"\u0041":3,"\u003c":4}`, `{"A":3,"<":4}`},
		{"unicode keys", `{"日本":1}`, `{"Grüße":2,"\ud83d\udd25":3,"日本":4}`, `{"日本":4,"Grüße":2,"🔥":3}`},
		{"a key of half a character", "", `{"\ud800":1,"\ufffd":2}`, `{"` + "\ufffd" + `":2}`},
		{"quotes and control characters in keys", "", `{"\"\\\n\u0000":1}`, `{"\"\\\n\u0000":1}`},
		{"the empty key", `{"":1}`, `{"":2}`, `{"":2}`},
		{"keys that are special elsewhere", `{"__proto__":1}`, `{"constructor":2}`, `{"__proto__":1,"constructor":2}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, tt.old.Merge(tt.update)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A merged object has the keys and values that encoding/json finds in both, each
// key once, the old ones first.
func FuzzMerge(f *testing.F) {
	for _, seed := range [][2]string{
		{"", ""},
		{"{}", `{"a":1}`},
		{`{"b":1,"a":2}`, `{"z":0,"a":3}`},
		{`{"a":1,"a":2}`, `{"\u0061":[{"b":null}]}`},
		{`{"\ud800":"\udfff"}`, `{"` + "\ufffd" + `":1e400}`},
		{`{"` + "\u2028<>&" + `":"` + "\u2028<>&" + `"}`, `{"":0}`},
		{`{"deep":` + strings.Repeat("[", 500) + strings.Repeat("]", 500) + `}`, `{"x":-0.0}`},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, old, update string) {
		oldKeys, oldValues, ok := parseObject(old)
		newKeys, newValues, ok2 := parseObject(update)
		if !ok || !ok2 {
			return // not what Merge is for
		}
		wantKeys, want := oldKeys, oldValues
		for _, k := range newKeys {
			if !slices.Contains(wantKeys, k) {
				wantKeys = append(wantKeys, k)
			}
			want[k] = newValues[k]
		}
		merged := statuspage.JSONObject(old).Merge(statuspage.JSONObject(update))
		gotKeys, got, ok := parseObject(string(merged))
		if !ok || merged == "" {
			t.Fatalf("%q and %q merged: %q is no object", old, update, merged)
		}
		if diff := cmp.Diff(wantKeys, gotKeys); diff != "" {
			t.Errorf("keys (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("values (-want +got):\n%s", diff)
		}
		if again := merged.Merge(""); again != merged {
			t.Errorf("merged once more: %q, want %q", again, merged)
		}
	})
}

// parseObject returns the keys, each once, in order of their first appearance, and
// the compact values; false for what is no JSON object.
func parseObject(s string) ([]string, map[string]string, bool) {
	values := map[string]string{}
	if s == "" {
		return nil, values, true
	}
	var raw map[string]json.RawMessage
	if json.Unmarshal([]byte(s), &raw) != nil || raw == nil {
		return nil, nil, false
	}
	for k, v := range raw {
		var b bytes.Buffer
		if json.Compact(&b, v) != nil {
			return nil, nil, false
		}
		values[k] = b.String()
	}
	var keys []string
	dec := json.NewDecoder(strings.NewReader(s))
	dec.Token()
	for dec.More() {
		k, err := dec.Token()
		if err != nil {
			return nil, nil, false
		}
		if name := k.(string); !slices.Contains(keys, name) {
			keys = append(keys, name)
		}
		var skipped json.RawMessage
		if dec.Decode(&skipped) != nil {
			return nil, nil, false
		}
	}
	return keys, values, true
}
