package pagehttp

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"maps"
	"net/http"
	"strings"

	"tocsin/internal/web"
)

// leastPacked is how many bytes are worth compressing.
const leastPacked = 512

// send fits the reply to the request, what it takes and what it has already, and sends it.
func send(w http.ResponseWriter, r *http.Request, a reply) {
	o := a.object
	header := w.Header()
	maps.Copy(header, a.header)
	header.Set("Cache-Control", a.cache)
	packed := false
	if packable(o.Type) {
		header.Set("Vary", "Accept-Encoding")
		packed = len(o.Body) >= leastPacked && web.TakesGzip(r.Header.Values("Accept-Encoding"))
	}
	setSafety(header, r.URL.Path, o.Type)
	if o.Status == http.StatusOK {
		tag := etag(o.Body, packed)
		header.Set("Etag", tag)
		if web.HasTag(r.Header.Values("If-None-Match"), tag) {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	header.Set("Content-Type", o.Type)
	body := o.Body
	if packed {
		header.Set("Content-Encoding", "gzip")
		body = pack(body)
	}
	w.WriteHeader(o.Status)
	w.Write(body)
}

// assetPolicy keeps what an SVG has in it from doing anything when somebody opens its address: no
// script, no form, nothing from elsewhere.
const assetPolicy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox; frame-ancestors 'none'"

// setSafety says what a browser may do with the answer. That nobody may show it in a frame
// can't stand in the page itself, where all else is that its policy says.
func setSafety(header http.Header, path, contentType string) {
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "strict-origin-when-cross-origin")
	switch {
	case strings.HasPrefix(path, "/embed/"):
		header.Set("X-Robots-Tag", "noindex")
	case strings.HasPrefix(path, "/assets/"):
		header.Set("Content-Security-Policy", assetPolicy)
	default:
		header.Set("Content-Security-Policy", "frame-ancestors 'none'")
	}
	if !strings.HasPrefix(contentType, "text/html") {
		header.Set("Access-Control-Allow-Origin", "*")
	}
}

// packable reports whether gzip makes a body of the type smaller. Pictures are as small as they
// get, or too small to matter.
func packable(contentType string) bool {
	return !strings.HasPrefix(contentType, "image/")
}

// etag is a strong one: the two forms of a body are not the same bytes (RFC 9110, section
// 8.8.3.3).
func etag(body []byte, packed bool) string {
	sum, form := sha256.Sum256(body), ""
	if packed {
		form = ".gzip"
	}
	return fmt.Sprintf(`"%x%s"`, sum[:8], form)
}

func pack(body []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write(body) // a Buffer takes everything
	z.Close()
	return b.Bytes()
}
