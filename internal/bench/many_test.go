package bench

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"tocsin/internal/dynamo/dump"
	"tocsin/internal/dynamotest"
	"tocsin/internal/local"
)

var (
	many         = flag.Int("incidents", 0, "measure the costs in a table of so many incidents too, which is kept under .local/bench and loaded when it is not there, and put them into costs.json")
	manyEndpoint = flag.String("endpoint", "", "engine for the table of -incidents, loaded each time; default: DynamoDB Local on a copy of the files under .local/bench")
)

// TestCostsOfMany measures the requests in a table that takes long to load. It does so
// only when it is told how large: make bench INCIDENTS=1000000.
func TestCostsOfMany(t *testing.T) {
	if *many == 0 {
		return
	}
	if *many <= sizes[len(sizes)-1] {
		t.Fatalf("-incidents must be more than %d", sizes[len(sizes)-1])
	}
	if *many%3 != sizes[0]%3 {
		t.Fatalf("-incidents must leave %d when divided by 3: that decides which of the oldest incidents are closed", sizes[0]%3)
	}
	var known []cost
	readGolden(t, costsFile, &known)
	measured := measure(t, manyIncidents(t), known)
	again := map[string]bool{}
	for n, c := range measured {
		measured[n].Measured = time.Now().UTC().Format(time.DateOnly)
		again[c.key()] = true
	}
	all := slices.DeleteFunc(slices.Clone(known), func(c cost) bool { return again[c.key()] })
	all = sorted(append(all, measured...))
	checkSizes(t, all)
	*update = true
	compareGolden(t, costsFile, all, known)
}

// manyIncidents returns an archive that the test may change: at -endpoint one of its own,
// else a copy of the one under .local/bench, which is loaded when it is not there.
func manyIncidents(t *testing.T) *dynamotest.Archive {
	t.Helper()
	if *manyEndpoint != "" {
		a := openMany(t, *manyEndpoint)
		t.Cleanup(func() {
			if _, err := a.Table.DynamoDB(nil).DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: &a.Table.Name}); err != nil {
				t.Error(err)
			}
		})
		loadMany(t, a)
		return a
	}
	kept := filepath.Join(dynamotest.Root(t), ".local", "bench", fmt.Sprint(*many))
	endpoint, stop := startMany(t, kept)
	a := openMany(t, endpoint)
	// The newest monitor is written with the last batch.
	if _, err := a.Table.Store(nil).Monitor(t.Context(), "open"); err != nil {
		loadMany(t, a)
	}
	stop()
	changed := t.TempDir()
	if err := os.CopyFS(changed, os.DirFS(kept)); err != nil {
		t.Fatal(err)
	}
	endpoint, _ = startMany(t, changed)
	return openMany(t, endpoint)
}

// startMany starts DynamoDB Local on the files of a folder.
func startMany(t *testing.T, data string) (endpoint string, stop func()) {
	t.Helper()
	root := dynamotest.Root(t)
	e, err := local.StartEngine(context.Background(), local.EngineOptions{
		Dir: filepath.Join(root, ".local"), Data: data, POM: filepath.Join(root, "infra", "local", "pom.xml"), Log: os.Stderr,
	})
	if err != nil {
		t.Fatal(err)
	}
	stop = sync.OnceFunc(func() {
		if err := e.Stop(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return e.Endpoint(), stop
}

// openMany returns the archive's table, which it makes when there is none.
func openMany(t *testing.T, endpoint string) *dynamotest.Archive {
	t.Helper()
	a := &dynamotest.Archive{Table: &dynamotest.Table{Name: fmt.Sprint("archive-", *many), Endpoint: endpoint}, Size: *many}
	template, err := local.ReadTemplate(filepath.Join(dynamotest.Root(t), "template.yaml"), local.TemplateOptions{TableName: a.Table.Name, Region: dynamotest.Region})
	if err != nil {
		t.Fatal(err)
	}
	if err := dump.CreateTable(t.Context(), a.Table.DynamoDB(nil), a.Table.Name, template.Table); err != nil {
		t.Fatal(err)
	}
	return a
}

func loadMany(t *testing.T, a *dynamotest.Archive) {
	t.Helper()
	began := time.Now()
	if err := a.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d incidents loaded in %s", a.Size, time.Since(began).Round(time.Second))
}
