// Incidents is the Lambda behind the incidents of both APIs, /api/v4/incidents and
// /api/incident, and behind maintenances, /api/v4/maintenances.
package main

import (
	"tocsin/internal/lambdaapi"
	"tocsin/internal/web"
)

func main() {
	lambdaapi.Function(web.Incidents).Main()
}
