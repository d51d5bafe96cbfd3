package api

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tocsin/internal/lambdahttp"
	"tocsin/internal/statuspage"
)

// maxBody is the limit of a request's body in bytes (contract v4, part A).
const maxBody = 256 * 1024

// Store is what the edge needs of a repository.
type Store interface {
	statuspage.IncidentStore
	statuspage.CommentStore
	statuspage.LegacyStore
	statuspage.MonitorStore
	statuspage.PointStore
	statuspage.AlertStore
	statuspage.KeyStore
	statuspage.IdempotencyStore
}

// Config is what the edge is made of. Store and Now must be set.
type Config struct {
	Store Store

	// Now is the clock; it is read once per request.
	Now func() time.Time

	// SiteURL is the origin of the links in answers; "" means the origin that the
	// request came to.
	SiteURL string

	// NoDocs turns off what describes the API: /openapi.json and /docs do not exist then.
	NoDocs bool

	// Ready is asked before the table is used, until it has returned nil once.
	// Nil means that there is nothing to wait for.
	Ready func(context.Context) error
}

// handlerFunc answers a request whose key, route, method, scope and size of the
// body are in order.
type handlerFunc func(*service, *request) (answer, error)

// service is the edge of one group of routes.
type service struct {
	Config
	keys *keyring
}

// A request is an HTTP request with what was found out about it on the way.
type request struct {
	*http.Request
	legacy bool  // to a route of the legacy API
	now    int64 // UTC seconds
	body   []byte
	key    statuspage.APIKey // the zero key where none is needed
	call   *lambdahttp.Call

	usage *usage // nil until the table is asked
}

// An answer is a status and a value that is sent as JSON. A []byte is JSON already,
// a description sends itself, and a nil body is no body.
type answer struct {
	status   int
	body     any
	etag     string // "" for none
	replayed bool   // it is the kept answer of an earlier request
}

func ok(body any) answer { return answer{status: http.StatusOK, body: body} }

func created(body any) answer { return answer{status: http.StatusCreated, body: body} }

// New returns the handler of the group's routes. It answers every path: one that
// is another group's as one that does not exist.
func New(group Group, c Config) http.Handler {
	s := &service{Config: c, keys: newKeyring(c.Store)}
	mux := http.NewServeMux()
	unknown := s.handle(false, s.noRoute)
	// A path without a handler whose path with a slash has one is redirected to that
	// by ServeMux, so these are unknown by name.
	for _, r := range routes {
		if _, ok := descriptions[r.path]; ok && c.NoDocs {
			continue
		}
		mux.Handle(r.path+"/{$}", s.handle(r.legacy(), redirect))
		if r.group != group {
			mux.Handle(r.path, unknown)
			continue
		}
		for _, m := range r.methods {
			mux.Handle(m.name+" "+r.path, s.handle(r.legacy(), s.guard(m)))
		}
		mux.Handle(r.path, s.handle(r.legacy(), s.wrongMethod(r)))
	}
	for _, path := range slashOnly {
		mux.Handle(path+"/{$}", s.handle(false, redirect))
		mux.Handle(path, unknown)
	}
	mux.Handle("/", unknown)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// ServeMux would redirect a path with empty, "." or ".." segments to
		// another one: here such a path is none of ours.
		if !clean(r.URL.Path) {
			unknown.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
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

// handle makes an http.Handler of f, of the legacy API or of v4: the one place where
// answers and errors are written.
func (s *service) handle(legacy bool, f func(http.ResponseWriter, *request) (answer, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		req := &request{Request: r, legacy: legacy, now: s.Now().Unix(), call: lambdahttp.CallFrom(r.Context())}
		if req.call.RequestID != "" {
			w.Header().Set("X-Request-Id", req.call.RequestID)
		}
		if legacy {
			req.call.Failure = encode(legacyErrorJSON{Error: errInternal.Message})
		}
		a, err := f(w, req)
		if err != nil {
			a = errorAnswer(w, req, err)
		}
		write(w, r, a)
	})
}

// guard lets a request through to the method's handler in the contract's order:
// key, scope, size of the body. What holds for every route with a body or for every
// answer belongs here.
func (s *service) guard(m method) func(http.ResponseWriter, *request) (answer, error) {
	return func(_ http.ResponseWriter, r *request) (answer, error) {
		r.call.Route = r.Pattern
		if m.scope != public {
			key, err := s.authenticate(r)
			if err != nil {
				return answer{}, err
			}
			if !key.Allows(m.scope) {
				return answer{}, missingScope(m.scope)
			}
			r.key = key
			if r.Method != http.MethodGet && r.Method != http.MethodHead {
				r.Request = r.WithContext(statuspage.WithActor(r.Context(), statuspage.Actor{Kind: statuspage.ByAPIKey, ID: key.ID}))
			}
		}
		if r.Method == http.MethodPost || r.Method == http.MethodPatch {
			body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
			if err != nil {
				return answer{}, err
			}
			if len(body) > maxBody {
				return answer{}, errBodyTooLarge
			}
			r.body = body
		}
		defer func() { r.usage.finish() }()
		return m.handle(s, r)
	}
}

// authenticate finds the request's key. The table is asked only for what can be one,
// and only once it is known to be readable.
func (s *service) authenticate(r *request) (statuspage.APIKey, error) {
	read := bearer
	if r.legacy {
		read = legacyBearer
	}
	secret, err := read(r.Header.Values("Authorization"))
	if err != nil {
		return statuspage.APIKey{}, err
	}
	if s.Ready != nil {
		if err := s.Ready(r.Context()); err != nil {
			return statuspage.APIKey{}, err
		}
	}
	key, err := s.keys.authenticate(r.Context(), secret, r.now)
	if err == nil {
		r.call.KeyID = key.ID
	}
	return key, err
}

// wrongMethod answers the methods that a route does not have.
func (s *service) wrongMethod(rt route) func(http.ResponseWriter, *request) (answer, error) {
	var allow []string
	needsKey, hasGet := false, false
	for _, m := range rt.methods {
		allow = append(allow, m.name)
		needsKey = needsKey || m.scope != public
		hasGet = hasGet || m.name == http.MethodGet
	}
	if hasGet {
		allow = append(allow, http.MethodHead)
	}
	header := strings.Join(allow, ", ")
	return func(w http.ResponseWriter, r *request) (answer, error) {
		r.call.Route = rt.path
		if needsKey {
			if _, err := s.authenticate(r); err != nil {
				return answer{}, err
			}
		}
		w.Header().Set("Allow", header)
		return answer{}, methodNotAllowed(r.Method)
	}
}

func (s *service) noRoute(_ http.ResponseWriter, r *request) (answer, error) {
	if _, err := s.authenticate(r); err != nil {
		return answer{}, err
	}
	return answer{}, noRoute(r.URL.Path)
}

// redirect answers a path that ends in a slash too many.
func redirect(w http.ResponseWriter, r *request) (answer, error) {
	target := url.URL{Path: strings.TrimSuffix(r.URL.Path, "/"), RawQuery: r.URL.RawQuery}
	r.call.Route = "trailing slash"
	w.Header().Set("Location", target.String())
	return answer{status: http.StatusPermanentRedirect}, nil
}

func healthcheck(*service, *request) (answer, error) {
	return ok(healthJSON{Status: "ok"}), nil
}
