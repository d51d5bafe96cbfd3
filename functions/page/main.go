// Page is the Lambda behind the public pages: every path outside /api that no other function serves, and /api/v2.
package main

import "tocsin/internal/lambdapage"

func main() {
	lambdapage.Main()
}
