// Comments is the Lambda behind the comments of an incident.
package main

import (
	"tocsin/internal/api"
	"tocsin/internal/lambdaapi"
)

func main() {
	lambdaapi.Function(api.Comments).Main()
}
