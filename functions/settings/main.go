// Settings is the Lambda behind pages, /api/v4/pages, and the settings of the site,
// /api/v4/site.
package main

import (
	"tocsin/internal/lambdaapi"
	"tocsin/internal/web"
)

func main() {
	lambdaapi.Function(web.Settings).Main()
}
