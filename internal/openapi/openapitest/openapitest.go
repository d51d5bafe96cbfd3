// Package openapitest holds requests and answers against the OpenAPI document, for
// the tests of whatever serves it.
package openapitest

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// An Exchange is a request and its answer.
type Exchange struct {
	Method string
	Path   string // percent-decoded, as the service judges it
	Query  string // as it was sent
	Header http.Header
	Body   string

	Status       int
	AnswerHeader http.Header
	AnswerBody   string

	// Unserved says that whoever was asked does not serve the path, whatever the
	// document says: a function of other routes, for instance.
	Unserved bool
}

var theDocument = sync.OnceValue(func() *document {
	d, err := load()
	if err != nil {
		panic("openapitest: the OpenAPI document: " + err.Error())
	}
	return d
})

// Check returns what is wrong with an exchange: an answer that the document does not
// have, whose headers or body are not as it says, or a 2xx answer to a request that
// the document does not allow. Unknown fields, parameters and headers of a request
// are allowed; unknown fields of an answer are not. It can be called by many at once.
func Check(x Exchange) error {
	if err := check(theDocument(), x); err != nil {
		return fmt.Errorf("not as the OpenAPI document says: %s %.200q answered %d: %w", x.Method, x.Path, x.Status, err)
	}
	return nil
}

// isHook reports whether the path is one that other tools send to, in their own formats, which the
// document says nothing of.
func isHook(path string) bool {
	for _, at := range []string{"/hooks", "/v2/", "/generic/", "/ping/", "/ext/heartbeat/"} {
		if strings.HasPrefix(path, at) {
			return true
		}
	}
	return false
}

// isPage reports whether the path is one of the public pages, which the document says nothing of.
func isPage(path string) bool {
	below := path == "/api" || strings.HasPrefix(path, "/api/") && path != "/api/"
	return !below || strings.HasPrefix(path, "/api/v2/")
}

func check(d *document, x Exchange) error {
	method := strings.ToUpper(x.Method)
	path, variables := d.match(x.Path)
	if x.Unserved {
		path = nil
	}
	if isHook(x.Path) {
		return nil
	}
	if path == nil && isPage(x.Path) && !strings.HasPrefix(x.AnswerHeader.Get("Content-Type"), "application/json") {
		return nil
	}
	op := path.operation(method)
	r := d.elsewhere[x.Status]
	if path != nil && path.legacy && d.legacy[x.Status] != nil {
		r = d.legacy[x.Status]
	}
	switch {
	case op != nil:
		if r = op.answers[x.Status]; r == nil {
			return fmt.Errorf("%s has no answer %d", op.id, x.Status)
		}
	case path != nil && (x.Status == http.StatusNotFound || x.Status == http.StatusPermanentRedirect),
		path == nil && x.Status == http.StatusMethodNotAllowed,
		path == nil && x.Status == http.StatusPermanentRedirect && !strings.HasSuffix(x.Path, "/"):
		return errors.New("the path can't have this answer")
	case r == nil:
		return errors.New("there is no such operation")
	}
	if x.AnswerHeader.Get("Content-Encoding") == "gzip" && x.AnswerBody != "" {
		var err error
		if x.AnswerBody, err = unpacked(x.AnswerBody); err != nil {
			return fmt.Errorf("the body is not in gzip's format: %w", err)
		}
	}
	if err := r.check(x, method == http.MethodHead); err != nil {
		return err
	}
	if op == nil {
		if x.Status == http.StatusMethodNotAllowed {
			return path.checkAllow(x.AnswerHeader.Get("Allow"))
		}
		return nil
	}
	if x.Status < 300 {
		return op.checkRequest(x, variables)
	}
	return nil
}

func unpacked(body string) (string, error) {
	r, err := gzip.NewReader(strings.NewReader(body))
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(r)
	return string(text), err
}

// checkAllow compares the methods that the answer names with those of the document.
func (p *path) checkAllow(header string) error {
	var want []string
	for method := range p.operations {
		want = append(want, method)
		if method == http.MethodGet {
			want = append(want, http.MethodHead)
		}
	}
	got := strings.Split(header, ", ")
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		return fmt.Errorf("allow is %q, the document has %q", got, want)
	}
	return nil
}

func (r *response) check(x Exchange, head bool) error {
	for _, h := range r.headers {
		values := x.AnswerHeader.Values(h.name)
		if len(values) == 0 {
			if h.required {
				return fmt.Errorf("the header %s is missing", h.name)
			}
			continue
		}
		if err := h.check(strings.Join(values, ", ")); err != nil {
			return fmt.Errorf("header %s: %w", h.name, err)
		}
	}
	if r.content == nil {
		if x.AnswerBody != "" {
			return fmt.Errorf("a body, %.200q", x.AnswerBody)
		}
		return nil
	}
	kind, _, err := mime.ParseMediaType(x.AnswerHeader.Get("Content-Type"))
	if err != nil {
		return fmt.Errorf("content type: %w", err)
	}
	content := r.content[kind]
	if content == nil {
		return fmt.Errorf("the content type %s is not one of the answer's", kind)
	}
	if head {
		if x.AnswerBody != "" {
			return fmt.Errorf("HEAD is answered with a body, %.200q", x.AnswerBody)
		}
		return nil
	}
	body := any(x.AnswerBody)
	if kind == "application/json" {
		if body, err = decode(x.AnswerBody); err != nil {
			return fmt.Errorf("body %.200q: %w", x.AnswerBody, err)
		}
	}
	if err := content.Validate(body); err != nil {
		return fmt.Errorf("body %.1000q: %w", x.AnswerBody, err)
	}
	return nil
}

// checkRequest checks a request that has succeeded.
func (op *operation) checkRequest(x Exchange, variables map[string]string) error {
	if authorization := x.Header.Get("Authorization"); op.needsKey && len(authorization) < len("Bearer ") {
		return errors.New("success without an API key")
	}
	query := parseQuery(x.Query)
	for _, p := range op.parameters {
		value, given := "", false
		switch p.in {
		case "path":
			value, given = variables[p.name]
		case "query":
			value, given = query[p.name]
		case "header":
			values := x.Header.Values(p.name)
			value, given = strings.Join(values, ","), values != nil
		}
		if !given {
			if p.required {
				return fmt.Errorf("success without the parameter %s", p.name)
			}
			continue
		}
		if err := p.check(value); err != nil {
			return fmt.Errorf("success with the %s parameter %s=%.200q: %w", p.in, p.name, value, err)
		}
	}
	if op.body == nil {
		return nil
	}
	body, err := decodeRequest(x.Body)
	if err != nil {
		return fmt.Errorf("success with the body %.200q: %w", x.Body, err)
	}
	if err := op.body.Validate(op.trimmed(body)); err != nil {
		return fmt.Errorf("success with the body %.1000q: %w", x.Body, err)
	}
	return nil
}

// parseQuery reads a query as the document says that the service does: of a repeated
// parameter the first counts. What can't be decoded stays as it was sent.
func parseQuery(query string) map[string]string {
	values := map[string]string{}
	for pair := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		name, value = unescape(name), unescape(value)
		if _, ok := values[name]; !ok && pair != "" {
			values[name] = value
		}
	}
	return values
}

func unescape(s string) string {
	if decoded, err := url.QueryUnescape(s); err == nil {
		return decoded
	}
	return s
}
