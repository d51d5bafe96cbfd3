package bench

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"tocsin/internal/dynamo"
	"tocsin/internal/dynamotest"
	"tocsin/internal/local"
)

var (
	many         = flag.Int("incidents", 0, "measure the costs in a table of so many incidents too, which is kept under .local/bench and loaded when it is not there, and put them into costs.json")
	manyEndpoint = flag.String("endpoint", "", "engine for the table of -incidents, which keeps it; default: DynamoDB Local on files under .local/bench")
)

// TestCostsOfMany measures what reads cost in a table that takes long to load. It does so
// only when it is told how large: make bench INCIDENTS=1000000.
func TestCostsOfMany(t *testing.T) {
	if *many == 0 {
		return
	}
	if *many <= sizes[len(sizes)-1] {
		t.Fatalf("-incidents must be more than %d", sizes[len(sizes)-1])
	}
	a := manyIncidents(t)
	b := newBench(t, a.Table, a.Size)
	b.warm()
	var measured []cost
	for _, r := range requests[:firstWrite] {
		measured = append(measured, b.request(r))
	}
	var known []cost
	readGolden(t, costsFile, &known)
	again := map[string]bool{}
	for _, c := range measured {
		again[c.key()] = true
	}
	all := slices.DeleteFunc(slices.Clone(known), func(c cost) bool { return again[c.key()] })
	all = sorted(append(all, measured...))
	checkSizes(t, all)
	*update = true
	compareGolden(t, costsFile, all, known)
}

// firstWrite is how many of the requests only read, which leaves the table as it was
// loaded.
var firstWrite = slices.IndexFunc(requests, func(r request) bool { return r.method != "" })

// manyIncidents opens the archive, which outlives the test, and loads it when it is not
// there.
func manyIncidents(t *testing.T) *dynamotest.Archive {
	t.Helper()
	root := dynamotest.Root(t)
	dir := filepath.Join(root, ".local", "bench", fmt.Sprint(*many))
	ctx := context.Background()
	endpoint := *manyEndpoint
	if endpoint == "" {
		e, err := local.StartEngine(ctx, local.EngineOptions{
			Dir: filepath.Join(root, ".local"), Data: dir, POM: filepath.Join(root, "infra", "local", "pom.xml"), Log: os.Stderr,
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := e.Stop(); err != nil {
				t.Error(err)
			}
		})
		endpoint = e.Endpoint()
	}
	a := &dynamotest.Archive{Table: &dynamotest.Table{Name: fmt.Sprint("archive-", *many), Endpoint: endpoint}, Size: *many}
	template, err := local.ReadTemplate(filepath.Join(root, "template.yaml"), local.TemplateOptions{TableName: a.Table.Name, Region: dynamotest.Region})
	if err != nil {
		t.Fatal(err)
	}
	client := a.Table.DynamoDB(nil)
	if err := dynamo.CreateTable(ctx, client, a.Table.Name, template.Table); err != nil {
		t.Fatal(err)
	}
	// The newest monitor is written with the last batch.
	if _, err := a.Table.Store(nil).Monitor(ctx, "open"); err == nil {
		return a
	}
	began := time.Now()
	if err := a.Load(ctx); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d incidents loaded in %s", *many, time.Since(began).Round(time.Second))
	return a
}
