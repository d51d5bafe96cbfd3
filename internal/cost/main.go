// Cost computes what the service costs a month on AWS, from the costs of its requests that
// the tests measure, from what the template deploys, and from AWS's list prices, and writes
// docs/cost.md: go run ./internal/cost in the repository's root.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
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
	s, err := readSources(root)
	if err != nil {
		return "", err
	}
	return s.Page()
}

// Sources are what the page is computed from.
type Sources struct {
	Prices    Prices
	Measured  []Measured
	Published []Published
	Prod      map[string]string // the parameters of the environment prod
	template  string
}

func readSources(root string) (s Sources, err error) {
	text, err := os.ReadFile(filepath.Join(root, "internal/bench/testdata/costs.json"))
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(text, &s.Measured); err != nil {
		return s, err
	}
	if s.Published, err = readPublished(root); err != nil {
		return s, err
	}
	if s.Prices, err = ListPrices(); err != nil {
		return s, err
	}
	config, err := os.ReadFile(filepath.Join(root, "samconfig.toml"))
	if err != nil {
		return s, err
	}
	s.Prod = prodParameters(string(config))
	s.template = filepath.Join(root, "template.yaml")
	return s, nil
}

// prodParameters reads the parameters of prod in samconfig.toml, as they stand there.
func prodParameters(config string) map[string]string {
	_, section, _ := strings.Cut(config, "\n[prod.global.parameters]\n")
	section, _, _ = strings.Cut(section, "\n[")
	found := regexp.MustCompile(`(?m)^parameter_overrides = "(.*)"$`).FindStringSubmatch(section)
	if found == nil {
		return nil
	}
	parameters := map[string]string{}
	for _, p := range strings.Fields(found[1]) {
		name, value, _ := strings.Cut(p, "=")
		parameters[name] = value
	}
	return parameters
}
