package api_test

import (
	"testing"

	"tocsin/internal/dynamotest"
	"tocsin/internal/lambdaapi"
)

func TestMain(m *testing.M) { dynamotest.Main(m) }

// servedRoutes is every route of the service: its method and its path, as http.ServeMux
// writes them.
func servedRoutes() []string {
	var all []string
	for _, r := range lambdaapi.Routes(nil) {
		for _, m := range r.Methods {
			all = append(all, m.Name+" "+r.Path)
		}
	}
	return all
}
