// Monitors is the Lambda behind /api/v4/monitors.
package main

import "tocsin/internal/function"

func main() {
	function.Main(function.Monitors)
}
