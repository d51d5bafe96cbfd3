package web

import (
	"strconv"
	"strings"
)

// HasTag reports whether an If-None-Match header names the entity tag. A weak tag will do,
// since the request only reads (RFC 9110, section 13.1.2).
func HasTag(header []string, etag string) bool {
	for tag := range strings.SplitSeq(strings.Join(header, ","), ",") { // our own tags have no comma
		if tag = strings.Trim(tag, " \t"); tag == "*" || strings.TrimPrefix(tag, "W/") == etag {
			return true
		}
	}
	return false
}

// TakesGzip reports whether a client with these Accept-Encoding headers wants a body in
// gzip's format (RFC 9110, section 12.5.3). One that says nothing does not: what it
// makes of such a body is unknown. Neither does one that would rather have it unpacked.
func TakesGzip(header []string) bool {
	quality := map[string]float64{} // by coding
	for element := range strings.SplitSeq(strings.ToLower(strings.Join(header, ",")), ",") {
		coding, parameter, weighted := strings.Cut(element, ";")
		q := 1.0
		if weighted {
			value, isQ := strings.CutPrefix(strings.Trim(parameter, " \t"), "q=")
			var err error
			if q, err = strconv.ParseFloat(value, 64); !isQ || err != nil || !(q >= 0 && q <= 1) {
				q = 0 // what can't be understood is not a yes
			}
		}
		quality[strings.TrimPrefix(strings.Trim(coding, " \t"), "x-")] = q // x-gzip is an old name of gzip
	}
	q, named := quality["gzip"]
	if !named {
		q = quality["*"]
	}
	return q > 0 && q >= quality["identity"]
}
