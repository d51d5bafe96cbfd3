package local

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

// Limits of API Gateway's HTTP APIs and of Lambda.
const (
	gatewayTimeout = 30 * time.Second
	maxBody        = 10 << 20
	maxPayload     = 6 << 20 // of an event and of a function's answer
)

// Gateway is an http.Handler that does what an API Gateway HTTP API with the
// $default stage does: it finds the function of a request by the template's routes,
// calls it with an event of payload format 2.0, and turns its answer into HTTP, with
// the headers of the template's CORS configuration. What the gateway itself answers has
// AWS's shape {"message":…}.
//
// It differs where AWS protects itself: nothing is throttled, one handler serves
// many requests at once where Lambda would start more instances, and a function that
// runs into its timeout is no longer waited for but not killed either.
type Gateway struct {
	router    *router
	functions map[string]invoker
	cors      *CORS
	options   GatewayOptions
}

// GatewayOptions are what a gateway may be told; the zero value will do.
type GatewayOptions struct {
	Log *slog.Logger     // gets what the client isn't told of failures; nil: slog's default
	Now func() time.Time // nil: time.Now
}

// invoker is one function and how Lambda would run it.
type invoker struct {
	function Function
	handler  lambda.Handler
}

// NewGateway returns the gateway in front of the template's functions. handlers has
// one for each function that has routes, by its logical id.
func NewGateway(t *Template, handlers map[string]lambda.Handler, o GatewayOptions) (*Gateway, error) {
	router, err := newRouter(t.Functions)
	if err != nil {
		return nil, err
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	g := &Gateway{router: router, functions: map[string]invoker{}, cors: t.CORS, options: o}
	for _, f := range t.Functions {
		handler := handlers[f.ID]
		if handler == nil && len(f.Routes) > 0 {
			return nil, fmt.Errorf("the function %s has routes but no handler here", f.ID)
		}
		g.functions[f.ID] = invoker{f, handler}
	}
	return g, nil
}

// ServeHTTP answers one request.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := newRequestID()
	w.Header().Set("Apigw-Requestid", id)
	answer, err := g.answer(r, id)
	if err != nil {
		failure, ok := errors.AsType[*gatewayError](err)
		if !ok {
			failure = &gatewayError{http.StatusInternalServerError, err}
		}
		if failure.status >= http.StatusInternalServerError {
			// Not the path, which can have a token in it.
			route, _, _ := g.router.match(r.Method, r.URL.Path)
			g.options.Log.Error("gateway", "requestId", id, "method", r.Method, "route", route.key(), "status", failure.status, "cause", failure.Error())
		}
		answer = failure.answer()
	}
	g.cors.apply(answer.header, r)
	answer.write(w, r)
}

// gatewayError is a failure that the gateway answers by itself.
type gatewayError struct {
	status int
	cause  error
}

func (e *gatewayError) Error() string { return e.cause.Error() }

func (e *gatewayError) Unwrap() error { return e.cause }

func (e *gatewayError) answer() *answer {
	return &answer{
		status: e.status,
		header: http.Header{"Content-Type": {"application/json"}},
		body:   fmt.Appendf(nil, "{\"message\":%q}", http.StatusText(e.status)),
	}
}

var errTooLarge = &gatewayError{http.StatusRequestEntityTooLarge, errors.New("the request is too large")}

func (g *Gateway) answer(r *http.Request, id string) (*answer, error) {
	if len(r.URL.Path) == 0 || r.URL.Path[0] != '/' { // OPTIONS *, CONNECT
		return nil, &gatewayError{http.StatusBadRequest, fmt.Errorf("no path: %q", r.URL.Path)}
	}
	body, err := readBody(r)
	if err != nil {
		return nil, err
	}
	route, variables, ok := g.router.match(r.Method, r.URL.Path)
	if !ok && g.cors != nil && r.Method == http.MethodOptions {
		return &answer{status: http.StatusNoContent, header: http.Header{}}, nil
	}
	if !ok {
		return nil, &gatewayError{http.StatusNotFound, errors.New("no route")}
	}
	event, err := eventJSON(r, body, eventFacts{id: id, route: route.key(), variables: variables, now: g.options.Now()})
	if err != nil {
		return nil, err
	}
	if len(event) > maxPayload {
		return nil, errTooLarge // the body was below the gateway's limit but not below Lambda's
	}
	out, err := g.functions[route.function].invoke(context.WithoutCancel(r.Context()), event)
	if err != nil {
		return nil, err
	}
	return parseAnswer(out)
}

func readBody(r *http.Request) ([]byte, error) {
	if r.ContentLength > maxBody {
		return nil, errTooLarge
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return nil, &gatewayError{http.StatusBadRequest, fmt.Errorf("reading the body: %w", err)}
	}
	if len(body) > maxBody {
		return nil, errTooLarge
	}
	return body, nil
}

// invoke runs the function as Lambda does: with a deadline, and with a failure for
// a panic, for an answer that is too large and for one that does not come. A client
// that goes away does not end it.
func (i invoker) invoke(ctx context.Context, event []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, i.function.Timeout)
	defer cancel()
	done := i.start(ctx, event)
	gateway := time.NewTimer(gatewayTimeout)
	defer gateway.Stop()
	select {
	case <-gateway.C:
		return nil, &gatewayError{http.StatusServiceUnavailable, fmt.Errorf("%s took longer than the gateway's %s", i.function.ID, gatewayTimeout)}
	case <-ctx.Done():
		if i.function.Timeout >= gatewayTimeout {
			<-gateway.C
			return nil, &gatewayError{http.StatusServiceUnavailable, fmt.Errorf("%s took longer than the gateway's %s", i.function.ID, gatewayTimeout)}
		}
		return nil, fmt.Errorf("%s took longer than its timeout of %s", i.function.ID, i.function.Timeout)
	case r := <-done:
		if r.err != nil {
			return nil, fmt.Errorf("%s: %w", i.function.ID, r.err)
		}
		if len(r.out) > maxPayload {
			return nil, fmt.Errorf("%s: its answer of %d bytes is larger than Lambda's %d", i.function.ID, len(r.out), maxPayload)
		}
		return r.out, nil
	}
}

// run calls a function that answers nobody: nothing but its own timeout limits it. When ctx ends, the
// function is told so and waited for.
func (i invoker) run(ctx context.Context, event []byte) error {
	ctx, cancel := context.WithTimeout(ctx, i.function.Timeout)
	defer cancel()
	late := time.NewTimer(i.function.Timeout)
	defer late.Stop()
	select {
	case r := <-i.start(ctx, event):
		if r.err != nil {
			return fmt.Errorf("%s: %w", i.function.ID, r.err)
		}
		return nil
	case <-late.C:
		return fmt.Errorf("%s took longer than its timeout of %s", i.function.ID, i.function.Timeout)
	}
}

// result is what a function returned.
type result struct {
	out []byte
	err error
}

// start calls the function and returns where its result will be.
func (i invoker) start(ctx context.Context, event []byte) <-chan result {
	done := make(chan result, 1)
	go func() {
		out, err := i.call(ctx, event)
		done <- result{out, err}
	}()
	return done
}

func (i invoker) call(ctx context.Context, event []byte) (out []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return i.handler.Invoke(lambdacontext.NewContext(ctx, &lambdacontext.LambdaContext{
		AwsRequestID:       newInvocationID(),
		InvokedFunctionArn: "arn:aws:lambda:" + Region + ":" + localAccount + ":function:" + i.function.ID,
	}), event)
}

// Region is the region that everything local is in, and its credentials.
const Region = "local"

// newRequestID returns an id of the form that API Gateway gives to requests.
func newRequestID() string {
	var b [11]byte
	rand.Read(b[:])
	return base64.URLEncoding.EncodeToString(b[:])
}

// newInvocationID returns an id of the form that Lambda gives to invocations.
func newInvocationID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// environment returns what the function finds in its environment: what the template
// gives, and what Lambda gives to every function.
func (f Function) environment(name string) string {
	if value, ok := f.Environment[name]; ok {
		return value
	}
	return map[string]string{
		"AWS_REGION":                      Region,
		"AWS_ACCESS_KEY_ID":               Region,
		"AWS_SECRET_ACCESS_KEY":           Region,
		"AWS_LAMBDA_FUNCTION_NAME":        f.ID,
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": strconv.Itoa(f.MemoryMB),
	}[name]
}

// Handlers makes the handlers of all functions that have routes, schedules, streams or rules,
// each with its own environment, for NewGateway, NewScheduler, NewPoller and NewBus. newHandler
// is function.New.
func (t *Template) Handlers(newHandler func(name string, getenv func(string) string) (lambda.Handler, error)) (map[string]lambda.Handler, error) {
	handlers := map[string]lambda.Handler{}
	for _, f := range t.Functions {
		if len(f.Routes) == 0 && len(f.Schedules) == 0 && len(f.Streams) == 0 && len(f.Rules) == 0 {
			continue
		}
		handler, err := newHandler(f.Name, f.environment)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.ID, err)
		}
		handlers[f.ID] = handler
	}
	return handlers, nil
}
