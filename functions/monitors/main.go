// Monitors is the Lambda behind /api/v4/monitors, /api/v4/status, /api/v4/alert-rules, /api/v4/alerts and /api/status.
package main

import (
	"tocsin/internal/lambdaapi"
	"tocsin/internal/web"
)

func main() {
	lambdaapi.Function(web.Monitors).Main()
}
