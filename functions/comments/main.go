// Comments is the Lambda behind the comments of an incident.
package main

import (
	"tocsin/internal/lambdaapi"
	"tocsin/internal/web"
)

func main() {
	lambdaapi.Function(web.Comments).Main()
}
