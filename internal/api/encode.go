package api

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"tocsin/internal/statuspage"
)

// write sends the answer: headers, status and body at once, so that nothing can
// fail in between.
func write(w http.ResponseWriter, r *http.Request, a answer) {
	if d, ok := a.body.(description); ok {
		d.write(w, r)
		return
	}
	if a.body == nil {
		w.WriteHeader(a.status)
		return
	}
	body := a.encoded()
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if a.etag != "" {
		w.Header().Set("ETag", a.etag)
	}
	if a.replayed {
		w.Header().Set("Idempotent-Replayed", "true")
	}
	w.WriteHeader(a.status)
	if r.Method != http.MethodHead {
		w.Write(body)
	}
}

// encoded returns the body's bytes; a body of bytes is sent as it is.
func (a answer) encoded() []byte {
	if body, ok := a.body.([]byte); ok {
		return body
	}
	return encode(a.body)
}

// encode returns v as compact JSON without the escapes that only HTML needs. The
// wire types can't fail to encode.
func encode(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(fmt.Sprintf("api: %T can't be encoded: %v", v, err))
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// maxPage is how many bytes of Lambda response one page of a list may take. Lambda
// refuses 6 MB; the rest is room for the envelope (contract v4, part A).
const maxPage = 5_500_000

// A page collects the items of a list until it is full.
type page struct {
	name  string
	limit int
	items bytes.Buffer
	count int
	size  int // of the items as sent
}

// add appends the item and reports true, or reports false when the page is full.
// The first item always fits: no record is that large.
func (p *page) add(v any) bool {
	if p.count == p.limit {
		return false
	}
	encoded := encode(v)
	size := sentSize(encoded) + len(",")
	if p.count > 0 {
		if p.size+size > maxPage {
			return false
		}
		p.items.WriteByte(',')
	}
	p.items.Write(encoded)
	p.size += size
	p.count++
	return true
}

// answer is the whole list. cursor is where the next page starts, "" when this is
// the last.
func (p *page) answer(cursor string) answer {
	var b bytes.Buffer
	b.Grow(p.items.Len() + 64)
	b.WriteString(`{"` + p.name + `":[`)
	b.Write(p.items.Bytes())
	b.WriteByte(']')
	if cursor != "" {
		b.WriteString(`,"next_cursor":"` + cursor + `"`)
	}
	b.WriteByte('}')
	return ok(b.Bytes())
}

// sentSize is how many bytes the text takes inside a Lambda response, where it is a
// JSON string that encoding/json has escaped.
func sentSize(text []byte) int {
	n := len(text)
	for i, c := range text {
		switch {
		case c == '"' || c == '\\' || c == '\n' || c == '\r' || c == '\t' || c == '\b' || c == '\f':
			n++
		case c < ' ' || c == '<' || c == '>' || c == '&':
			n += 5
		case c == 0xe2 && i+2 < len(text) && text[i+1] == 0x80 && text[i+2]&^1 == 0xa8:
			n += 3 // U+2028 and U+2029
		}
	}
	return n
}

// A cursor is the place in a list where its next page starts: the kind of list and
// the numbers that its order goes by.
func encodeCursor(kind string, numbers ...int64) string {
	parts := []string{kind}
	for _, n := range numbers {
		parts = append(parts, strconv.FormatInt(n, 10))
	}
	return base64.RawURLEncoding.EncodeToString([]byte(strings.Join(parts, ".")))
}

// encodeIDCursor is encodeCursor for a list in the order of its ids; "" for 0, the
// end of the list.
func encodeIDCursor(kind string, id int64) string {
	if id == 0 {
		return ""
	}
	return encodeCursor(kind, id)
}

// decodeCursor undoes encodeCursor for a kind with so many numbers. Numbers that no
// cursor of ours has, and other spellings of the same bytes, are refused like any
// other bad cursor.
func decodeCursor(cursor, kind string, count int) ([]int64, error) {
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || base64.RawURLEncoding.EncodeToString(raw) != cursor {
		return nil, errBadCursor
	}
	parts := strings.Split(string(raw), ".")
	if len(parts) != count+1 || parts[0] != kind {
		return nil, errBadCursor
	}
	numbers := make([]int64, count)
	for i, p := range parts[1:] {
		n, err := strconv.ParseInt(p, 10, 64)
		if err != nil || n < 0 || n > statuspage.MaxID || p != strconv.FormatInt(n, 10) {
			return nil, errBadCursor
		}
		numbers[i] = n
	}
	return numbers, nil
}

// isoTime is a UTC second as the API writes it.
func isoTime(t int64) string { return time.Unix(t, 0).UTC().Format("2006-01-02T15:04:05.000Z") }
