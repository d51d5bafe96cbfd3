// Package dynamotest gives tests a real DynamoDB engine, a table of their own in
// it, and a client that counts calls and injects faults.
//
// The engine is the one at TOCSIN_TEST_ENDPOINT when that is set, else a DynamoDB
// Local that the test binary starts for itself. One that can't be started fails
// the tests: none is ever skipped.
package dynamotest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"tocsin/internal/ddb"
	"tocsin/internal/dynamo"
	"tocsin/internal/dynamo/dump"
	"tocsin/internal/local"
)

var engine struct {
	sync.Mutex
	endpoint string
	started  *local.Engine
}

// Main runs a package's tests and stops the engine that they started. TestMain of
// every package that uses an engine calls it.
func Main(m *testing.M) {
	code := m.Run()
	engine.Lock()
	defer engine.Unlock()
	if engine.started != nil {
		if err := engine.started.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// Endpoint returns the engine's address.
func Endpoint(t testing.TB) string {
	t.Helper()
	engine.Lock()
	defer engine.Unlock()
	if engine.endpoint == "" {
		engine.endpoint = os.Getenv(local.EndpointVariable)
	}
	if engine.endpoint == "" {
		root := Root(t)
		e, err := local.StartEngine(context.Background(), local.EngineOptions{
			Dir: filepath.Join(root, ".local"), POM: filepath.Join(root, "infra", "local", "pom.xml"), Log: os.Stderr,
		})
		if err != nil {
			t.Fatalf("the tests need a DynamoDB engine: %v", err)
		}
		engine.started, engine.endpoint = e, e.Endpoint()
	}
	return engine.endpoint
}

// EngineOf returns which engine the tests run on. A test asks only where engines are
// different, see docs/testing.md.
func EngineOf(t testing.TB) local.EngineKind {
	t.Helper()
	resp, err := http.Get(Endpoint(t))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if strings.HasPrefix(resp.Header.Get("Server"), "Dynoxide/") {
		return local.Dynoxide
	}
	return local.DynamoDBLocal
}

// Root returns the folder of the module.
func Root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatal("no go.mod above the test's folder")
		}
		dir = parent
	}
}

// Region is where the engine's tables are. DynamoDB Local with a shared database does
// not care, but the SDK does: for a region that it does not know it compiles a dozen
// regular expressions at every call.
const Region = "us-east-1"

// A Table is a table of one test. It is deleted when the test ends.
type Table struct {
	Name     string
	Endpoint string
}

// NewTable makes an empty table as template.yaml defines it.
func NewTable(t testing.TB) *Table {
	t.Helper()
	tb := &Table{Name: "test-" + randomName(), Endpoint: Endpoint(t)}
	template, err := local.ReadTemplate(filepath.Join(Root(t), "template.yaml"), local.TemplateOptions{TableName: tb.Name, Region: Region})
	if err != nil {
		t.Fatal(err)
	}
	client := tb.DynamoDB(nil)
	if err := dump.CreateTable(context.Background(), client, tb.Name, template.Table); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := client.DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: &tb.Name}); err != nil {
			t.Error(err)
		}
	})
	return tb
}

// DynamoDB returns a client of the engine that calls by client, or as usual when
// that is nil.
func (tb *Table) DynamoDB(client aws.HTTPClient) *dynamodb.Client {
	return ddb.NewClient(aws.Config{
		Region: Region, HTTPClient: client, Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}, tb.Endpoint)
}

// Store returns the repository in the table.
func (tb *Table) Store(client aws.HTTPClient) *dynamo.Store {
	return dynamo.New(tb.DynamoDB(client), tb.Name)
}

// Dump returns what reads and writes the whole table.
func (tb *Table) Dump(client aws.HTTPClient) *dump.Dump { return dump.New(tb.Store(client)) }

// Getenv is the environment of a function on this table; more is laid over it.
func (tb *Table) Getenv(more map[string]string) func(string) string {
	env := map[string]string{
		"TABLE_NAME": tb.Name, "DYNAMODB_ENDPOINT": tb.Endpoint, "LOG_LEVEL": "INFO",
		"AWS_REGION": Region, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
	}
	for k, v := range more {
		env[k] = v
	}
	return func(name string) string { return env[name] }
}

// Scan returns every item of the table, a large one's in no order.
func (tb *Table) Scan(t testing.TB) []map[string]types.AttributeValue {
	t.Helper()
	client := tb.DynamoDB(nil)
	scan := func(from *dynamodb.ScanInput) (items []map[string]types.AttributeValue, more bool, err error) {
		from.TableName, from.ConsistentRead = &tb.Name, aws.Bool(true)
		pages := dynamodb.NewScanPaginator(client, from)
		for pages.HasMorePages() && (len(items) == 0 || from.TotalSegments != nil) {
			page, err := pages.NextPage(context.Background())
			if err != nil {
				return nil, false, err
			}
			items = append(items, page.Items...)
		}
		return items, pages.HasMorePages(), nil
	}
	all, more, err := scan(&dynamodb.ScanInput{})
	if err == nil && more {
		// For each page after the first, DynamoDB Local goes through all the table.
		const segments = 256
		all = nil
		for n := range int32(segments) {
			items, _, segmentErr := scan(&dynamodb.ScanInput{Segment: &n, TotalSegments: aws.Int32(segments)})
			all, err = append(all, items...), errors.Join(err, segmentErr)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Items returns every item of the table, its attributes as text.
func (tb *Table) Items(t testing.TB) []map[string]string {
	t.Helper()
	var items []map[string]string
	for _, it := range tb.Scan(t) {
		flat := map[string]string{}
		for name, v := range it {
			flat[name] = plain(v)
		}
		items = append(items, flat)
	}
	return items
}
