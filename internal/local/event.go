package local

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
)

// eventFacts are what the gateway knows of a request beside the request itself.
type eventFacts struct {
	id        string
	route     string
	variables map[string]string
	now       time.Time
}

// eventJSON returns the event as the function gets it. JSON can't carry bytes that
// are not UTF-8: as on AWS they arrive as U+FFFD, in paths and headers alike.
func eventJSON(r *http.Request, body []byte, facts eventFacts) ([]byte, error) {
	event, err := json.Marshal(newEvent(r, body, facts))
	if err != nil {
		return nil, fmt.Errorf("encoding the event: %w", err)
	}
	return event, nil
}

func newEvent(r *http.Request, body []byte, facts eventFacts) events.APIGatewayV2HTTPRequest {
	source, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		source = r.RemoteAddr
	}
	domain := domainName(r)
	prefix, _, _ := strings.Cut(domain, ".")
	event := events.APIGatewayV2HTTPRequest{
		Version:               "2.0",
		RouteKey:              facts.route,
		RawPath:               r.URL.Path,
		RawQueryString:        r.URL.RawQuery,
		Cookies:               splitCookies(r.Header["Cookie"]),
		Headers:               eventHeaders(r, body, source),
		QueryStringParameters: queryParameters(r.URL.RawQuery),
		PathParameters:        facts.variables,
		RequestContext: events.APIGatewayV2HTTPRequestContext{
			RouteKey:     facts.route,
			AccountID:    localAccount,
			Stage:        "$default",
			RequestID:    facts.id,
			APIID:        "local",
			DomainName:   domain,
			DomainPrefix: prefix,
			Time:         facts.now.UTC().Format("02/Jan/2006:15:04:05 +0000"),
			TimeEpoch:    facts.now.UnixMilli(),
			HTTP: events.APIGatewayV2HTTPRequestContextHTTPDescription{
				Method:    r.Method,
				Path:      r.URL.Path,
				Protocol:  r.Proto,
				SourceIP:  source,
				UserAgent: r.UserAgent(),
			},
		},
	}
	if isText(r.Header.Get("Content-Type")) && utf8.Valid(body) {
		event.Body = string(body)
	} else if len(body) > 0 {
		event.Body, event.IsBase64Encoded = base64.StdEncoding.EncodeToString(body), true
	}
	return event
}

// domainName is the gateway's domain name: the host that the request names, when that is
// this machine, else the address that the request came to. A client can name any host, and
// links are made of the domain name; API Gateway takes requests for its own names alone.
func domainName(r *http.Request) string {
	own, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	host, port, err := net.SplitHostPort(r.Host)
	if err != nil {
		host, port = strings.TrimSuffix(strings.TrimPrefix(r.Host, "["), "]"), "80"
	}
	ip := net.ParseIP(host)
	here := strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
	if tcp, ok := own.(*net.TCPAddr); ok && ip != nil {
		here = here || ip.Equal(tcp.IP)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err == nil && here {
		return r.Host
	}
	if own == nil {
		return "localhost"
	}
	return own.String()
}

// hopByHop are the headers that end at the gateway.
var hopByHop = map[string]bool{
	"Connection": true, "Expect": true, "Keep-Alive": true, "Proxy-Connection": true,
	"Te": true, "Trailer": true, "Transfer-Encoding": true, "Upgrade": true,
}

func eventHeaders(r *http.Request, body []byte, source string) map[string]string {
	headers := map[string]string{}
	for name, values := range r.Header {
		if name != "Cookie" && !hopByHop[name] {
			headers[strings.ToLower(name)] = strings.Join(values, ",")
		}
	}
	scheme, port := "http", "80"
	if r.TLS != nil {
		scheme, port = "https", "443"
	}
	if _, p, err := net.SplitHostPort(r.Host); err == nil {
		port = p
	}
	if before := headers["x-forwarded-for"]; before != "" {
		source = before + ", " + source
	}
	maps.Copy(headers, map[string]string{
		"host":              r.Host,
		"content-length":    strconv.Itoa(len(body)),
		"x-forwarded-for":   source,
		"x-forwarded-port":  port,
		"x-forwarded-proto": scheme,
	})
	return headers
}

func splitCookies(lines []string) []string {
	var cookies []string
	for _, line := range lines {
		for c := range strings.SplitSeq(line, ";") {
			if c = strings.TrimSpace(c); c != "" {
				cookies = append(cookies, c)
			}
		}
	}
	return cookies
}

// queryParameters decodes the query; values of a repeated name are joined. What
// can't be decoded stays as it was sent.
func queryParameters(raw string) map[string]string {
	var parameters map[string]string
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name, value = unescape(name), unescape(value)
		if before, ok := parameters[name]; ok {
			value = before + "," + value
		}
		if parameters == nil {
			parameters = map[string]string{}
		}
		parameters[name] = value
	}
	return parameters
}

func unescape(s string) string {
	if decoded, err := url.QueryUnescape(s); err == nil {
		return decoded
	}
	return s
}

// isText reports whether the gateway passes a body of the type on as it is, rather
// than in base64. A body without a type is text too.
func isText(contentType string) bool {
	if contentType == "" {
		return true
	}
	kind, _, err := mime.ParseMediaType(contentType)
	if err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter) {
		return false
	}
	switch kind {
	case "application/json", "application/xml", "application/javascript":
		return true
	}
	return strings.HasPrefix(kind, "text/") || strings.HasSuffix(kind, "+json") || strings.HasSuffix(kind, "+xml")
}

// answer is an HTTP answer ready to be written.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// parseAnswer reads what a function returned: an answer of payload format 2.0, or
// any other JSON, which is then the body of a 200.
func parseAnswer(out []byte) (*answer, error) {
	if !json.Valid(out) {
		return nil, errors.New("the function's answer is not JSON")
	}
	var status struct {
		StatusCode json.RawMessage `json:"statusCode"`
	}
	if err := json.Unmarshal(out, &status); err != nil || status.StatusCode == nil {
		return &answer{
			status: http.StatusOK,
			header: http.Header{"Content-Type": {"application/json"}},
			body:   out,
		}, nil
	}
	var response struct {
		StatusCode        int                 `json:"statusCode"`
		Headers           map[string]any      `json:"headers"`
		MultiValueHeaders map[string][]string `json:"multiValueHeaders"`
		Cookies           []string            `json:"cookies"`
		Body              string              `json:"body"`
		IsBase64Encoded   bool                `json:"isBase64Encoded"`
	}
	decoder := json.NewDecoder(bytes.NewReader(out))
	decoder.UseNumber() // a header's number stays as the function wrote it
	if err := decoder.Decode(&response); err != nil {
		return nil, fmt.Errorf("the function's answer is not in payload format 2.0: %w", err)
	}
	if response.StatusCode < 200 || response.StatusCode > 599 {
		return nil, fmt.Errorf("the function's answer has the status %d", response.StatusCode)
	}
	a := &answer{status: response.StatusCode, header: http.Header{}, body: []byte(response.Body)}
	if response.IsBase64Encoded {
		body, err := base64.StdEncoding.DecodeString(response.Body)
		if err != nil {
			return nil, fmt.Errorf("the function's answer is not the base64 that it says: %w", err)
		}
		a.body = body
	}
	for name, values := range response.MultiValueHeaders {
		for _, value := range values {
			a.header.Add(name, value)
		}
	}
	for name, value := range response.Headers {
		text, err := headerText(value)
		if err != nil {
			return nil, fmt.Errorf("the function's header %s: %w", name, err)
		}
		a.header.Set(name, text)
	}
	for _, cookie := range response.Cookies {
		a.header.Add("Set-Cookie", cookie)
	}
	for name, values := range a.header {
		if !validHeader(name, values) {
			return nil, fmt.Errorf("the function's header %q: %q is none that HTTP can carry", name, values)
		}
	}
	return a, nil
}

// validHeader reports whether the header can be sent as it is (RFC 9110, section 5).
func validHeader(name string, values []string) bool {
	token := func(c rune) bool {
		return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z' || strings.ContainsRune("!#$%&'*+-.^_`|~", c)
	}
	control := func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }
	if name == "" || strings.ContainsFunc(name, func(c rune) bool { return !token(c) }) {
		return false
	}
	return !slices.ContainsFunc(values, func(v string) bool { return strings.ContainsFunc(v, control) })
}

func headerText(value any) (string, error) {
	switch v := value.(type) {
	case string:
		return v, nil
	case json.Number, bool:
		return fmt.Sprint(v), nil
	}
	return "", errors.New("its value is no text")
}

// write sends the answer. The length and the connection are the gateway's own
// business, whatever the function says of them.
func (a *answer) write(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	for name, values := range a.header {
		if !hopByHop[name] && name != "Content-Length" {
			header[name] = values
		}
	}
	if header.Get("Content-Type") == "" {
		header["Content-Type"] = nil // or net/http would guess one
	}
	bodyless := a.status == http.StatusNoContent || a.status == http.StatusNotModified
	if !bodyless {
		header.Set("Content-Length", strconv.Itoa(len(a.body)))
	}
	w.WriteHeader(a.status)
	if !bodyless && r.Method != http.MethodHead {
		w.Write(a.body) // a client that has gone away needs no answer
	}
}
