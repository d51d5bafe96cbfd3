package apiv4

import (
	"net/http"

	"tocsin/internal/openapi"
	"tocsin/internal/web"
)

// pagePolicy lets a page load nothing but the style in it.
const pagePolicy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

type healthJSON struct {
	Status string `json:"status"`
}

// About returns the routes of what the service says about itself, to everybody.
func About() []web.Route {
	page := web.Answer{
		Status: http.StatusOK, Type: web.TypeHTML, Cache: web.NoStore, Body: openapi.Page,
		Header: http.Header{"Content-Security-Policy": {pagePolicy}, "X-Content-Type-Options": {"nosniff"}},
	}
	about := func(path string, a web.Answer) web.Route {
		return web.Route{Group: web.Edge, Path: path, Methods: []web.Method{web.GET(web.Public, web.Always(a))}}
	}
	return []web.Route{
		about("/healthcheck", web.OK(healthJSON{Status: "ok"})),
		about("/openapi.json", web.JSON(http.StatusOK, openapi.JSON)),
		about("/docs", page),
		{Path: "/api"}, // redirects when it ends in a slash, as observed of the original
	}
}
