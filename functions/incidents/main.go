// Incidents is the Lambda behind /api/v4/incidents and /api/v4/incidents/{incident_id}.
package main

import (
	"tocsin/internal/api"
	"tocsin/internal/lambdaapi"
)

func main() {
	lambdaapi.Function(api.Incidents).Main()
}
