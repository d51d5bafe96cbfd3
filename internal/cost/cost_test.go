package main

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/dynamotest"
)

// TestPage holds docs/cost.md against the measured costs, the template and the prices.
func TestPage(t *testing.T) {
	root := dynamotest.Root(t)
	page, err := compute(root)
	if err != nil {
		t.Fatal(err)
	}
	old, err := os.ReadFile(filepath.Join(root, pageFile))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(old), page); diff != "" {
		t.Errorf("docs/cost.md is not what the tests, the template and the prices give; go run ./internal/cost writes it (-there +computed):\n%s", diff)
	}
}

// TestTotal adds up a bill that can be done by hand.
func TestTotal(t *testing.T) {
	p := Prices{Prices: []Price{
		{ID: "a", USD: 2, Per: 1000, Free: 500},
		{ID: "b", USD: 0.5, Per: 1, Free: 10},
		{ID: "c", USD: 3, Per: 1},
	}}
	u := Usage{"a": 1500, "b": 4}
	u.Add(Usage{"c": 0.5}, 2)
	all, beyond := p.Total(u)
	if math.Abs(all-8) > 1e-9 || math.Abs(beyond-5) > 1e-9 {
		t.Errorf("all %v, beyond what is free %v; want 8 and 5", all, beyond)
	}
}
