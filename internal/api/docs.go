package api

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"tocsin/internal/openapi"
)

// A description of the API is a body that is the same for everybody until the next
// deployment. It needs no key, so that caches may keep it.
type description struct {
	contentType string
	file        openapi.File
}

// descriptions are what the API says about itself, by path.
var descriptions = map[string]description{
	"/openapi.json": {"application/json", openapi.JSON},
	"/docs":         {"text/html; charset=utf-8", openapi.Page},
}

// getDescription is GET /openapi.json and GET /docs.
func getDescription(_ *service, r *request) (answer, error) {
	return ok(descriptions[r.URL.Path]), nil
}

// pagePolicy lets a page load nothing but the style in it.
const pagePolicy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// write sends the description as it is kept, compressed, to a client that says that it
// takes that, and unpacked to any other. The two have entity tags of their own, since
// they are not the same bytes (RFC 9110, section 8.8.3.3).
func (d description) write(w http.ResponseWriter, r *http.Request) {
	sum, form, packed := sha256.Sum256(d.file), "", takesGzip(r.Header.Values("Accept-Encoding"))
	if packed {
		form = ".gzip"
	}
	etag := fmt.Sprintf(`"%x%s"`, sum[:8], form)
	h := w.Header()
	h.Set("ETag", etag)
	h.Set("Cache-Control", "public, max-age=300")
	h.Set("Vary", "Accept-Encoding")
	if hasTag(r.Header.Values("If-None-Match"), etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", d.contentType)
	if strings.HasPrefix(d.contentType, "text/html") {
		h.Set("Content-Security-Policy", pagePolicy)
		h.Set("X-Content-Type-Options", "nosniff")
	}
	if packed {
		h.Set("Content-Encoding", "gzip")
	}
	w.WriteHeader(http.StatusOK)
	switch {
	case r.Method == http.MethodHead:
	case packed:
		w.Write(d.file)
	default:
		w.Write(d.file.Unpacked())
	}
}

// hasTag reports whether an If-None-Match header names the entity tag. A weak tag will
// do: whoever has sent it reads, and writes nothing over (RFC 9110, section 13.1.2).
func hasTag(header []string, etag string) bool {
	for tag := range strings.SplitSeq(strings.Join(header, ","), ",") { // our own tags have no comma
		if tag = strings.Trim(tag, " \t"); tag == "*" || strings.TrimPrefix(tag, "W/") == etag {
			return true
		}
	}
	return false
}

// takesGzip reports whether a client with these Accept-Encoding headers wants a body in
// gzip's format (RFC 9110, section 12.5.3). One that says nothing does not: what it
// makes of such a body is unknown. Neither does one that would rather have it unpacked.
func takesGzip(header []string) bool {
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
