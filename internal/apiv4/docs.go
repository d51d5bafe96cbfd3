package apiv4

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"net/http"

	"tocsin/internal/openapi"
	"tocsin/internal/web"
)

type healthJSON struct {
	Status string `json:"status"`
}

// About returns the routes of what the service says about itself, to everybody.
func About() []web.Route {
	return []web.Route{
		{Group: web.Edge, Path: "/healthcheck", Methods: []web.Method{web.GET(web.Public, web.Always(web.OK(healthJSON{Status: "ok"})))}},
		{Path: "/api"}, // redirects when it ends in a slash, as observed of Kener
	}
}

// Docs returns the routes of the API's descriptions. Without them their paths do not
// exist.
func Docs() []web.Route {
	describes := func(path string, d description) web.Route {
		return web.Route{Group: web.Edge, Path: path, Methods: []web.Method{web.GET(web.Public, d.get)}}
	}
	return []web.Route{
		describes("/openapi.json", description{file: openapi.JSON, mediaType: web.TypeJSON}),
		describes("/docs", description{file: openapi.Page, mediaType: web.TypeHTML, header: http.Header{
			"Content-Security-Policy": {pagePolicy}, "X-Content-Type-Options": {"nosniff"},
		}}),
	}
}

// A description of the API is a body that is the same for everybody until the next
// deployment. It needs no key, so that caches may keep it.
type description struct {
	file      openapi.File
	mediaType string
	header    http.Header // that only its body has
}

// keptCache lets anybody keep a description.
const keptCache = "public, max-age=300"

// pagePolicy lets a page load nothing but the style in it.
const pagePolicy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

func (d description) get(r *web.Request) (web.Action, error) {
	return func() (web.Answer, error) { return d.answer(r), nil }, nil
}

// answer is the description as it is kept, compressed, for a client that says that it
// takes that, and unpacked for any other. The two have entity tags of their own, since
// they are not the same bytes (RFC 9110, section 8.8.3.3).
func (d description) answer(r *web.Request) web.Answer {
	sum, form, packed := sha256.Sum256(d.file), "", web.TakesGzip(r.Header.Values("Accept-Encoding"))
	if packed {
		form = ".gzip"
	}
	a := web.Answer{
		Status: http.StatusNotModified, Cache: keptCache, ETag: fmt.Sprintf(`"%x%s"`, sum[:8], form),
		Header: http.Header{"Vary": {"Accept-Encoding"}},
	}
	if web.HasTag(r.Header.Values("If-None-Match"), a.ETag) {
		return a
	}
	a.Status, a.Type = http.StatusOK, d.mediaType
	maps.Copy(a.Header, d.header)
	if !packed {
		a.Body = d.file.Unpacked()
		return a
	}
	a.Header["Content-Encoding"] = []string{"gzip"}
	a.Body = d.file
	return a
}
