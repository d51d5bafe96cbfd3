package web

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"tocsin/internal/statuspage"
)

// A Room is how much of an answer the items of one page may take, as the platform counts
// (docs/api.md, Lists). The zero Room has no end.
type Room struct {
	Bytes int
	Size  func(text []byte) int // how many of them a text takes
}

// A Page collects the items of a list until it is full.
type Page struct {
	name  string // of the list
	limit int    // of items
	room  Room

	items bytes.Buffer
	count int
	taken int // of the room
}

// Page returns an empty page of the list with the name, "" for one without.
func (r *Request) Page(name string, limit int) *Page {
	return &Page{name: name, limit: limit, room: r.server.Room}
}

// Add appends the item and reports true, or reports false when the page is full.
// The first item always fits: no record is that large.
func (p *Page) Add(v any) bool {
	if p.count == p.limit {
		return false
	}
	encoded := Encode(v)
	if p.room.Size != nil {
		size := p.room.Size(encoded) + len(",")
		if p.count > 0 && p.taken+size > p.room.Bytes {
			return false
		}
		p.taken += size
	}
	if p.count > 0 {
		p.items.WriteByte(',')
	}
	p.items.Write(encoded)
	p.count++
	return true
}

// List is the page as a JSON array.
func (p *Page) List() []byte { return slices.Concat([]byte("["), p.items.Bytes(), []byte("]")) }

// Answer is the whole list. cursor is where the next page starts, "" when this is
// the last.
func (p *Page) Answer(cursor string) Answer {
	var b bytes.Buffer
	b.Grow(p.items.Len() + 64)
	b.WriteString(`{"` + p.name + `":[`)
	b.Write(p.items.Bytes())
	b.WriteByte(']')
	if cursor != "" {
		b.WriteString(`,"next_cursor":"` + cursor + `"`)
	}
	b.WriteByte('}')
	return JSON(http.StatusOK, b.Bytes())
}

// EncodeCursor returns the cursor of a list's next page: the kind of list, and the numbers
// that say where in its order the page starts.
func EncodeCursor(kind string, numbers ...int64) string {
	parts := []string{kind}
	for _, n := range numbers {
		parts = append(parts, strconv.FormatInt(n, 10))
	}
	return base64.RawURLEncoding.EncodeToString([]byte(strings.Join(parts, ".")))
}

// IDCursor returns EncodeCursor for a list in the order of its ids: "" for 0, the end of
// the list.
func IDCursor(kind string) func(id int64) string {
	return func(id int64) string {
		if id == 0 {
			return ""
		}
		return EncodeCursor(kind, id)
	}
}

// DecodeCursor undoes EncodeCursor for a kind with so many numbers. Numbers that no
// cursor of ours has, and other spellings of the same bytes, are refused like any
// other bad cursor.
func DecodeCursor(cursor, kind string, count int) ([]int64, error) {
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || base64.RawURLEncoding.EncodeToString(raw) != cursor {
		return nil, ErrBadCursor
	}
	parts := strings.Split(string(raw), ".")
	if len(parts) != count+1 || parts[0] != kind {
		return nil, ErrBadCursor
	}
	numbers := make([]int64, count)
	for i, p := range parts[1:] {
		n, err := strconv.ParseInt(p, 10, 64)
		if err != nil || n < 0 || n > statuspage.MaxID || p != strconv.FormatInt(n, 10) {
			return nil, ErrBadCursor
		}
		numbers[i] = n
	}
	return numbers, nil
}

// ISOTime is a UTC second as the API writes it.
func ISOTime(t int64) string { return ISOMilliseconds(t * 1000) }

// ISOMilliseconds is ISOTime of UTC milliseconds.
func ISOMilliseconds(t int64) string {
	return time.UnixMilli(t).UTC().Format("2006-01-02T15:04:05.000Z")
}

// ISOTimeOrNull is ISOTime; nil stays nil.
func ISOTimeOrNull(t *int64) *string {
	if t == nil {
		return nil
	}
	return new(ISOTime(*t))
}
