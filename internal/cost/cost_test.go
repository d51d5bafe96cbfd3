package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
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

// sums are the sums of the columns at list price, for a stack with these parameters.
func sums(t *testing.T, s Sources, parameters map[string]string) []float64 {
	t.Helper()
	columns, _, err := s.Columns(parameters)
	if err != nil {
		t.Fatal(err)
	}
	var all []float64
	for _, u := range columns {
		sum, _ := s.Prices.Total(u)
		all = append(all, sum)
	}
	return all
}

// TestIdleStack asks that a stack that nobody calls costs at most a dollar, without what
// AWS gives for nothing, and half a dollar more when its table has become a gigabyte.
func TestIdleStack(t *testing.T) {
	s, err := readSources(dynamotest.Root(t))
	if err != nil {
		t.Fatal(err)
	}
	idle := sums(t, s, nil)[0]
	if full := idle + (1-tableGB)*s.Prices.gigabyte(); idle <= 0 || idle > 1 || full > 1.5 {
		t.Errorf("an idle stack costs %.2f dollars a month, with a gigabyte %.2f; want at most 1.00 and 1.50", idle, full)
	}
}

// TestSwitches asks what the parameters of the template add that are about money.
func TestSwitches(t *testing.T) {
	s, err := readSources(dynamotest.Root(t))
	if err != nil {
		t.Fatal(err)
	}
	idle := sums(t, s, nil)[0]
	for _, tt := range []struct {
		parameters map[string]string
		want       float64
	}{
		{map[string]string{"Alarms": "none"}, -0.7},
		{map[string]string{"Alarms": "all"}, 1.6},
		{map[string]string{"Metrics": "true"}, 1.8},
		{map[string]string{"Dashboard": "true"}, 3},
		{map[string]string{"GradualDeployment": "true"}, 0.7 + 0.4},
		// Gradual deployments have their alarm also when there are no others.
		{map[string]string{"GradualDeployment": "true", "Alarms": "none"}, 0.7 + 0.4 - 0.7},
	} {
		if got := sums(t, s, tt.parameters)[0] - idle; math.Abs(got-tt.want) > 1e-9 {
			t.Errorf("%v adds %.2f, want %.2f", tt.parameters, got, tt.want)
		}
	}
	if _, err := ReadDeployed(s.template, map[string]string{"Alarm": "all"}); err == nil {
		t.Error("a parameter that is not there is no error")
	}
	// prod is to have all that can be watched.
	for name, value := range map[string]string{"Alarms": "all", "Dashboard": "true", "Metrics": "true", "GradualDeployment": "true", "CloudFront": "true"} {
		if s.Prod[name] != value {
			t.Errorf("samconfig.toml sets %s of prod to %q, want %q", name, s.Prod[name], value)
		}
	}
}

// TestReadme holds the prices that the README begins with against the computed ones.
func TestReadme(t *testing.T) {
	root := dynamotest.Root(t)
	s, err := readSources(root)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(text), "\n## ")
	sum := sums(t, s, nil)
	want := fmt.Sprintf(`| idle, with its alarms | %s |
| 20 services with a status a minute, in one call | %s more |
| the same, in a call for each service | %s more |
| 100,000 calls | %s more |
`, dollars(sum[0]), dollars(sum[3]), dollars(sum[2]), dollars(sum[1]))
	if !strings.Contains(first, want) {
		t.Errorf("before its first heading README.md has other prices than\n%s", want)
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

// TestPublicPage asks that keeping the public pages costs no more than it did, in dollars a
// month at list prices, and that what is put and read on noisy days costs no more than it may.
func TestPublicPage(t *testing.T) {
	s, err := readSources(dynamotest.Root(t))
	if err != nil {
		t.Fatal(err)
	}
	most := map[string]float64{"0 idle": 0.10, "20 quiet": 0.50, "20 noisy": 0.60, "20 stormy": 0.75, "100 quiet": 1.10, "100 noisy": 2.00, "100 stormy": 2.10}
	for monitors, most := range map[int]float64{20: 0.50, 100: 2} {
		p, err := s.published(monitors, "noisy", 1)
		if err != nil {
			t.Fatal(err)
		}
		took, u := Usage{}, p.Month()
		for _, id := range []string{"s3_put", "s3_get", "read_unit"} {
			took[id] = u[id]
		}
		if sum, _ := s.Prices.Total(took); sum > most || sum <= 0 {
			t.Errorf("what is put and read for %d monitors costs %.2f dollars a month, want at most %.2f", monitors, sum, most)
		}
	}
	for _, of := range pages {
		p, err := s.published(of.monitors, of.noise, of.containers)
		if err != nil {
			t.Fatal(err)
		}
		limit, asked := most[fmt.Sprint(of.monitors, " ", of.noise)]
		if sum, _ := s.Prices.Total(p.Month()); of.containers == 1 && (!asked || sum > limit || sum <= 0) {
			t.Errorf("%s: %.2f dollars a month, want at most %.2f", of.name, sum, limit)
		}
	}
}
