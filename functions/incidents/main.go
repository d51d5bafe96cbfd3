// Incidents is the Lambda behind /api/v4/incidents and /api/v4/incidents/{incident_id}.
package main

import "tocsin/internal/function"

func main() {
	function.Main(function.Incidents)
}
