// Package function has all Lambda functions by their names, for the local gateway and for
// tests, so that these run what is deployed. No function links it.
package function

import (
	"fmt"

	"github.com/aws/aws-lambda-go/lambda"

	"tocsin/internal/awsenv"
	"tocsin/internal/lambdaapi"
	"tocsin/internal/lambdainbound"
	"tocsin/internal/lambdajob"
	"tocsin/internal/lambdapage"
	"tocsin/internal/lambdapublish"
	"tocsin/internal/web"
)

// The names of the functions.
var (
	Incidents = string(web.Incidents)
	Comments  = string(web.Comments)
	Monitors  = string(web.Monitors)
	Settings  = string(web.Settings)
	Edge      = string(web.Edge)
	Inbound   = lambdainbound.Function.Name
	Page      = lambdapage.Name
	Minute    = lambdajob.Minute.Name
	Closer    = lambdajob.Closer.Name
	Publisher = lambdapublish.Function.Name
)

// withTable are the functions that work with the table: all but Page.
var withTable = []awsenv.Function{
	lambdaapi.Function(web.Incidents), lambdaapi.Function(web.Comments), lambdaapi.Function(web.Monitors), lambdaapi.Function(web.Settings), lambdaapi.Function(web.Edge),
	lambdainbound.Function, lambdajob.Minute, lambdajob.Closer, lambdapublish.Function,
}

// Options are awsenv.Options.
type Options = awsenv.Options

// New returns the handler of the function called name, see awsenv.Function.Handler and
// lambdapage.New.
func New(name string, getenv func(string) string) (lambda.Handler, error) {
	return NewWith(name, getenv, Options{})
}

// NewWith is New with options.
func NewWith(name string, getenv func(string) string, o Options) (lambda.Handler, error) {
	if name == Page {
		return lambdapage.New(getenv, o.Log)
	}
	for _, f := range withTable {
		if f.Name == name {
			return f.Handler(getenv, o)
		}
	}
	return nil, fmt.Errorf("no function is called %q", name)
}
