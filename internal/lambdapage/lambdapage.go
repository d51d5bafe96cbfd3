// Package lambdapage makes the Lambda function that serves the public pages. It knows no table.
package lambdapage

import (
	"fmt"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"tocsin/internal/lambdahttp"
	"tocsin/internal/pagehttp"
	"tocsin/internal/publish"
	"tocsin/internal/web"
)

// Name is that of the function, as its folder under functions/ is called.
const Name = "page"

// New returns the handler of the function, with the environment that getenv reads:
//
//	SITE_DIR   the folder with the files; "": there is none, and the home page is a 503
//	SITE_NAME  name of the whole
//	LOG_LEVEL  DEBUG, INFO, WARN or ERROR; default INFO
//
// and what lambdahttp.NewFor reads. A nil log means the usual one.
func New(getenv func(string) string, log *slog.Logger) (lambda.Handler, error) {
	if log == nil {
		var err error
		if log, err = lambdahttp.NewLog(os.Stderr, getenv("LOG_LEVEL")); err != nil {
			return nil, err
		}
	}
	pages := &pagehttp.Handler{Name: getenv("SITE_NAME")}
	if dir := getenv("SITE_DIR"); dir != "" {
		folder, err := publish.OpenFolder(dir)
		if err != nil {
			return nil, fmt.Errorf("SITE_DIR: %w", err)
		}
		pages.Files = folder
	}
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
