package lambdahttp

import "tocsin/internal/web"

// Room returns what a page of a list may take of a Lambda response. Lambda refuses 6 MB;
// the rest is for the envelope.
func Room() web.Room { return web.Room{Bytes: 5_500_000, Size: sentSize} }

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
