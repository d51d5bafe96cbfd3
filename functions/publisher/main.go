// Publisher is the Lambda that keeps the public pages as new as the table is.
package main

import "tocsin/internal/lambdapublish"

func main() {
	lambdapublish.Function.Main()
}
