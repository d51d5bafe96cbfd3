// Minute is the Lambda that judges the alert rules about missing data and makes the
// occurrences of maintenances, every minute.
package main

import "tocsin/internal/lambdajob"

func main() {
	lambdajob.Minute.Main()
}
