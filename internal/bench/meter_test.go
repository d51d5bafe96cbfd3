package bench

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"net/http"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"tocsin/internal/ddb"
	"tocsin/internal/dynamo/dump"
	"tocsin/internal/dynamotest"
	"tocsin/internal/local"
)

// A meter passes calls on to DynamoDB and computes the capacity that AWS bills for them
// from the items themselves, since DynamoDB Local's own figures are off for transactions
// and for reads of what is not there. The rules, as AWS documents them (Developer Guide,
// "DynamoDB read and write operations", "Global secondary indexes", "Item sizes and
// formats"):
//
//   - a write costs a unit for each 1 KB, begun, of the larger of the item before and
//     after it, twice that in a transaction, where a condition check counts as a write; a
//     write whose condition fails costs the same;
//   - an index costs a unit for each 1 KB of the item when it enters the index, leaves it or
//     changes in it, and both when its key in the index changes. The transaction's factor of two is not
//     applied to indexes (not in the guide; measured on AWS by the conformance suite of dynoxide);
//   - a read costs a unit for each 4 KB, half a unit when it is eventually consistent, and one read of nothing
//     costs as much as one of the smallest item.
type meter struct {
	table   *dynamotest.Table
	client  *dynamodb.Client // to look at items, not metered
	indexes []dump.IndexDefinition

	countsMissing bool // whether the engine counts what a batch asks for and is not there

	mu          sync.Mutex
	read, write float64
}

func newMeter(t testing.TB, tb *dynamotest.Table) *meter {
	t.Helper()
	template, err := local.ReadTemplate(filepath.Join(dynamotest.Root(t), "template.yaml"), local.TemplateOptions{TableName: tb.Name, Region: dynamotest.Region})
	if err != nil {
		t.Fatal(err)
	}
	d := template.Table
	m := &meter{
		table: tb, client: tb.DynamoDB(nil),
		indexes: append(append([]dump.IndexDefinition(nil), d.Local...), d.Global...),
	}
	nothing := map[string]types.AttributeValue{d.PartitionKey: &types.AttributeValueMemberS{Value: "none"}, d.SortKey: &types.AttributeValueMemberS{Value: "none"}}
	out, err := m.client.BatchGetItem(t.Context(), &dynamodb.BatchGetItemInput{
		RequestItems:           map[string]types.KeysAndAttributes{tb.Name: {Keys: []map[string]types.AttributeValue{nothing}}},
		ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range out.ConsumedCapacity {
		m.countsMissing = m.countsMissing || aws.ToFloat64(c.CapacityUnits) > 0
	}
	return m
}

func (m *meter) reset() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.read, m.write = 0, 0
}

// units returns the capacity of the calls since reset.
func (m *meter) units() (read, write float64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.read, m.write
}

// wireRequest is what the meter looks at of a read.
type wireRequest struct {
	ConsistentRead bool
	RequestItems   map[string]json.RawMessage
}

// RoundTrip implements http.RoundTripper.
func (m *meter) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	asked, err := dynamotest.ParseRequest(operation, body)
	if err != nil {
		return nil, err
	}
	if len(asked.Reads) > 0 {
		var in wireRequest
		if err := json.Unmarshal(body, &in); err != nil {
			return nil, err
		}
		resp, answer, err := m.send(r)
		if err == nil {
			err = m.addRead(operation, in, answer)
		}
		return resp, err
	}
	written, factor := slices.Concat(asked.Writes, asked.Deletes, asked.Checks), 1.0
	if operation == "TransactWriteItems" {
		factor = 2
	}
	before, err := m.look(r, written)
	if err != nil {
		return nil, err
	}
	resp, _, err := m.send(r)
	if err != nil {
		return nil, err
	}
	after, err := m.look(r, written)
	if err != nil {
		return nil, err
	}
	sum := 0.0
	for n := range written {
		sum += factor*kilobytes(max(itemSize(before[n]), itemSize(after[n])), 1) + m.indexUnits(before[n], after[n])
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.write += sum
	return resp, nil
}

var transport = &http.Transport{MaxIdleConnsPerHost: 256}

// send makes the call and reads its answer, which the caller can still read.
func (m *meter) send(r *http.Request) (*http.Response, []byte, error) {
	resp, err := transport.RoundTrip(r)
	if err != nil {
		return nil, nil, err
	}
	answer, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(answer))
	return resp, answer, err
}

// look reads the items of these keys.
func (m *meter) look(r *http.Request, keys []ddb.Key) ([]map[string]types.AttributeValue, error) {
	items := make([]map[string]types.AttributeValue, len(keys))
	for n, k := range keys {
		out, err := m.client.GetItem(r.Context(), &dynamodb.GetItemInput{TableName: &m.table.Name, Key: k.Item(), ConsistentRead: aws.Bool(true)})
		if err != nil {
			return nil, err
		}
		items[n] = out.Item
	}
	return items, nil
}

// indexUnits is what the indexes cost for an item that was before and is after.
func (m *meter) indexUnits(before, after map[string]types.AttributeValue) float64 {
	sum := 0.0
	for _, i := range m.indexes {
		was, is := indexKey(i, before), indexKey(i, after)
		switch {
		case was == is && (is == "" || reflect.DeepEqual(before, after)):
		case was == is:
			sum += kilobytes(max(itemSize(before), itemSize(after)), 1)
		default:
			if was != "" {
				sum += kilobytes(itemSize(before), 1)
			}
			if is != "" {
				sum += kilobytes(itemSize(after), 1)
			}
		}
	}
	return sum
}

// indexKey is the item's key in the index; "" when it is not in it.
func indexKey(i dump.IndexDefinition, item map[string]types.AttributeValue) string {
	key := ""
	for _, name := range []string{i.PartitionKey, i.SortKey} {
		v, ok := item[name].(*types.AttributeValueMemberS)
		if !ok {
			return ""
		}
		key += v.Value + "\x00"
	}
	return key
}

// addRead adds what a read costs: what the engine says, and the least for what was not
// there, which it leaves out.
func (m *meter) addRead(operation string, in wireRequest, answer []byte) error {
	var out struct {
		ConsumedCapacity json.RawMessage
		Responses        map[string][]json.RawMessage
	}
	if err := json.Unmarshal(answer, &out); err != nil {
		return err
	}
	type units struct{ CapacityUnits float64 }
	sum := 0.0
	if operation != "BatchGetItem" {
		var consumed units
		if err := json.Unmarshal(out.ConsumedCapacity, &consumed); err != nil {
			return err
		}
		sum = max(consumed.CapacityUnits, least(in.ConsistentRead))
	} else {
		var consumed []units
		if err := json.Unmarshal(out.ConsumedCapacity, &consumed); err != nil {
			return err
		}
		for _, c := range consumed {
			sum += c.CapacityUnits
		}
		for table, raw := range in.RequestItems {
			var asked struct {
				Keys           []json.RawMessage
				ConsistentRead bool
			}
			if err := json.Unmarshal(raw, &asked); err != nil {
				return err
			}
			if !m.countsMissing {
				sum += float64(len(asked.Keys)-len(out.Responses[table])) * least(asked.ConsistentRead)
			}
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.read += sum
	return nil
}

// least is what a read costs at least.
func least(consistent bool) float64 {
	if consistent {
		return 1
	}
	return 0.5
}

// kilobytes is how many units of so many kilobytes an item takes.
func kilobytes(size, unit int) float64 {
	return max(1, math.Ceil(float64(size)/float64(unit*1024)))
}

// itemSize is the size of an item, as the guide defines it.
func itemSize(item map[string]types.AttributeValue) int {
	n := 0
	for name, v := range item {
		n += len(name) + valueSize(v)
	}
	return n
}

func valueSize(v types.AttributeValue) int {
	const collection = 3 // a list or map, and 1 more for each of its members
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return len(v.Value)
	case *types.AttributeValueMemberN:
		return numberSize(v.Value)
	case *types.AttributeValueMemberB:
		return len(v.Value)
	case *types.AttributeValueMemberSS:
		n := 0
		for _, s := range v.Value {
			n += len(s)
		}
		return n
	case *types.AttributeValueMemberNS:
		n := 0
		for _, s := range v.Value {
			n += numberSize(s)
		}
		return n
	case *types.AttributeValueMemberL:
		n := collection
		for _, e := range v.Value {
			n += 1 + valueSize(e)
		}
		return n
	case *types.AttributeValueMemberM:
		return collection + len(v.Value) + itemSize(v.Value)
	}
	return 1 // true, false, null
}

// numberSize is a byte for each two digits that count, and one more.
func numberSize(s string) int {
	digits := strings.Trim(strings.NewReplacer("-", "", ".", "").Replace(s), "0")
	return (len(digits)+1)/2 + 1
}
