// Package apitest runs the whole service for HTTP tests: the routes and the
// environment of template.yaml, the local gateway, the real functions, and a table
// of its own in a real DynamoDB engine.
package apitest

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"

	"tocsin/internal/dynamotest"
	"tocsin/internal/function"
	"tocsin/internal/local"
	"tocsin/internal/openapi/openapitest"
	"tocsin/internal/statuspage"
)

// Options change the service. Zero fields mean the usual.
type Options struct {
	Table      *dynamotest.Table // nil: a new one
	Now        func() time.Time  // nil: time.Now
	HTTPClient aws.HTTPClient    // what DynamoDB is called with
	Parameters map[string]string // of the template

	// Handler returns what runs a function; nil: its handler in this process, which it
	// is given.
	Handler func(f local.Function, inProcess lambda.Handler) lambda.Handler

	// NewLog makes the log of the functions; nil: everything, as slog writes it.
	NewLog func(io.Writer) *slog.Logger
}

// A Server is the running service.
type Server struct {
	URL   string
	Key   string // an API key with every scope
	Host  string // that requests name; "": that of URL
	Table *dynamotest.Table
	Log   *Log

	// Permissions are what the template allows the functions to do with the table.
	Permissions *Permissions

	tb        testing.TB
	scheduler *local.Scheduler
	bus       *local.Bus
	handlers  map[string]lambda.Handler // by the function's name
}

// callTimeout is how long a function waits for one try of one DynamoDB call.
const callTimeout = 5 * time.Second

// New starts the service; it ends with the test, which then fails if the table has an item
// that an import would refuse.
func New(t testing.TB, o Options) *Server {
	t.Helper()
	if o.Table == nil {
		o.Table = dynamotest.NewTable(t)
	}
	s := &Server{Table: o.Table, Log: &Log{}, tb: t}
	parameters := map[string]string{"DynamoDBEndpoint": o.Table.Endpoint, "SiteDir": t.TempDir()}
	for k, v := range o.Parameters {
		parameters[k] = v
	}
	templateFile := filepath.Join(dynamotest.Root(t), "template.yaml")
	template, err := local.ReadTemplate(templateFile, local.TemplateOptions{
		Parameters: parameters, TableName: o.Table.Name, Region: dynamotest.Region,
	})
	if err != nil {
		t.Fatal(err)
	}
	if s.Permissions, err = readPermissions(templateFile); err != nil {
		t.Fatal(err)
	}
	if o.HTTPClient == nil {
		o.HTTPClient = awshttp.NewBuildableClient().WithTimeout(callTimeout)
	}
	if o.NewLog == nil {
		o.NewLog = func(w io.Writer) *slog.Logger {
			return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug}))
		}
	}
	handlers, err := template.Handlers(func(name string, getenv func(string) string) (lambda.Handler, error) {
		return function.NewWith(name, getenv, function.Options{
			Now: o.Now, HTTPClient: s.Permissions.client(name, o.HTTPClient), Log: o.NewLog(s.Log),
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range template.Functions {
		if h := handlers[f.ID]; h != nil && o.Handler != nil {
			handlers[f.ID] = o.Handler(f, h)
		}
	}
	gateway, err := local.NewGateway(template, handlers, local.GatewayOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if s.scheduler, err = local.NewScheduler(template, handlers, local.GatewayOptions{}); err != nil {
		t.Fatal(err)
	}
	if s.bus, err = local.NewBus(template, handlers); err != nil {
		t.Fatal(err)
	}
	s.handlers = map[string]lambda.Handler{}
	for _, f := range template.Functions {
		s.handlers[f.Name] = handlers[f.ID]
	}
	server := httptest.NewServer(gateway)
	t.Cleanup(func() {
		server.Close()
		s.Table.CheckKinds(t)
	})
	s.URL = server.URL
	s.Key = s.NewKey(statuspage.NewAPIKey{Name: "test", Scopes: statuspage.Scopes()})
	return s
}

// Tick runs every function that has a schedule once.
func (s *Server) Tick() {
	s.tb.Helper()
	if err := s.scheduler.RunOnce(context.Background()); err != nil {
		s.tb.Error(err)
	}
}

// Put sends an event to EventBridge, and returns how many rules of the template it matches and the
// first failure of a function that it calls.
func (s *Server) Put(event string) (matched int, err error) {
	return s.bus.Put(context.Background(), []byte(event))
}

// Invoke calls the function called name with an event.
func (s *Server) Invoke(name, event string) error {
	_, err := s.handlers[name].Invoke(context.Background(), []byte(event))
	return err
}

// NewKey makes an API key.
func (s *Server) NewKey(n statuspage.NewAPIKey) string {
	s.tb.Helper()
	secret := statuspage.NewSecret()
	if _, err := s.Table.Store(nil).CreateAPIKey(context.Background(), secret, n, time.Now().Unix(), nil); err != nil {
		s.tb.Fatal(err)
	}
	return secret
}

// A Response is an answer with its body read.
type Response struct {
	Status int
	Header http.Header
	Body   string
}

var client = &http.Client{
	Transport: &http.Transport{MaxIdleConnsPerHost: 256, DisableCompression: true}, // or it would ask for gzip by itself
	CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	},
}

// Do sends a request with the server's key. body "" sends none.
func (s *Server) Do(method, path, body string) Response {
	s.tb.Helper()
	return s.DoWith(method, path, body, s.Header())
}

// Header returns headers with the server's key and more: pairs of a name and a
// value.
func (s *Server) Header(more ...string) http.Header {
	h := http.Header{"Authorization": {"Bearer " + s.Key}}
	for i := 0; i < len(more); i += 2 {
		h.Add(more[i], more[i+1])
	}
	return h
}

// DoWith sends a request with these headers and no others of ours. It is an error of
// the test when the request or its answer is not as the OpenAPI document says.
func (s *Server) DoWith(method, path, body string, header http.Header) Response {
	s.tb.Helper()
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	r, err := http.NewRequest(method, s.URL+path, reader)
	if err != nil {
		s.tb.Fatal(err)
	}
	for name, values := range header {
		r.Header[name] = values
	}
	if body != "" && r.Header.Get("Content-Type") == "" {
		r.Header.Set("Content-Type", "application/json")
	}
	r.Host = s.Host
	resp, err := client.Do(r)
	if err != nil {
		s.tb.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		s.tb.Fatal(err)
	}
	err = openapitest.Check(openapitest.Exchange{
		Method: method, Path: r.URL.Path, Query: r.URL.RawQuery, Header: r.Header, Body: body,
		Status: resp.StatusCode, AnswerHeader: resp.Header, AnswerBody: string(text),
	})
	if err != nil {
		s.tb.Error(err)
	}
	return Response{resp.StatusCode, resp.Header, string(text)}
}

// Log keeps what the functions log.
type Log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// String returns all lines so far.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
