package web

import (
	"cmp"
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tocsin/internal/statuspage"
)

// maxBody is the limit of a request's body in bytes, unless the route has its own (docs/api.md,
// In which order a request is judged).
const maxBody = 256 * 1024

// Store is what the edge itself needs of a repository, for API keys and idempotency.
type Store interface {
	// APIKeyByHash returns the key with the hash, revoked and expired ones too, or
	// statuspage.ErrKeyNotFound.
	APIKeyByHash(ctx context.Context, hash string) (statuspage.APIKey, error)

	// MarkAPIKeyUsed notes that the key with the hash was used in the hour (UTC
	// seconds). It writes nothing when that, or a later one, is noted already.
	MarkAPIKeyUsed(ctx context.Context, hash string, hour int64) error

	// Claim returns the claim of a request that is to be carried out now, or the
	// reply of one that was. It returns statuspage.ErrIdempotencyRunning while another try
	// holds the claim, or statuspage.ErrIdempotencyReused for a key that another request
	// has.
	Claim(ctx context.Context, r statuspage.IdempotentRequest, now int64) (c statuspage.Claim, reply []byte, err error)

	// Complete keeps the reply of a claim whose effect does not repeat when the request
	// is sent again, after the effect. A claim that has ended stays as it is.
	Complete(ctx context.Context, c statuspage.Claim, reply []byte) error

	// Release ends a claim whose request had no effect, so that it can be sent again
	// at once. A claim that was completed, or lost to another try, stays.
	Release(ctx context.Context, c statuspage.Claim) error
}

// Config is what the edge is made of. Store and Now must be set.
type Config struct {
	Store Store

	// Now is the clock; it is read once per request.
	Now func() time.Time

	// SiteURL is the origin of the links in answers; "" means the origin that the
	// request came to.
	SiteURL string

	// SiteName is the name of the site until it is set.
	SiteName string

	// Room is what a page of a list may take.
	Room Room

	// Ready is asked before the table is used, until it has returned nil once.
	// Nil means that there is nothing to wait for.
	Ready func(context.Context) error
}

// A Group is the routes that one function serves: a process that knows the others only by
// their paths.
type Group string

// The groups.
const (
	Incidents Group = "incidents"
	Comments  Group = "comments"
	Monitors  Group = "monitors"
	Settings  Group = "settings" // pages, settings of the site, and integrations
	Inbound   Group = "inbound"  // what other tools send
	Edge      Group = "edge"     // what no other group serves
)

// A Route is a path and the methods it has, in the order in which the allow header
// names them. HEAD works wherever GET does. A path without methods answers as if it did
// not exist, but redirects when it ends in a slash.
type Route struct {
	Group   Group
	Path    string  // as http.ServeMux writes it
	Dialect Dialect // nil: Standard
	MaxBody int     // bytes; 0: as many as most routes take
	Methods []Method
}

// rest returns the beginning and the variable of a path that ends in a variable for all that
// follows. That is given to the handler as it came, with slashes wherever they are.
func (rt Route) rest() (prefix, name string, is bool) {
	open, is := strings.CutSuffix(rt.Path, "...}")
	at := strings.LastIndexByte(open, '{')
	if !is || at < 0 {
		return "", "", false
	}
	return open[:at], open[at+1:], true
}

// A Method is what a route does for one HTTP method.
type Method struct {
	Name   string
	Scope  statuspage.Scope // that the API key must have
	Handle Handler
}

// GET is a method of a route.
func GET(scope statuspage.Scope, h Handler) Method { return Method{http.MethodGet, scope, h} }

// POST is a method of a route.
func POST(scope statuspage.Scope, h Handler) Method { return Method{http.MethodPost, scope, h} }

// PUT is a method of a route.
func PUT(scope statuspage.Scope, h Handler) Method { return Method{http.MethodPut, scope, h} }

// PATCH is a method of a route.
func PATCH(scope statuspage.Scope, h Handler) Method { return Method{http.MethodPatch, scope, h} }

// DELETE is a method of a route.
func DELETE(scope statuspage.Scope, h Handler) Method { return Method{http.MethodDelete, scope, h} }

// Public is the scope of what needs no API key.
const Public statuspage.Scope = ""

// A Handler looks at a request whose key, route, method, scope and size of the body are
// in order, and at nothing else, and returns what is to be done.
type Handler func(*Request) (Action, error)

// An Action carries a request out: it may use the table.
type Action func() (Answer, error)

// Always is the handler that gives the same answer to every request.
func Always(a Answer) Handler {
	action := func() (Answer, error) { return a, nil }
	return func(*Request) (Action, error) { return action, nil }
}

// A Request is an HTTP request with what was found out about it on the way.
type Request struct {
	*http.Request
	Now     int64             // UTC seconds
	Milli   int64             // the same time in UTC milliseconds
	Content []byte            // the body of a POST, PUT or PATCH
	Key     statuspage.APIKey // the zero key where none is needed

	server *server
	call   *Call
}

// Site returns the origin of links in the answer.
func (r *Request) Site() string {
	if r.server.SiteURL != "" {
		return strings.TrimRight(r.server.SiteURL, "/")
	}
	return r.call.Origin
}

// Ready returns the error of a table that can't be used yet, see Config.Ready. A route that needs
// no API key asks it before it uses the table.
func (r *Request) Ready() error { return r.server.ready(r.Context()) }

// SiteURL is Config.SiteURL.
func (r *Request) SiteURL() string { return r.server.SiteURL }

// SiteName is Config.SiteName, or what pages of a site without one are called.
func (r *Request) SiteName() string { return cmp.Or(r.server.SiteName, "Status") }

// server is the edge of one group of routes.
type server struct {
	Config
	group Group
	keys  *keyring
}

func (s *server) ready(ctx context.Context) error {
	if s.Ready == nil {
		return nil
	}
	return s.Ready(ctx)
}

// A stage takes a request and returns its answer or an error.
type stage func(*Request) (Answer, error)

// New returns the handler of the group's routes; routes are those of all groups that a path of
// this one may be taken for. It answers every path. A path of another group is answered as one
// that does not exist.
//
// No path of the group Inbound is redirected: those who send to it don't follow, or make a GET of a
// POST. A slash at its end is as none.
func New(group Group, c Config, routes []Route) http.Handler {
	s := &server{Config: c, group: group, keys: newKeyring(c.Store)}
	mux := http.NewServeMux()
	unknown := s.handle(Standard, s.noRoute)
	var rests []restHandler
	for _, rt := range routes {
		d := rt.Dialect
		if d == nil {
			d = Standard
		}
		handler, slash := unknown, s.handle(d, redirect)
		if rt.Group == group {
			handler = s.methods(d, rt)
		}
		if rt.Group == Inbound {
			slash = handler
		}
		if prefix, name, is := rt.rest(); is {
			rests = append(rests, restHandler{prefix, name, handler})
			continue
		}
		// A path without a handler whose path with a slash has one is redirected to that
		// by ServeMux, so those of other groups are unknown by name.
		mux.Handle(rt.Path+"/{$}", slash)
		mux.Handle(rt.Path, handler)
	}
	mux.Handle("/", unknown)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, h := range rests {
			if rest, is := strings.CutPrefix(r.URL.Path, h.prefix); is && rest != "" {
				r.SetPathValue(h.name, rest)
				h.ServeHTTP(w, r)
				return
			}
		}
		// ServeMux would redirect a path with empty, "." or ".." segments to another one:
		// here such a path has no route.
		if !clean(r.URL.Path) {
			unknown.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// A restHandler serves the paths that begin with a prefix, see Route.rest.
type restHandler struct {
	prefix, name string
	http.Handler
}

// methods is the handler of a route. ServeMux is given paths without methods: it would refuse
// a path that is also one of another route's with a parameter, such as that of all events of
// maintenances.
func (s *server) methods(d Dialect, rt Route) http.Handler {
	byName := map[string]http.Handler{}
	for _, m := range rt.Methods {
		byName[m.Name] = s.handle(d, s.guard(d, rt, m))
	}
	if get, ok := byName[http.MethodGet]; ok {
		byName[http.MethodHead] = get
	}
	wrong := s.handle(d, s.wrongMethod(d, rt))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, ok := byName[r.Method]
		if !ok {
			h = wrong
		}
		h.ServeHTTP(w, r)
	})
}

// clean reports whether no segment of the path but the last is empty, and none is
// "." or "..".
func clean(path string) bool {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		if s == "." || s == ".." || s == "" && i != 0 && i != len(segments)-1 {
			return false
		}
	}
	return true
}

// handle makes an http.Handler of a stage.
func (s *server) handle(d Dialect, f stage) http.Handler {
	failure := internalError(d)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		now := s.Now()
		req := &Request{Request: r, Now: now.Unix(), Milli: now.UnixMilli(), server: s, call: CallFrom(r.Context())}
		req.call.Failure = failure
		a, err := f(req)
		if err != nil {
			a = failed(req, d, err)
		}
		write(w, req, a)
	})
}

// guard lets a request through to the method's handler in the order of docs/api.md: key,
// scope, size of the body. What holds for every route with a body or for every answer
// belongs here. The note that the key was used is written while the action runs; a request
// that is refused before that writes none.
func (s *server) guard(d Dialect, rt Route, m Method) stage {
	route := m.Name + " " + rt.Path
	most := cmp.Or(rt.MaxBody, maxBody)
	return func(r *Request) (Answer, error) {
		r.call.Route = route
		if m.Scope != Public {
			key, err := s.authenticate(d, r)
			if err != nil {
				return Answer{}, err
			}
			if !key.Allows(m.Scope) {
				return Answer{}, missingScope(m.Scope)
			}
			r.Key = key
			if r.Method != http.MethodGet && r.Method != http.MethodHead {
				r.Request = r.WithContext(statuspage.WithActor(r.Context(), statuspage.Actor{Kind: statuspage.ByAPIKey, ID: key.ID}))
			}
		}
		if r.Method == http.MethodPost || r.Method == http.MethodPut || r.Method == http.MethodPatch {
			body, err := io.ReadAll(io.LimitReader(r.Body, int64(most)+1))
			if err != nil {
				return Answer{}, err
			}
			if len(body) > most {
				return Answer{}, bodyTooLarge(most)
			}
			r.Content = body
		}
		act, err := m.Handle(r)
		if err != nil {
			return Answer{}, err
		}
		defer s.keys.noteUse(r).finish()
		return act()
	}
}

// authenticate finds the request's key. The table is asked only for what can be one,
// and only once it is known to be readable.
func (s *server) authenticate(d Dialect, r *Request) (statuspage.APIKey, error) {
	secret, err := d.Secret(r.Header.Values("Authorization"))
	if err != nil {
		return statuspage.APIKey{}, err
	}
	if err := s.ready(r.Context()); err != nil {
		return statuspage.APIKey{}, err
	}
	key, err := s.keys.authenticate(r.Context(), secret, r.Now)
	if err == nil {
		r.call.KeyID = key.ID
	}
	return key, err
}

// wrongMethod answers the methods that a route does not have.
func (s *server) wrongMethod(d Dialect, rt Route) stage {
	var allow []string
	needsKey, hasGet := false, false
	for _, m := range rt.Methods {
		allow = append(allow, m.Name)
		needsKey = needsKey || m.Scope != Public
		hasGet = hasGet || m.Name == http.MethodGet
	}
	if hasGet {
		allow = append(allow, http.MethodHead)
	}
	header := http.Header{"Allow": {strings.Join(allow, ", ")}}
	return func(r *Request) (Answer, error) {
		r.call.Route = rt.Path
		if needsKey {
			if _, err := s.authenticate(d, r); err != nil {
				return Answer{}, err
			}
		}
		method := r.Method
		if method == http.MethodHead { // whose answer is as long as GET's
			method = http.MethodGet
		}
		a := failed(r, d, methodNotAllowed(method))
		a.Header = header
		return a, nil
	}
}

func (s *server) noRoute(r *Request) (Answer, error) {
	if s.group == Inbound {
		return Answer{}, errNoHook
	}
	if _, err := s.authenticate(Standard, r); err != nil {
		return Answer{}, err
	}
	return Answer{}, noRoute(r.URL.Path)
}

// redirect answers a path that would have a route without the slash at its end.
func redirect(r *Request) (Answer, error) {
	target := url.URL{Path: strings.TrimSuffix(r.URL.Path, "/"), RawQuery: r.URL.RawQuery}
	r.call.Route = "trailing slash"
	return Answer{Status: http.StatusPermanentRedirect, Header: http.Header{"Location": {target.String()}}}, nil
}
