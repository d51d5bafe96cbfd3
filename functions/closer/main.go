// Closer is the Lambda that closes forgotten incidents, on a schedule.
package main

import "tocsin/internal/function"

func main() {
	function.Main(function.Closer)
}
