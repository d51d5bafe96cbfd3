// Incidents is the Lambda behind /api/v4/incidents and /api/v4/incidents/{incident_id}.
package main

import (
	"tocsin/internal/lambdaapi"
	"tocsin/internal/web"
)

func main() {
	lambdaapi.Function(web.Incidents).Main()
}
