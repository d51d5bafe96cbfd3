// Comments is the Lambda behind the comments of an incident.
package main

import "tocsin/internal/function"

func main() {
	function.Main(function.Comments)
}
