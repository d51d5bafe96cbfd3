// Package awsenv makes of a Lambda function's environment what every function works with:
// the repository in DynamoDB, the log and the clock.
package awsenv

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"

	"tocsin/internal/awsclient"
	"tocsin/internal/ddb"
	"tocsin/internal/dynamo"
	"tocsin/internal/lambdahttp"
	"tocsin/internal/statuspage"
)

const (
	callTimeout = 5 * time.Second // of one try of one DynamoDB call
	initTimeout = 3 * time.Second // of the schema check while a function starts
)

// A Function is a Lambda function.
type Function struct {
	Name string // as its folder under functions/ is called
	New  func(Env) (lambda.Handler, error)
}

// Env is what a function works with.
type Env struct {
	Getenv func(string) string
	Now    func() time.Time
	Log    *slog.Logger // its lines name the function
	Store  *dynamo.Store

	// Ready checks the table's schema version until it has passed once. What reads the
	// table asks it first.
	Ready func(context.Context) error

	// Calls counts the calls of DynamoDB so far.
	Calls func() int64
}

// Options replace parts of the environment, in tests. Zero fields mean the real ones.
type Options struct {
	Now        func() time.Time
	HTTPClient aws.HTTPClient // what DynamoDB is called with
	Log        *slog.Logger
}

// Handler returns the handler of the function, with the environment that getenv reads:
//
//	TABLE_NAME             the table; must be set
//	AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN
//	                       as Lambda sets them
//	DYNAMODB_ENDPOINT      DynamoDB's address; else AWS_ENDPOINT_URL_DYNAMODB, else
//	                       AWS_ENDPOINT_URL, else AWS's own
//	RETENTION_DAYS         how long minutes that it writes are kept; default 400
//	LOG_LEVEL              DEBUG, INFO, WARN or ERROR; default INFO
//
// and what the function itself reads. A value that is missing or malformed is an error.
//
// It opens the connection to DynamoDB and checks the table's schema version. A
// check that fails is repeated by the first requests, which answer 500 until it
// has passed, or by the first runs on the schedule, which fail until then.
func (f Function) Handler(getenv func(string) string, o Options) (lambda.Handler, error) {
	table := getenv("TABLE_NAME")
	if table == "" {
		return nil, fmt.Errorf("the environment variable TABLE_NAME must name the table")
	}
	e := Env{Getenv: getenv, Now: o.Now, Log: o.Log}
	if e.Now == nil {
		e.Now = time.Now
	}
	if e.Log == nil {
		log, err := lambdahttp.NewLog(os.Stderr, getenv("LOG_LEVEL"))
		if err != nil {
			return nil, err
		}
		e.Log = log
	}
	days, err := retention(getenv("RETENTION_DAYS"))
	if err != nil {
		return nil, err
	}
	e.Log = lambdahttp.Logger(e.Log.With("service", f.Name))
	client := o.HTTPClient
	if client == nil {
		client = awsclient.NewHTTPClient(callTimeout)
	}
	var calls atomic.Int64
	e.Calls = calls.Load
	e.Store = dynamo.New(ddb.NewClient(awsclient.Config(getenv, client), awsclient.Endpoint(getenv, "DYNAMODB"), ddb.CountCalls(&calls)), table).WithLog(e.Log).WithRetention(days)
	e.Ready = untilOnce(e.Store.CheckSchema)
	h, err := f.New(e)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), initTimeout)
	defer cancel()
	if err := e.Ready(ctx); err != nil {
		e.Log.Error("the table is not ready", "cause", err.Error())
	}
	return h, nil
}

// retention reads a number of days, "" for the usual one.
func retention(text string) (int, error) {
	if text == "" {
		return statuspage.DefaultRetention, nil
	}
	days, err := strconv.Atoi(text)
	if err != nil || days < statuspage.MinRetention || days > statuspage.MaxRetention {
		return 0, fmt.Errorf("RETENTION_DAYS must be a number of days from %d to %d, not %q", statuspage.MinRetention, statuspage.MaxRetention, text)
	}
	return days, nil
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

// Main runs the function in Lambda. It does not return.
func (f Function) Main() {
	handler, err := f.Handler(os.Getenv, Options{})
	if err != nil {
		slog.Error("the function can't start", "cause", err.Error())
		os.Exit(1)
	}
	lambda.Start(handler)
}
