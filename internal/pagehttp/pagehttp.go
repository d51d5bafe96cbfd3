// Package pagehttp answers the public addresses with the files that package publish has put
// where a Port finds them. It reads no table: what it can't find in the files it does not know.
package pagehttp

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"tocsin/internal/page"
	"tocsin/internal/publish"
	"tocsin/internal/web"
)

// isAPI reports whether the path is one that answers with JSON whatever happens.
func isAPI(path string) bool {
	_, _, is := cutPrefix(path, "/api/v2/")
	return is
}

// cutPrefix returns what is after the prefix in a path that begins with it, or with the address
// of a page and then with it; base is that address, "" of the home page.
func cutPrefix(path, prefix string) (base, rest string, ok bool) {
	if rest, ok = strings.CutPrefix(path, prefix); ok {
		return "", rest, true
	}
	first, below, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	rest, ok = strings.CutPrefix("/"+below, prefix)
	return "/" + first, rest, ok
}

// Handler is an http.Handler of all public addresses.
type Handler struct {
	// Files has the pages; nil: there is no place yet that they could be read from.
	Files publish.Port

	// Name is that of the whole, for the page that says that there is none yet.
	Name string
}

// reply is an answer before it is fitted to the request.
type reply struct {
	object publish.Object
	cache  string
	header http.Header // what it says beside what all answers do; canonical names
}

// ServeHTTP answers GET and HEAD, and HEAD with the body of GET: the gateway says how long it
// is and sends it to nobody.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// For every method, as the API promises of its paths: /api/, /healthcheck/, /docs/ and
	// /openapi.json/ come here too.
	if target, ok := elsewhere(r.URL.Path); ok {
		if r.URL.RawQuery != "" {
			target += "?" + r.URL.RawQuery
		}
		w.Header().Set("Location", target)
		w.Header().Set("Cache-Control", publish.CacheControl("", http.StatusNotFound))
		w.WriteHeader(http.StatusPermanentRedirect)
		return
	}
	send(w, r, h.reply(r))
}

// toolPaths are those at which other tools could want to tell of alarms, and come here for the slash at
// the end. They would take a redirect for success, or follow it with another method.
var toolPaths = []string{"/hooks/", "/ping/", "/generic/2010-04-15/create_event.json/"}

// elsewhere returns the address that the path is a misspelling of: /de of /de/, and any other
// path with a slash at its end of the one without.
func elsewhere(path string) (target string, ok bool) {
	if _, ok := publish.Key(path); !ok || slices.Contains(toolPaths, path) {
		return "", false
	}
	for _, home := range page.Homes() {
		if path == home {
			return "", false
		}
		if path+"/" == home {
			return home, true
		}
	}
	return strings.CutSuffix(path, "/")
}

func (h *Handler) reply(r *http.Request) reply {
	if !isRead(r) {
		return notAllowed(r.URL.Path)
	}
	if h.Files == nil {
		return h.unmade(r)
	}
	object, err := h.find(r)
	if isNotFound(err) || err == nil && object.Status == http.StatusNotFound {
		return h.notFound(r)
	}
	if err != nil {
		return h.unavailable(r, err)
	}
	key, _ := publish.Key(r.URL.Path)
	return reply{object: object, cache: publish.CacheControl(key, object.Status)}
}

// find returns the file of the request's address, or what its query makes of it.
func (h *Handler) find(r *http.Request) (publish.Object, error) {
	if o, ok, err := h.drawn(r); ok || err != nil {
		return o, err
	}
	path := r.URL.Path
	if address, ok := page.SeriesAddress(path); ok && r.URL.RawQuery != "" && r.URL.Query().Get("type") == "maintenance" {
		path = address
	}
	return h.get(r.Context(), path)
}

func isRead(r *http.Request) bool { return r.Method == http.MethodGet || r.Method == http.MethodHead }

func isNotFound(err error) bool { return errors.Is(err, publish.ErrNotFound) }

func (h *Handler) get(ctx context.Context, path string) (publish.Object, error) {
	key, ok := publish.Key(path)
	if !ok {
		return publish.Object{}, publish.ErrNotFound
	}
	object, _, err := h.Files.Get(ctx, key)
	return object, err
}

// notFound answers with the page of the path's language that says that there is none.
func (h *Handler) notFound(r *http.Request) reply {
	path := r.URL.Path
	if isAPI(path) {
		return jsonReply(http.StatusNotFound, "NOT_FOUND", "No API route matches '"+path+"'")
	}
	object, err := h.get(r.Context(), page.MissingPath(path))
	if isNotFound(err) { // the site is not in that language
		object, err = h.get(r.Context(), page.MissingPath("/"))
	}
	switch {
	case isNotFound(err):
		return plainReply(http.StatusNotFound, "Not found\n")
	case err != nil:
		return h.unavailable(r, err)
	}
	object.Status = http.StatusNotFound
	return reply{object: object, cache: publish.CacheControl("", http.StatusNotFound)}
}

func notAllowed(path string) reply {
	refused := plainReply(http.StatusMethodNotAllowed, "Method not allowed\n")
	if isAPI(path) {
		refused = jsonReply(http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED", "Method not allowed")
	}
	refused.header = http.Header{"Allow": {"GET, HEAD"}}
	return refused
}

// unmade answers while there is no place yet to read from. Who asks for the page gets a 503 that
// says so. All else is not found: an address that somebody tries out is no failure of the
// service.
func (h *Handler) unmade(r *http.Request) reply {
	if slices.Contains(page.Homes(), r.URL.Path) || isAPI(r.URL.Path) {
		return h.unavailable(r, nil)
	}
	return htmlReply(http.StatusNotFound, sorry(h.Name, true))
}

// unavailable answers when nothing can be read: because of cause, or, when that is nil, because
// there is no place yet to read from.
func (h *Handler) unavailable(r *http.Request, cause error) reply {
	web.CallFrom(r.Context()).Cause = cause
	failed := jsonReply(http.StatusServiceUnavailable, "SERVICE_UNAVAILABLE", "The status page can't be read at the moment")
	if !isAPI(r.URL.Path) {
		failed = htmlReply(http.StatusServiceUnavailable, sorry(h.Name, cause == nil))
	}
	failed.cache = web.NoStore
	failed.header = http.Header{"Retry-After": {"30"}}
	return failed
}

func jsonReply(status int, code, message string) reply {
	type errorJSON struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	body := web.Encode(struct {
		Error errorJSON `json:"error"`
	}{errorJSON{code, message}})
	return made(status, web.TypeJSON, body)
}

func htmlReply(status int, body []byte) reply { return made(status, web.TypeHTML, body) }

func plainReply(status int, text string) reply {
	return made(status, "text/plain; charset=utf-8", []byte(text))
}

func made(status int, contentType string, body []byte) reply {
	return reply{object: publish.Object{Status: status, Type: contentType, Body: body}, cache: publish.CacheControl("", status)}
}
