// Package function wires the Lambda functions, those that answer HTTP and those that
// a schedule starts: from their environment to a handler. The Lambda mains and the
// local gateway both start here, so that they run the same code.
package function

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"

	"tocsin/internal/apilegacy"
	"tocsin/internal/apiv4"
	"tocsin/internal/closer"
	"tocsin/internal/ddb"
	"tocsin/internal/dynamo"
	"tocsin/internal/lambdahttp"
	"tocsin/internal/web"
)

// The names of the functions, as their folders under functions/ are called.
const (
	Incidents = string(web.Incidents)
	Comments  = string(web.Comments)
	Monitors  = string(web.Monitors)
	Edge      = string(web.Edge)
	Alerts    = "alerts" // on a schedule
	Closer    = "closer" // on a schedule
)

const (
	callTimeout = 5 * time.Second // of one try of one DynamoDB call
	initTimeout = 3 * time.Second // of the schema check while a function starts
)

// Options replace parts of a function, in tests. Zero fields mean the real ones.
type Options struct {
	Now        func() time.Time
	HTTPClient aws.HTTPClient // what DynamoDB is called with
	Log        *slog.Logger
}

// New returns the handler of the function called name, with the environment that
// getenv reads:
//
//	TABLE_NAME             the table; must be set
//	AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN
//	                       as Lambda sets them
//	DYNAMODB_ENDPOINT      DynamoDB's address; else AWS_ENDPOINT_URL_DYNAMODB, else
//	                       AWS_ENDPOINT_URL, else AWS's own
//	SITE_URL               origin of the links in answers, see web.Config
//	ALLOWED_ORIGINS        what the gateway's CORS configuration allows; not empty:
//	                       preflight requests are answered, see lambdahttp.Handler
//	API_DOCS               false: the API does not describe itself, see apiv4.Docs
//	LOG_LEVEL              DEBUG, INFO, WARN or ERROR; default INFO
//	STALE_AFTER, WARN_BEFORE
//	                       the closer's policy, see closer.ParsePolicy
//
// It opens the connection to DynamoDB and checks the table's schema version. A
// check that fails is repeated by the first requests, which answer 500 until it
// has passed, or by the first runs on the schedule, which fail until then.
func New(name string, getenv func(string) string) (lambda.Handler, error) {
	return NewWith(name, getenv, Options{})
}

// NewWith is New with options.
func NewWith(name string, getenv func(string) string, o Options) (lambda.Handler, error) {
	switch name {
	case Incidents, Comments, Monitors, Edge, Alerts, Closer:
	default:
		return nil, fmt.Errorf("no function is called %q", name)
	}
	table := getenv("TABLE_NAME")
	if table == "" {
		return nil, fmt.Errorf("the environment variable TABLE_NAME must name the table")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.HTTPClient == nil {
		o.HTTPClient = newHTTPClient(callTimeout)
	}
	if o.Log == nil {
		log, err := NewLog(os.Stderr, getenv("LOG_LEVEL"))
		if err != nil {
			return nil, err
		}
		o.Log = log
	}
	o.Log = lambdahttp.Logger(o.Log.With("service", name))
	policy, err := closer.ParsePolicy(getenv("STALE_AFTER"), getenv("WARN_BEFORE"))
	if err != nil {
		return nil, err
	}
	var calls atomic.Int64
	client := ddb.NewClient(awsConfig(getenv, o.HTTPClient), endpoint(getenv), ddb.CountCalls(&calls))
	store := dynamo.New(client, table).WithLog(o.Log)
	ready := untilOnce(store.CheckSchema)
	ctx, cancel := context.WithTimeout(context.Background(), initTimeout)
	defer cancel()
	if err := ready(ctx); err != nil {
		o.Log.Error("the table is not ready", "cause", err.Error())
	}
	if name == Alerts {
		return &silenceJudge{store: store, now: o.Now, ready: ready, log: o.Log}, nil
	}
	if name == Closer {
		return &closerRun{store: store, policy: policy, name: getenv("AWS_LAMBDA_FUNCTION_NAME"), now: o.Now, ready: ready, calls: calls.Load, log: o.Log}, nil
	}
	routes := routes(store)
	if getenv("API_DOCS") != "false" {
		routes = append(routes, apiv4.Docs()...)
	}
	handler := web.New(web.Group(name), web.Config{
		Store: store, Now: o.Now, SiteURL: getenv("SITE_URL"), Ready: ready,
	}, routes)
	h := lambdahttp.New(handler, web.InternalError(), o.Log)
	h.Preflight = getenv("ALLOWED_ORIGINS") != ""
	return h, nil
}

// Routes returns every route of the service, those of all functions. template.yaml has the
// same ones. A nil store is for who only looks at them.
func Routes(store *dynamo.Store) []web.Route { return append(routes(store), apiv4.Docs()...) }

// routes returns those that no parameter turns off.
func routes(store *dynamo.Store) []web.Route {
	return slices.Concat(
		apiv4.Incidents(store), apiv4.Comments(store),
		apiv4.Monitors(store), apiv4.Points(store), apiv4.AlertRules(store), apiv4.Alerts(store),
		apiv4.Keys(store), apiv4.About(),
		apilegacy.Incidents(store), apilegacy.Comments(store), apilegacy.Status(store),
	)
}

// untilOnce returns a check that is not asked again once it has passed.
func untilOnce(check func(context.Context) error) func(context.Context) error {
	var passed atomic.Bool
	return func(ctx context.Context) error {
		if passed.Load() {
			return nil
		}
		err := check(ctx)
		if err == nil {
			passed.Store(true)
		}
		return err
	}
}

// awsConfig is made by hand: the SDK's own loader looks for profiles, files and
// metadata services that a Lambda function never has, and costs a cold start more
// memory and time than the whole of this package.
func awsConfig(getenv func(string) string, client aws.HTTPClient) aws.Config {
	return aws.Config{
		Region:     getenv("AWS_REGION"),
		HTTPClient: client,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{
				AccessKeyID:     getenv("AWS_ACCESS_KEY_ID"),
				SecretAccessKey: getenv("AWS_SECRET_ACCESS_KEY"),
				SessionToken:    getenv("AWS_SESSION_TOKEN"),
			}, nil
		}),
	}
}

func endpoint(getenv func(string) string) string {
	for _, name := range []string{"DYNAMODB_ENDPOINT", "AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL"} {
		if url := getenv(name); url != "" {
			return url
		}
	}
	return ""
}

// NewLog returns the log of a function: one JSON object a line, with the names that
// Lambda's own JSON log format uses. level "" means INFO.
func NewLog(w io.Writer, level string) (*slog.Logger, error) {
	var l slog.Level
	if level != "" {
		if err := l.UnmarshalText([]byte(level)); err != nil {
			return nil, fmt.Errorf("LOG_LEVEL %q is none of DEBUG, INFO, WARN, ERROR", level)
		}
	}
	names := map[string]string{slog.TimeKey: "timestamp", slog.MessageKey: "message"}
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{
		Level: l,
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if name, ok := names[a.Key]; ok && len(groups) == 0 {
				a.Key = name
			}
			return a
		},
	})), nil
}

// Main runs the function called name in Lambda. It does not return.
func Main(name string) {
	handler, err := New(name, os.Getenv)
	if err != nil {
		slog.Error("the function can't start", "cause", err.Error())
		os.Exit(1)
	}
	lambda.Start(handler)
}
