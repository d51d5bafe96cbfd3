// Incidents is the Lambda behind the incidents of both APIs: /api/v4/incidents and /api/incident.
package main

import (
	"tocsin/internal/lambdaapi"
	"tocsin/internal/web"
)

func main() {
	lambdaapi.Function(web.Incidents).Main()
}
