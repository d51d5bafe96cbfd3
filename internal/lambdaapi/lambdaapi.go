// Package lambdaapi makes Lambda functions of the API's groups of routes.
package lambdaapi

import (
	"slices"

	"github.com/aws/aws-lambda-go/lambda"

	"tocsin/internal/apilegacy"
	"tocsin/internal/apiv4"
	"tocsin/internal/awsenv"
	"tocsin/internal/dynamo"
	"tocsin/internal/lambdahttp"
	"tocsin/internal/web"
)

// Function returns the function that serves the group. Of its environment it reads, beside
// what all functions do:
//
//	SITE_URL   origin of the links in answers, see web.Config
//	SITE_NAME  name of the site until the API sets another
//	API_DOCS   false: the API does not describe itself, see apiv4.Docs
//
// and what lambdahttp.NewFor reads.
func Function(group web.Group) awsenv.Function {
	return awsenv.Function{Name: string(group), New: func(e awsenv.Env) (lambda.Handler, error) {
		served := routes(e.Store)
		if e.Getenv("API_DOCS") != "false" {
			served = append(served, apiv4.Docs()...)
		}
		handler := web.New(group, web.Config{Store: e.Store, Now: e.Now, SiteURL: e.Getenv("SITE_URL"), SiteName: e.Getenv("SITE_NAME"), Room: lambdahttp.Room(), Ready: e.Ready}, served)
		return lambdahttp.NewFor(e.Getenv, handler, web.InternalError(), e.Log), nil
	}}
}

// Routes returns every route of the service, those of all functions. template.yaml has the
// same ones. A nil store is for who only looks at them.
func Routes(store *dynamo.Store) []web.Route { return append(routes(store), apiv4.Docs()...) }

// routes returns those that no parameter turns off.
func routes(store *dynamo.Store) []web.Route {
	return slices.Concat(
		apiv4.Incidents(store), apiv4.Comments(store), apiv4.Maintenances(store), apiv4.Occurrences(store),
		apiv4.Monitors(store), apiv4.Points(store), apiv4.AlertRules(store), apiv4.Alerts(store),
		apiv4.Pages(store), apiv4.Site(store), apiv4.Integrations(store), apiv4.Signals(), apiv4.Keys(store), apiv4.About(),
		apilegacy.Incidents(store), apilegacy.Comments(store), apilegacy.Status(store),
	)
}
