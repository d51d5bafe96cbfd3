// Package lambdapage makes the Lambda function that serves the public pages. It knows no table.
package lambdapage

import (
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"tocsin/internal/bucket"
	"tocsin/internal/lambdahttp"
	"tocsin/internal/pagehttp"
	"tocsin/internal/web"
)

// Name is that of the function, as its folder under functions/ is called.
const Name = "page"

// New returns the handler of the function, with the environment that getenv reads:
//
//	SITE_NAME  name of the whole
//	LOG_LEVEL  DEBUG, INFO, WARN or ERROR; default INFO
//
// and what lambdahttp.NewFor and, for the place of the files, bucket.FromEnv read. Without a place
// the home page is a 503. A nil log means the usual one.
func New(getenv func(string) string, log *slog.Logger) (lambda.Handler, error) {
	if log == nil {
		var err error
		if log, err = lambdahttp.NewLog(os.Stderr, getenv("LOG_LEVEL")); err != nil {
			return nil, err
		}
	}
	files, err := bucket.FromEnv(getenv)
	if err != nil {
		return nil, err
	}
	pages := &pagehttp.Handler{Files: files, Name: getenv("SITE_NAME")}
	return lambdahttp.NewFor(getenv, pages, web.InternalError(), log.With("service", Name)), nil
}

// Main runs the function in Lambda. It does not return.
func Main() {
	handler, err := New(os.Getenv, nil)
	if err != nil {
		slog.Error("the function can't start", "cause", err.Error())
		os.Exit(1)
	}
	lambda.Start(handler)
}
