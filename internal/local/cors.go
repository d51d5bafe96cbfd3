package local

import (
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// CORS is the CORS configuration of the HTTP API: which pages of other origins a
// browser lets call it. The gateway does with it what an API Gateway HTTP API does.
//
// AWS documents (Configure CORS for HTTP APIs in API Gateway):
//
//   - The gateway answers a preflight request by itself, without a route for OPTIONS. But
//     the default route gets what no other route takes, OPTIONS requests too.
//   - To a function's answer it adds the configured headers, and the CORS headers of the
//     function's own it drops.
//   - Only a request with an Origin gets CORS headers; one with the method OPTIONS must
//     have Access-Control-Request-Method too.
//   - An allowed origin is *, https://* or http://* for all with that scheme, or one
//     origin exactly.
//   - MaxAge is -1 to 86400.
//
// Observed, in published logs of real APIs:
//
//   - A preflight request goes to the function of a route that takes it, be it one for
//     OPTIONS, for ANY or the default one, and its answer has the function's status: a
//     401 or 404 fails the preflight, whatever the headers say.
//   - The gateway's own answer is an empty 204. When the request asks for a header that is
//     not allowed it is still a 204, but without CORS headers.
//   - An origin out of a list comes back as the request wrote it, with vary: origin.
//   - The gateway's own errors have the headers too.
//   - Names of headers are kept in lower case.
//   - Credentials together with the origin * are refused when the API is deployed.
//
// Assumed: an origin or a method that is not allowed is treated as such a header is; *
// comes back as it is, without vary; lists are joined by commas in the order of the
// configuration; what only a preflight needs (methods, headers, age) is in its answer
// alone, and the exposed headers in all others; any OPTIONS that no route takes is
// answered with a 204.
type CORS struct {
	Origins     []string
	Methods     []string // upper case, or *
	Headers     []string // that a request may have; lower case, or *
	Expose      []string // headers of an answer that the page may read; lower case, or *
	MaxAge      *int     // seconds; nil: the browser's own
	Credentials bool
}

const anything = "*"

var (
	originForm = regexp.MustCompile(`^(\*|https?://(\*|[0-9A-Za-z.:_\[\]-]+))$`)
	headerForm = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")
)

// corsMethods are the methods that a configuration can name.
var corsMethods = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions, anything,
}

// readCORS reads the CorsConfiguration that stands here; nil when there is none.
func readCORS(v value) *CORS {
	if !v.exists() {
		return nil
	}
	v.allow("AllowOrigins", "AllowMethods", "AllowHeaders", "ExposeHeaders", "MaxAge", "AllowCredentials")
	c := &CORS{
		Origins: v.get("AllowOrigins").texts(),
		Methods: v.get("AllowMethods").texts(),
		Headers: readHeaderNames(v.get("AllowHeaders")),
		Expose:  readHeaderNames(v.get("ExposeHeaders")),
	}
	if len(c.Origins) == 0 {
		v.fail("AllowOrigins must name an origin")
	}
	for _, o := range c.Origins {
		if !originForm.MatchString(o) {
			v.get("AllowOrigins").fail("an origin must be *, https://*, http://* or like https://status.example.com, not %q", o)
		}
	}
	for _, m := range c.Methods {
		if !slices.Contains(corsMethods, m) {
			v.get("AllowMethods").fail("a method must be one of %s, not %q", strings.Join(corsMethods, ", "), m)
		}
	}
	if age := v.get("MaxAge"); age.exists() {
		text := age.text()
		n, err := strconv.Atoi(text)
		if err != nil || n < -1 || n > 86400 {
			age.fail("must be a whole number from -1 to 86400, not %q", text)
		}
		c.MaxAge = &n
	}
	if credentials := v.get("AllowCredentials"); credentials.exists() {
		switch text := credentials.text(); text {
		case "true":
			c.Credentials = true
		case "false":
		default:
			credentials.fail("must be true or false, not %q", text)
		}
		if c.Credentials && slices.Contains(c.Origins, anything) {
			credentials.fail("AWS refuses credentials together with the origin *")
		}
	}
	return c
}

func readHeaderNames(v value) []string {
	names := v.texts()
	for i, name := range names {
		if !headerForm.MatchString(name) {
			v.fail("%q is no name of a header", name)
		}
		names[i] = strings.ToLower(name)
	}
	return names
}

// Headers that the gateway alone decides on when CORS is configured.
const (
	allowOrigin      = "Access-Control-Allow-Origin"
	allowCredentials = "Access-Control-Allow-Credentials"
	allowMethods     = "Access-Control-Allow-Methods"
	allowHeaders     = "Access-Control-Allow-Headers"
	exposeHeaders    = "Access-Control-Expose-Headers"
	maxAge           = "Access-Control-Max-Age"
)

// apply gives the answer to r its CORS headers, and takes from it those that the
// function gave it. Without a configuration the function's own stand.
func (c *CORS) apply(header http.Header, r *http.Request) {
	if c == nil {
		return
	}
	for _, name := range []string{allowOrigin, allowCredentials, allowMethods, allowHeaders, exposeHeaders, maxAge} {
		header.Del(name)
	}
	origin := r.Header.Get("Origin")
	preflight := r.Method == http.MethodOptions
	if !c.allowsOrigin(origin) || preflight && !c.allowsRequest(r) {
		return
	}
	if slices.Contains(c.Origins, anything) {
		header.Set(allowOrigin, anything)
	} else {
		header.Set(allowOrigin, origin)
		header.Add("Vary", "origin")
	}
	if c.Credentials {
		header.Set(allowCredentials, "true")
	}
	if !preflight {
		setList(header, exposeHeaders, c.Expose)
		return
	}
	setList(header, allowMethods, c.Methods)
	setList(header, allowHeaders, c.Headers)
	if c.MaxAge != nil {
		header.Set(maxAge, strconv.Itoa(*c.MaxAge))
	}
}

func setList(header http.Header, name string, values []string) {
	if len(values) > 0 {
		header.Set(name, strings.Join(values, ","))
	}
}

func (c *CORS) allowsOrigin(origin string) bool {
	return origin != "" && slices.ContainsFunc(c.Origins, func(allowed string) bool {
		prefix, all := strings.CutSuffix(allowed, anything)
		return allowed == origin || all && strings.HasPrefix(origin, prefix)
	})
}

// allowsRequest reports whether the request that a preflight announces may be sent.
func (c *CORS) allowsRequest(preflight *http.Request) bool {
	method := preflight.Header.Get("Access-Control-Request-Method")
	if method == "" || !listed(c.Methods, method) {
		return false
	}
	for _, line := range preflight.Header.Values("Access-Control-Request-Headers") {
		for name := range strings.SplitSeq(line, ",") {
			if name = strings.ToLower(strings.TrimSpace(name)); name != "" && !listed(c.Headers, name) {
				return false
			}
		}
	}
	return true
}

func listed(list []string, s string) bool {
	return slices.Contains(list, s) || slices.Contains(list, anything)
}
