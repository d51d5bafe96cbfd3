package statuspage

import (
	"encoding/json"
	"strings"
)

// JSONObject is the compact text of a JSON object, or "" for none. It is kept as
// text so that the order of the keys and the spelling of the numbers survive.
type JSONObject string

// Merge returns o with the keys of update laid over it, one level deep: a key that
// both have keeps its place and gets the new value, new keys follow. Both must be
// valid JSON objects or "".
func (o JSONObject) Merge(update JSONObject) JSONObject {
	return o.merge(update, func(_, next json.RawMessage) json.RawMessage { return next })
}

// MergeAll is as Merge is, but where both have an object as the value of a key, these are merged
// likewise.
func (o JSONObject) MergeAll(update JSONObject) JSONObject {
	return o.merge(update, func(old, next json.RawMessage) json.RawMessage {
		if len(old) > 0 && old[0] == '{' && next[0] == '{' {
			return json.RawMessage(JSONObject(old).MergeAll(JSONObject(next)))
		}
		return next
	})
}

func (o JSONObject) merge(update JSONObject, value func(old, next json.RawMessage) json.RawMessage) JSONObject {
	keys, values := o.fields()
	newKeys, newValues := update.fields()
	for _, k := range newKeys {
		if _, ok := values[k]; !ok {
			keys = append(keys, k)
		}
		values[k] = value(values[k], newValues[k])
	}
	return written(keys, values)
}

// Renamed returns o with other names of keys; one that o has already is not given to another.
func (o JSONObject) Renamed(names map[string]string) JSONObject {
	keys, values := o.fields()
	for n, k := range keys {
		for old, name := range names {
			if _, there := values[quote(name)]; k == quote(old) && !there {
				keys[n], values[quote(name)] = quote(name), values[k]
			}
		}
	}
	return written(keys, values)
}

// written is the object with the keys, as encoded strings in order, and their values.
func written(keys []string, values map[string]json.RawMessage) JSONObject {
	var b strings.Builder
	b.WriteByte('{')
	for i, k := range keys {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(k)
		b.WriteByte(':')
		b.Write(values[k])
	}
	b.WriteByte('}')
	return JSONObject(b.String())
}

// fields returns the keys, as encoded strings in order, each once, and their
// values; the last of a key's values counts.
func (o JSONObject) fields() ([]string, map[string]json.RawMessage) {
	values := map[string]json.RawMessage{}
	if o == "" {
		return nil, values
	}
	dec := json.NewDecoder(strings.NewReader(string(o)))
	if _, err := dec.Token(); err != nil {
		return nil, values
	}
	var keys []string
	for dec.More() {
		tok, err := dec.Token()
		if err != nil {
			break
		}
		name, ok := tok.(string)
		if !ok {
			break
		}
		key := quote(name)
		var v json.RawMessage
		if err := dec.Decode(&v); err != nil {
			break
		}
		if _, ok := values[key]; !ok {
			keys = append(keys, key)
		}
		values[key] = v
	}
	return keys, values
}

func quote(s string) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		panic("statuspage: a string can't be encoded: " + err.Error())
	}
	return strings.TrimSuffix(b.String(), "\n")
}
