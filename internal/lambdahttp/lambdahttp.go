// Package lambdahttp runs an http.Handler behind API Gateway's HTTP API, through
// the adapter of aws-lambda-go-api-proxy. It guards the adapter's corner cases:
// what a client can send must never become a Lambda error, which would be answered
// by the gateway and not by this service.
package lambdahttp

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/awslabs/aws-lambda-go-api-proxy/httpadapter"

	"tocsin/internal/web"
)

// grace is how long before the function's timeout the work on a request ends, so
// that there is still time to answer.
const grace = time.Second

// headerKey is of the event's headers in a context.
type headerKey struct{}

// Handler is a lambda.Handler that serves API Gateway HTTP API events (payload
// format 2.0).
type Handler struct {
	// Preflight says that CORS preflight requests get an empty 204 and go no further,
	// without a line in the log. The gateway adds the headers and decides on them; it
	// only passes such a request on to a function because a route takes its method.
	Preflight bool

	// Origin closes the API to everybody but the CDN in front of it.
	Origin Origin

	adapter *httpadapter.HandlerAdapterV2
	failure []byte
	log     *slog.Logger
	warm    atomic.Bool
}

// Origin is how a request says that it comes through the CDN: a header, in lower case, with
// a secret whose SHA-256 is in hexadecimal. Without one every request is let through.
type Origin struct{ Header, SHA256 string }

// lets reports whether the event has the secret. It takes the same time for every value of
// the header.
func (o Origin) lets(event events.APIGatewayV2HTTPRequest) bool {
	secret := event.Headers[o.Header]
	sum := sha256.Sum256([]byte(secret))
	same := subtle.ConstantTimeCompare([]byte(hex.EncodeToString(sum[:])), []byte(o.SHA256)) == 1
	return o.SHA256 == "" || same && secret != ""
}

// forbidden is API Gateway's own answer to who may not call it: nothing tells what is
// behind.
var forbidden = events.APIGatewayV2HTTPResponse{
	StatusCode: http.StatusForbidden, Headers: map[string]string{"Content-Type": "application/json", "Cache-Control": "no-store"}, Body: `{"message":"Forbidden"}`,
}

// New returns the Lambda handler in front of h. failure is the JSON body of the
// 500 that answers a panic, or a handler that answered nothing or with a status that
// no answer has. Each request is one line in log.
func New(h http.Handler, failure []byte, log *slog.Logger) *Handler {
	return &Handler{adapter: httpadapter.NewV2(withHeader(h)), failure: failure, log: Logger(log)}
}

// NewFor is New for a function with an environment, of which it reads:
//
//	ALLOWED_ORIGINS  what the gateway's CORS configuration allows; not empty: preflight
//	                 requests are answered, see Handler.Preflight
//	ORIGIN_HEADER    the header in which a CDN sends a secret, and ORIGIN_SHA256: that of the
//	                 secret; not empty: other requests are refused, see Origin
func NewFor(getenv func(string) string, h http.Handler, failure []byte, log *slog.Logger) *Handler {
	made := New(h, failure, log)
	made.Preflight = getenv("ALLOWED_ORIGINS") != ""
	made.Origin = Origin{Header: getenv("ORIGIN_HEADER"), SHA256: getenv("ORIGIN_SHA256")}
	return made
}

// withHeader gives h the headers as the gateway delivered them, a value each. The adapter
// gets none: it would split values at their commas and trim the parts, so that different
// values become the same.
func withHeader(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		delivered, _ := r.Context().Value(headerKey{}).(map[string]string)
		for name := range delivered {
			r.Header.Del(name)
		}
		for _, name := range slices.Sorted(maps.Keys(delivered)) {
			r.Header.Add(name, delivered[name])
		}
		h.ServeHTTP(w, r)
	})
}

// Logger returns log with the ids that a line's context carries in every line: the
// request's (requestId, of a web.Call), the one that Lambda gave the call of the function
// (lambdaRequestId), and the trace's (traceId). A log that it has made it returns
// as it is.
func Logger(log *slog.Logger) *slog.Logger {
	if _, ok := log.Handler().(withIDs); ok {
		return log
	}
	return slog.New(withIDs{log.Handler()})
}

type withIDs struct{ slog.Handler }

// Handle implements slog.Handler.
func (h withIDs) Handle(ctx context.Context, r slog.Record) error {
	if id := web.CallFrom(ctx).RequestID; id != "" {
		r.AddAttrs(slog.String("requestId", id))
	}
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		r.AddAttrs(slog.String("lambdaRequestId", lc.AwsRequestID))
	}
	if id := traceID(ctx); id != "" {
		r.AddAttrs(slog.String("traceId", id))
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h withIDs) WithAttrs(attrs []slog.Attr) slog.Handler {
	return withIDs{h.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (h withIDs) WithGroup(name string) slog.Handler { return withIDs{h.Handler.WithGroup(name)} }

// traceHeader is the key under which aws-lambda-go keeps the trace header of a call
// in its context, the same text as in _X_AMZN_TRACE_ID.
const traceHeader = "x-amzn-trace-id"

// traceID returns the id of the trace that a call of a function belongs to, by which
// X-Ray finds it; "" when there is none.
func traceID(ctx context.Context) string {
	header, _ := ctx.Value(traceHeader).(string)
	for field := range strings.SplitSeq(header, ";") {
		if id, ok := strings.CutPrefix(strings.TrimSpace(field), "Root="); ok {
			return id
		}
	}
	return ""
}

// Invoke answers one event. An error is returned only for a payload that is no
// HTTP API event.
func (h *Handler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	began := time.Now()
	var event events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(payload, &event); err != nil {
		return nil, fmt.Errorf("the event is not an HTTP API event: %w", err)
	}
	if event.RequestContext.HTTP.Method == "" {
		return nil, fmt.Errorf("the event is not an HTTP API event of payload format 2.0: it has no method")
	}
	if !h.Origin.lets(event) {
		h.warm.Store(true)
		return json.Marshal(forbidden)
	}
	if h.Preflight && isPreflight(event) {
		h.warm.Store(true)
		return json.Marshal(events.APIGatewayV2HTTPResponse{StatusCode: http.StatusNoContent})
	}
	call := &web.Call{RequestID: requestID(ctx, event), Origin: origin(event.RequestContext.DomainName)}
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-grace))
		defer cancel()
	}
	ctx = context.WithValue(web.WithCall(ctx, call), headerKey{}, event.Headers)
	response := h.serve(ctx, event, call)
	h.logRequest(ctx, event, response, call, time.Since(began))
	return json.Marshal(response)
}

// isPreflight reports whether a browser asks if a page of another origin may send a
// request. The gateway writes names of headers in lower case.
func isPreflight(event events.APIGatewayV2HTTPRequest) bool {
	return event.RequestContext.HTTP.Method == http.MethodOptions &&
		event.Headers["origin"] != "" && event.Headers["access-control-request-method"] != ""
}

func (h *Handler) serve(ctx context.Context, event events.APIGatewayV2HTTPRequest, call *web.Call) (response events.APIGatewayV2HTTPResponse) {
	defer func() {
		if p := recover(); p != nil {
			call.Cause = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
			response = h.failed(call)
		}
	}()
	response, err := h.adapter.ProxyWithContext(ctx, sanitized(event))
	if err == nil && (response.StatusCode < 200 || response.StatusCode > 599) {
		err = fmt.Errorf("the handler answered with the status %d", response.StatusCode)
	}
	if err != nil {
		call.Cause = err
		return h.failed(call)
	}
	return response
}

func (h *Handler) failed(call *web.Call) events.APIGatewayV2HTTPResponse {
	body := h.failure
	if call.Failure != nil {
		body = call.Failure
	}
	return events.APIGatewayV2HTTPResponse{
		StatusCode: http.StatusInternalServerError,
		Headers: map[string]string{
			"Content-Type": "application/json", "Cache-Control": "no-store", "X-Request-Id": call.RequestID,
		},
		Body: string(body),
	}
}

func (h *Handler) logRequest(ctx context.Context, event events.APIGatewayV2HTTPRequest, response events.APIGatewayV2HTTPResponse, call *web.Call, took time.Duration) {
	level := slog.LevelInfo
	attrs := []slog.Attr{
		slog.String("method", event.RequestContext.HTTP.Method),
		slog.String("route", call.Route),
		slog.Int("status", response.StatusCode),
		slog.Float64("durationMs", float64(took.Microseconds())/1000),
		slog.Bool("coldStart", !h.warm.Swap(true)),
	}
	if call.KeyID != 0 {
		attrs = append(attrs, slog.Int64("keyId", call.KeyID))
	}
	if response.StatusCode >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	if call.Cause != nil {
		attrs = append(attrs, slog.String("cause", call.Cause.Error()))
	}
	h.log.LogAttrs(ctx, level, "request", attrs...)
}

func requestID(ctx context.Context, event events.APIGatewayV2HTTPRequest) string {
	if id := event.RequestContext.RequestID; id != "" {
		return id
	}
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		return lc.AwsRequestID
	}
	return "unknown"
}

// origin is the scheme and host of the gateway's domain name. Only a gateway on
// this machine speaks plain HTTP.
func origin(domain string) string {
	host := domain
	if h, _, err := net.SplitHostPort(domain); err == nil {
		host = h
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	if strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback() {
		return "http://" + domain
	}
	return "https://" + domain
}

// sanitized returns the event in a form that the adapter turns into the request
// that was meant. The adapter builds a URL by joining strings, so:
//
//   - the path, which the gateway delivers decoded, is escaped again, or a percent
//     sign in it would be an error and a question mark would cut it;
//   - the query loses the bytes that no URL may hold;
//   - the headers are left out, since withHeader sets them;
//   - the host is a fixed one, since the client's own may be anything;
//   - a body that is not the base64 it says it is stays as it is;
//   - a method that is no token can't be served: it becomes one that no route has.
func sanitized(event events.APIGatewayV2HTTPRequest) events.APIGatewayV2HTTPRequest {
	path := event.RawPath
	if path == "" {
		path = event.RequestContext.HTTP.Path
	}
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	event.RawPath = (&url.URL{Path: path}).EscapedPath()
	event.RawQueryString = escapeQuery(event.RawQueryString)
	if event.RawQueryString == "" {
		event.QueryStringParameters = nil // the raw form is the one that counts
	}
	event.Headers = nil
	event.RequestContext.DomainName = "gateway.invalid"
	if event.IsBase64Encoded {
		if _, err := base64.StdEncoding.DecodeString(event.Body); err != nil {
			event.IsBase64Encoded = false
		}
	}
	if !isToken(event.RequestContext.HTTP.Method) {
		event.RequestContext.HTTP.Method = "INVALID"
	}
	return event
}

// escapeQuery percent-encodes what may not stand in a URL.
func escapeQuery(q string) string {
	clean := true
	for i := range len(q) {
		clean = clean && queryByte(q[i])
	}
	if clean {
		return q
	}
	var b strings.Builder
	for i := range len(q) {
		if queryByte(q[i]) {
			b.WriteByte(q[i])
		} else {
			fmt.Fprintf(&b, "%%%02X", q[i])
		}
	}
	return b.String()
}

func queryByte(c byte) bool { return c > ' ' && c < 0x7f && c != '#' }

func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !letter && !strings.ContainsRune("!#$%&'*+-.^_`|~", rune(c)) {
			return false
		}
	}
	return s != ""
}
