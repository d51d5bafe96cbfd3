package api

import (
	"net/http"
	"strings"

	"tocsin/internal/statuspage"
)

// A Group is the routes that one Lambda function serves.
type Group string

// The groups.
const (
	Incidents Group = "incidents"
	Comments  Group = "comments"
	Monitors  Group = "monitors"
	Edge      Group = "edge" // what no other group serves
)

// A route is a path and the methods it has, in the order in which the allow header
// names them. HEAD works wherever GET does.
type route struct {
	group   Group
	path    string // as http.ServeMux writes it
	methods []method
}

// legacy reports whether the route is one of the legacy API 1.0.0, which has a form of
// its own for keys and errors.
func (r route) legacy() bool {
	return strings.HasPrefix(r.path, "/api/") && !strings.HasPrefix(r.path, "/api/v4/")
}

type method struct {
	name   string
	scope  statuspage.Scope
	handle handlerFunc
}

// public is the scope of what needs no API key.
const public statuspage.Scope = ""

// routes is every route of the service. template.yaml has the same ones.
var routes = []route{
	{Incidents, "/api/v4/incidents", []method{
		{http.MethodGet, statuspage.ScopeIncidentsRead, listIncidents},
		{http.MethodPost, statuspage.ScopeIncidentsWrite, creates(createIncident)},
	}},
	{Incidents, "/api/v4/incidents/{incident_id}", []method{
		{http.MethodGet, statuspage.ScopeIncidentsRead, getIncident},
		{http.MethodPatch, statuspage.ScopeIncidentsWrite, updateIncident},
		{http.MethodDelete, statuspage.ScopeIncidentsWrite, deleteIncident},
	}},
	{Comments, "/api/v4/incidents/{incident_id}/comments", []method{
		{http.MethodGet, statuspage.ScopeIncidentsRead, listComments},
		{http.MethodPost, statuspage.ScopeIncidentsWrite, creates(createComment)},
	}},
	{Comments, "/api/v4/incidents/{incident_id}/comments/{comment_id}", []method{
		{http.MethodGet, statuspage.ScopeIncidentsRead, getComment},
		{http.MethodPatch, statuspage.ScopeIncidentsWrite, updateComment},
		{http.MethodDelete, statuspage.ScopeIncidentsWrite, deleteComment},
	}},
	{Monitors, "/api/v4/monitors", []method{
		{http.MethodGet, statuspage.ScopeMonitorsRead, listMonitors},
		{http.MethodPost, statuspage.ScopeMonitorsWrite, creates(createMonitor)},
	}},
	{Monitors, "/api/v4/monitors/{monitor_tag}", []method{
		{http.MethodGet, statuspage.ScopeMonitorsRead, getMonitor},
		{http.MethodPatch, statuspage.ScopeMonitorsWrite, updateMonitor},
		{http.MethodDelete, statuspage.ScopeMonitorsWrite, deleteMonitor},
	}},
	{Monitors, "/api/v4/monitors/{monitor_tag}/data", []method{
		{http.MethodGet, statuspage.ScopeMonitorsRead, listPoints},
		{http.MethodPatch, statuspage.ScopeMonitorsWrite, fillRange},
	}},
	{Monitors, "/api/v4/monitors/{monitor_tag}/data/{timestamp}", []method{
		{http.MethodGet, statuspage.ScopeMonitorsRead, getPoint},
		{http.MethodPatch, statuspage.ScopeMonitorsWrite, updatePoint},
	}},
	{Monitors, "/api/v4/monitors/{monitor_tag}/uptime", []method{
		{http.MethodGet, statuspage.ScopeMonitorsRead, getUptime},
	}},
	{Monitors, "/api/v4/status", []method{
		{http.MethodPost, statuspage.ScopeMonitorsWrite, creates(postPoints)},
	}},
	{Monitors, "/api/v4/alert-rules", []method{
		{http.MethodGet, statuspage.ScopeMonitorsRead, listAlertRules},
		{http.MethodPost, statuspage.ScopeMonitorsWrite, creates(createAlertRule)},
	}},
	{Monitors, "/api/v4/alert-rules/{alert_rule_id}", []method{
		{http.MethodGet, statuspage.ScopeMonitorsRead, getAlertRule},
		{http.MethodPatch, statuspage.ScopeMonitorsWrite, updateAlertRule},
		{http.MethodDelete, statuspage.ScopeMonitorsWrite, deleteAlertRule},
	}},
	{Monitors, "/api/v4/alerts", []method{
		{http.MethodGet, statuspage.ScopeMonitorsRead, listAlerts},
	}},
	{Monitors, "/api/v4/alerts/{alert_id}", []method{
		{http.MethodGet, statuspage.ScopeMonitorsRead, getAlert},
	}},
	{Incidents, "/api/incident", []method{
		{http.MethodGet, statuspage.ScopeIncidentsRead, legacySearch},
		{http.MethodPost, statuspage.ScopeIncidentsWrite, creates(legacyCreateIncident)},
	}},
	{Incidents, "/api/incident/{incidentNumber}", []method{
		{http.MethodGet, statuspage.ScopeIncidentsRead, legacyGetIncident},
		{http.MethodPatch, statuspage.ScopeIncidentsWrite, legacyUpdateIncident},
	}},
	{Incidents, "/api/incident/{incidentNumber}/status", []method{
		{http.MethodPost, statuspage.ScopeIncidentsWrite, creates(legacyProgressIncident)},
	}},
	{Comments, "/api/incident/{incidentNumber}/comment", []method{
		{http.MethodGet, statuspage.ScopeIncidentsRead, legacyListComments},
		{http.MethodPost, statuspage.ScopeIncidentsWrite, creates(legacyCreateComment)},
	}},
	{Monitors, legacyStatusPath, []method{
		{http.MethodGet, statuspage.ScopeMonitorsRead, legacyGetStatus},
		{http.MethodPost, statuspage.ScopeMonitorsWrite, creates(legacyPostStatus)},
	}},
	{Edge, "/api/v4/keys", []method{
		{http.MethodGet, statuspage.ScopeAdmin, listKeys},
		{http.MethodPost, statuspage.ScopeAdmin, creates(createKey)},
	}},
	{Edge, "/api/v4/keys/{key_id}", []method{
		{http.MethodDelete, statuspage.ScopeAdmin, revokeKey},
	}},
	{Edge, "/healthcheck", []method{
		{http.MethodGet, public, healthcheck},
	}},
	{Edge, "/openapi.json", []method{
		{http.MethodGet, public, getDescription},
	}},
	{Edge, "/docs", []method{
		{http.MethodGet, public, getDescription},
	}},
}

// slashOnly are paths that redirect when they end in a slash although they have no
// route of their own (as observed of the original).
var slashOnly = []string{"/api"}
