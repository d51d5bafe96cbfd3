// Monitors is the Lambda behind /api/v4/monitors, /api/v4/status, /api/v4/alert-rules and /api/v4/alerts.
package main

import (
	"tocsin/internal/api"
	"tocsin/internal/lambdaapi"
)

func main() {
	lambdaapi.Function(api.Monitors).Main()
}
