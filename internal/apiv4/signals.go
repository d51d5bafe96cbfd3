package apiv4

import (
	"tocsin/internal/statuspage"
	"tocsin/internal/web"
)

// Signals returns the routes by which a client with an API key gives signals to an integration, and
// tries out what a tool's body would do. What they do is package apihooks': the function that takes
// alarms serves them, and the others know only their paths.
func Signals() []web.Route {
	return []web.Route{
		{Group: web.Inbound, Path: "/api/v4/integrations/{integration_id}/signals", Methods: []web.Method{web.POST(statuspage.ScopeIncidentsWrite, nil)}},
		{Group: web.Inbound, Path: "/api/v4/integrations/{integration_id}/test", Methods: []web.Method{web.POST(statuspage.ScopeIntegrationsRead, nil)}},
	}
}
