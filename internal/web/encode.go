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

// maxPage is how many bytes of Lambda response one page of a list may take. Lambda
// refuses 6 MB; the rest is room for the envelope (docs/api.md, Lists).
const maxPage = 5_500_000

// A Page collects the items of a list until it is full.
type Page struct {
	Name  string // of the list
	Limit int    // of items

	items bytes.Buffer
	count int
	size  int // of the items as sent
}

// Add appends the item and reports true, or reports false when the page is full.
// The first item always fits: no record is that large.
func (p *Page) Add(v any) bool {
	if p.count == p.Limit {
		return false
	}
	encoded := Encode(v)
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

// List is the page as a JSON array.
func (p *Page) List() []byte { return slices.Concat([]byte("["), p.items.Bytes(), []byte("]")) }

// Answer is the whole list. cursor is where the next page starts, "" when this is
// the last.
func (p *Page) Answer(cursor string) Answer {
	var b bytes.Buffer
	b.Grow(p.items.Len() + 64)
	b.WriteString(`{"` + p.Name + `":[`)
	b.Write(p.items.Bytes())
	b.WriteByte(']')
	if cursor != "" {
		b.WriteString(`,"next_cursor":"` + cursor + `"`)
	}
	b.WriteByte('}')
	return JSON(http.StatusOK, b.Bytes())
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
func ISOTime(t int64) string { return time.Unix(t, 0).UTC().Format("2006-01-02T15:04:05.000Z") }

// ISOTimeOrNull is ISOTime; nil stays nil.
func ISOTimeOrNull(t *int64) *string {
	if t == nil {
		return nil
	}
	return new(ISOTime(*t))
}
