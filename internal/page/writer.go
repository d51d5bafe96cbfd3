package page

import (
	"net/url"
	"strconv"
	"strings"
	"unicode"
)

// raw is HTML that goes out as it is. Constants become raw by themselves; a string that is
// only known at run time has to be converted, which is to be done nowhere but for what this
// package, or the Markdown renderer, has made itself.
type raw string

// A writer makes HTML. What comes from outside gets in escaped, by text, attr and link.
type writer struct{ b []byte }

// raw writes HTML.
func (w *writer) raw(parts ...raw) {
	for _, p := range parts {
		w.b = append(w.b, p...)
	}
}

// text writes s between tags.
func (w *writer) text(s string) { w.b = appendEscaped(w.b, s) }

// attr writes an attribute, with a space before it.
func (w *writer) attr(name raw, value string) {
	w.raw(" ", name, `="`)
	w.b = appendEscaped(w.b, value)
	w.raw(`"`)
}

// link writes an attribute that is an address, if it leads to where a page may lead to: a
// page of http or https, a mailbox, or a path of the same site. If not, it writes nothing.
func (w *writer) link(name raw, address string) {
	if safeAddress(address) {
		w.attr(name, address)
	}
}

// number writes n.
func (w *writer) number(n int64) { w.b = strconv.AppendInt(w.b, n, 10) }

// safeAddress reports whether a page may lead to the address.
func safeAddress(address string) bool {
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return false
	case u.Scheme == "http", u.Scheme == "https":
		return u.Host != "" && !strings.ContainsAny(u.Host, `"<>`)
	case u.Scheme == "mailto":
		return u.Opaque != ""
	}
	// Browsers take a backslash for a slash: /\host is another site.
	return u.Scheme == "" && u.Host == "" && strings.HasPrefix(address, "/") && !strings.HasPrefix(address, "//") && !strings.Contains(address, `\`)
}

// appendEscaped appends s so that it is text in HTML, and in an attribute in double quotes.
// Characters that HTML doesn't allow become U+FFFD.
func appendEscaped(b []byte, s string) []byte {
	for _, r := range s {
		switch {
		case r == '&':
			b = append(b, "&amp;"...)
		case r == '<':
			b = append(b, "&lt;"...)
		case r == '>':
			b = append(b, "&gt;"...)
		case r == '"':
			b = append(b, "&#34;"...)
		case r == '\t' || r == '\n':
			b = append(b, byte(r))
		case r == '\r' || unicode.Is(unicode.Cc, r) || r&0xfffe == 0xfffe || 0xfdd0 <= r && r <= 0xfdef:
			b = append(b, "\ufffd"...)
		case r < 0x80:
			b = append(b, byte(r))
		default:
			b = append(b, string(r)...)
		}
	}
	return b
}
