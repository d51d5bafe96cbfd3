// Cost computes what the service costs a month on AWS, from the costs of its requests that
// the tests measure, from what the template deploys, and from AWS's list prices, and writes
// docs/cost.md: go run ./internal/cost in the repository's root.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

const pageFile = "docs/cost.md"

func main() {
	page, err := compute(".")
	if err == nil {
		err = os.WriteFile(pageFile, []byte(page), 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "cost:", err)
		os.Exit(1)
	}
}

// compute returns the page from the files in the repository's root.
func compute(root string) (string, error) {
	text, err := os.ReadFile(filepath.Join(root, "internal/bench/testdata/costs.json"))
	if err != nil {
		return "", err
	}
	var measured []Measured
	if err := json.Unmarshal(text, &measured); err != nil {
		return "", err
	}
	prices, err := ListPrices()
	if err != nil {
		return "", err
	}
	deployed, err := ReadDeployed(filepath.Join(root, "template.yaml"))
	if err != nil {
		return "", err
	}
	return Page(prices, measured, deployed)
}
