package statuspage

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// A setting is one of those that S is made of, by the names of the objects that it is in and its
// own with dots in between: what it has to be, as an error says it, and where it goes.
type setting[S any] struct {
	name string
	must string
	put  func(s *S, value any) bool // false: it is not what it has to be
}

// withSettings returns s with the settings that o has over it, checked in their order, or the
// error for the first one that is not what it has to be. Unknown ones are passed over.
func withSettings[S any](s S, settings []setting[S], o JSONObject) (S, error) {
	tree := o.tree()
	for _, p := range settings {
		value, there := find(tree, strings.Split(p.name, ".")...)
		next := s
		if !there {
			continue
		}
		if !p.put(&next, value) {
			return s, Invalid("%s must be %s", p.name, p.must)
		}
		s = next
	}
	return s, nil
}

func object[S any](name string) setting[S] {
	return setting[S]{name, "an object", func(_ *S, value any) bool {
		_, is := value.(map[string]any)
		return is
	}}
}

func flag[S any](name string, of func(*S) *bool) setting[S] {
	return setting[S]{name, "a boolean", func(s *S, value any) bool {
		on, is := value.(bool)
		*of(s) = on
		return is
	}}
}

func count[S any](name string, of func(*S) *int64) setting[S] {
	return setting[S]{name, "a non-negative integer", func(s *S, value any) bool {
		n, is := wholeNumber(value)
		*of(s) = n
		return is && n >= 0
	}}
}

func between[S any](name string, least, most int64, of func(*S) *int64) setting[S] {
	return setting[S]{name, fmt.Sprintf("an integer between %d and %d", least, most), func(s *S, value any) bool {
		n, is := wholeNumber(value)
		*of(s) = n
		return is && least <= n && n <= most
	}}
}

func text[S any](name string, of func(*S) **string) setting[S] {
	return setting[S]{name, "a string", func(s *S, value any) bool {
		text, is := value.(string)
		*of(s) = &text
		return is
	}}
}

// oneOf is a setting that is one of few texts.
func oneOf[S any, T ~string](name string, of func(*S) *T, texts ...T) setting[S] {
	names := make([]string, len(texts))
	for n, t := range texts {
		names[n] = string(t)
	}
	return setting[S]{name, "one of: " + strings.Join(names, ", "), func(s *S, value any) bool {
		text, _ := value.(string)
		*of(s) = T(text)
		for _, t := range texts {
			if text == string(t) {
				return true
			}
		}
		return false
	}}
}

// wholeNumber returns a JSON number without a fraction, which can be as large as an id.
func wholeNumber(value any) (n int64, is bool) {
	digits, is := value.(json.Number)
	f, err := strconv.ParseFloat(string(digits), 64)
	if !is || err != nil || f != math.Trunc(f) || math.Abs(f) > MaxID {
		return 0, false
	}
	return int64(f), true
}

// tree returns the object with its numbers as they are written.
func (o JSONObject) tree() map[string]any {
	var tree map[string]any
	dec := json.NewDecoder(strings.NewReader(string(o)))
	dec.UseNumber()
	if dec.Decode(&tree) != nil {
		return nil
	}
	return tree
}

// find returns the value by the names of the objects that it is in, and its own.
func find(tree map[string]any, names ...string) (value any, there bool) {
	value = tree
	for _, name := range names {
		in, _ := value.(map[string]any)
		if value, there = in[name]; !there {
			return nil, false
		}
	}
	return value, true
}
