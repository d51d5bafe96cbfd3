// Closer is the Lambda that closes forgotten incidents, on a schedule.
package main

import "tocsin/internal/lambdajob"

func main() {
	lambdajob.Closer.Main()
}
