// Minute is the Lambda that does what is to be done every minute: it judges the alert rules about missing data.
package main

import "tocsin/internal/lambdajob"

func main() {
	lambdajob.Minute.Main()
}
