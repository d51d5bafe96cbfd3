// Minute is the Lambda that judges the alert rules about missing data, makes the occurrences of
// maintenances and sets the points of heartbeats, every minute.
package main

import "tocsin/internal/lambdajob"

func main() {
	lambdajob.Minute.Main()
}
