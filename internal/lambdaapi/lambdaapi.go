// Package lambdaapi makes Lambda functions of the API's groups of routes.
package lambdaapi

import (
	"github.com/aws/aws-lambda-go/lambda"

	"tocsin/internal/api"
	"tocsin/internal/awsenv"
	"tocsin/internal/lambdahttp"
)

// Function returns the function that serves the group. Of its environment it reads, beside
// what all functions do:
//
//	SITE_URL         origin of the links in answers, see api.Config
//	ALLOWED_ORIGINS  what the gateway's CORS configuration allows; not empty: preflight
//	                 requests are answered, see lambdahttp.Handler
func Function(group api.Group) awsenv.Function {
	return awsenv.Function{Name: string(group), New: func(e awsenv.Env) (lambda.Handler, error) {
		handler := api.New(group, api.Config{Store: e.Store, Now: e.Now, SiteURL: e.Getenv("SITE_URL"), Ready: e.Ready})
		h := lambdahttp.New(handler, api.InternalError(), e.Log)
		h.Preflight = e.Getenv("ALLOWED_ORIGINS") != ""
		return h, nil
	}}
}
