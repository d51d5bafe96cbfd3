package cost_test

import (
	"encoding/json"
	"flag"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/cost"
	"tocsin/internal/dynamotest"
)

var update = flag.Bool("update", false, "write docs/cost.md instead of comparing it")

// TestPage holds docs/cost.md against the measured costs, the template and the prices.
func TestPage(t *testing.T) {
	root := dynamotest.Root(t)
	text, err := os.ReadFile(filepath.Join(root, "internal", "bench", "testdata", "costs.json"))
	if err != nil {
		t.Fatal(err)
	}
	var measured []cost.Measured
	if err := json.Unmarshal(text, &measured); err != nil {
		t.Fatal(err)
	}
	prices, err := cost.ListPrices()
	if err != nil {
		t.Fatal(err)
	}
	deployed, err := cost.ReadDeployed(filepath.Join(root, "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	page, err := cost.Page(prices, measured, deployed)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(root, "docs", "cost.md")
	if *update {
		if err := os.WriteFile(file, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	old, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(old), page); diff != "" {
		t.Errorf("docs/cost.md is not what the tests, the template and the prices give; go test ./internal/cost -update writes it (-there +computed):\n%s", diff)
	}
}

// TestTotal adds up a bill that can be done by hand.
func TestTotal(t *testing.T) {
	p := cost.Prices{Prices: []cost.Price{
		{ID: "a", USD: 2, Per: 1000, Free: 500},
		{ID: "b", USD: 0.5, Per: 1, Free: 10},
		{ID: "c", USD: 3, Per: 1},
	}}
	u := cost.Usage{"a": 1500, "b": 4}
	u.Add(cost.Usage{"c": 0.5}, 2)
	all, beyond := p.Total(u)
	if math.Abs(all-8) > 1e-9 || math.Abs(beyond-5) > 1e-9 {
		t.Errorf("all %v, beyond what is free %v; want 8 and 5", all, beyond)
	}
}
