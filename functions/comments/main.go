// Comments is the Lambda behind the comments of an incident, of both APIs.
package main

import (
	"tocsin/internal/lambdaapi"
	"tocsin/internal/web"
)

func main() {
	lambdaapi.Function(web.Comments).Main()
}
