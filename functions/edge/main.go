// Edge is the Lambda behind every path that no other function serves: API keys, the health check and the answer to unknown paths.
package main

import (
	"tocsin/internal/lambdaapi"
	"tocsin/internal/web"
)

func main() {
	lambdaapi.Function(web.Edge).Main()
}
