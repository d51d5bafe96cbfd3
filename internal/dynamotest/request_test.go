package dynamotest_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/ddb"
	"tocsin/internal/dynamotest"
)

// TestParseRequest reads a body of every call that the service makes.
func TestParseRequest(t *testing.T) {
	const key = `{"pk":{"S":"A"},"sk":{"S":"B#1"},"n":{"N":"1"}}`
	one, whole := []ddb.Key{{PK: "A", SK: "B#1"}}, []ddb.Key{{PK: "A"}, {PK: "A"}}
	for _, tt := range []struct {
		operation, body string
		want            dynamotest.Request
	}{
		{"GetItem", `{"Key":` + key + `}`, dynamotest.Request{Reads: one}},
		{"Query", `{"ExpressionAttributeValues":{":pk":{"S":"A"},":low":{"S":"B#1"},":high":{"S":"B#2"}}}`, dynamotest.Request{Reads: []ddb.Key{{PK: "A", SK: "B#1"}, {PK: "A", SK: "B#2"}}}},
		{"Query", `{"ExpressionAttributeValues":{":pk":{"S":"A"}}}`, dynamotest.Request{Reads: whole}},
		{"BatchGetItem", `{"RequestItems":{"t":{"Keys":[` + key + `]}}}`, dynamotest.Request{Reads: one}},
		{"PutItem", `{"Item":` + key + `}`, dynamotest.Request{Writes: one}},
		{"UpdateItem", `{"Key":` + key + `}`, dynamotest.Request{Writes: one}},
		{"DeleteItem", `{"Key":` + key + `}`, dynamotest.Request{Deletes: one}},
		{"BatchWriteItem", `{"RequestItems":{"t":[{"PutRequest":{"Item":` + key + `}},{"DeleteRequest":{"Key":` + key + `}}]}}`, dynamotest.Request{Writes: one, Deletes: one}},
		{"TransactWriteItems", `{"TransactItems":[{"Put":{"Item":` + key + `}},{"Update":{"Key":` + key + `}},{"Delete":{"Key":` + key + `}},{"ConditionCheck":{"Key":` + key + `}}]}`,
			dynamotest.Request{Writes: append(one, one...), Deletes: one, Checks: one}},
	} {
		got, err := dynamotest.ParseRequest(tt.operation, []byte(tt.body))
		if d := cmp.Diff(tt.want, got); d != "" || err != nil {
			t.Errorf("%s %s: %v (-want +got):\n%s", tt.operation, tt.body, err, d)
		}
	}
	if got, err := dynamotest.ParseRequest("Scan", []byte(`{}`)); err == nil {
		t.Errorf("an unknown call is read as %+v", got)
	}
	for prefix, want := range map[string]bool{"": true, "A": true, "B#": true, "B#1": true, "#1": false, "AB": false} {
		if got := dynamotest.Reads("none", prefix)("GetItem", []byte(`{"Key":`+key+`}`)); got != want {
			t.Errorf("a read of A B#1 matches %q: %t, want %t", prefix, got, want)
		}
	}
	if dynamotest.Writes("A")("GetItem", []byte(`{"Key":`+key+`}`)) || dynamotest.Deletes("A")("UpdateItem", []byte(`{"Key":`+key+`}`)) {
		t.Error("a read is taken for a write, or a write for a deletion")
	}
}
