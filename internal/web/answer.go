package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
)

// An Answer is what a request gets: all of it, so that nothing can fail once it is
// being sent.
type Answer struct {
	Status int
	Type   string // the body's media type; "" without a body
	Cache  string // who may keep the body, as the Cache-Control header says it
	Body   []byte
	ETag   string      // "" for none
	Header http.Header // what else it says; canonical names

	replayed bool // it is the kept answer of an earlier request
}

// Media types and caching of answers.
const (
	TypeJSON = "application/json"
	TypeHTML = "text/html; charset=utf-8"
	NoStore  = "no-store"
)

// JSON is an answer of JSON that nobody keeps.
func JSON(status int, body []byte) Answer {
	return Answer{Status: status, Type: TypeJSON, Cache: NoStore, Body: body}
}

// OK shows v as it is, Encode's way.
func OK(v any) Answer { return JSON(http.StatusOK, Encode(v)) }

// One shows a record under its name: {"name":v}.
func One(status int, name string, v any) Answer {
	var b bytes.Buffer
	b.WriteString(`{"` + name + `":`)
	encodeTo(&b, v)
	b.WriteByte('}')
	return JSON(status, b.Bytes())
}

// Message is the answer to what leaves nothing to show.
func Message(format string, args ...any) Answer {
	return OK(struct {
		Message string `json:"message"`
	}{fmt.Sprintf(format, args...)})
}

// Encode returns v as compact JSON without the escapes that only HTML needs. The types
// that are shown can't fail to encode.
func Encode(v any) []byte {
	var b bytes.Buffer
	encodeTo(&b, v)
	return b.Bytes()
}

func encodeTo(b *bytes.Buffer, v any) {
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(fmt.Sprintf("web: %T can't be encoded: %v", v, err))
	}
	b.Truncate(b.Len() - len("\n"))
}

// write sends the answer: the one place where that is done. HEAD gets the body that GET
// would: the gateway says how long it is, and sends it to nobody.
func write(w http.ResponseWriter, r *Request, a Answer) {
	h := w.Header()
	maps.Copy(h, a.Header)
	values := make([]string, 0, 5) // of all headers, in one piece
	set := func(name, value string) {
		if value != "" {
			values = append(values, value)
			h[name] = values[len(values)-1 : len(values) : len(values)]
		}
	}
	set("X-Request-Id", r.call.RequestID)
	set("Content-Type", a.Type)
	set("Cache-Control", a.Cache)
	set("Etag", a.ETag)
	if a.replayed {
		set("Idempotent-Replayed", "true")
	}
	w.WriteHeader(a.Status)
	if len(a.Body) > 0 {
		w.Write(a.Body)
	}
}
