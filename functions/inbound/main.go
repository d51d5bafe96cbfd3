// Inbound is the Lambda behind what other tools send of their alarms: over HTTP, from EventBridge and from topics of SNS.
package main

import "tocsin/internal/lambdainbound"

func main() {
	lambdainbound.Function.Main()
}
