// Alerts is the Lambda that looks every minute for monitors that no data comes from.
package main

import "tocsin/internal/function"

func main() {
	function.Main(function.Alerts)
}
